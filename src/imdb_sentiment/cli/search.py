"""`imdb-sentiment search`: try many settings, and keep the best model."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imdb_sentiment.cli.completion import metrics, settings_to_vary
from imdb_sentiment.cli.console import print_json, reports_errors, say
from imdb_sentiment.cli.next_steps import next_steps
from imdb_sentiment.cli.options import OUTPUT, Json
from imdb_sentiment.cli.training_options import MaxTrainSamples, TrainingOptions, with_training_options

if TYPE_CHECKING:
    from imdb_sentiment.results.search import SearchReport

__all__ = ["search"]

_SEARCH = "Search"
_RANGE = re.compile(r"(.+)\.\.(.+)")


@reports_errors
@with_training_options
def search(
    *,
    output: Annotated[
        Path, typer.Option(help="Folder for the study and the best model.", metavar="DIR", rich_help_panel=OUTPUT)
    ] = Path("search"),
    trials: Annotated[int, typer.Option(help="Number of trials.", metavar="N", rich_help_panel=_SEARCH)] = 20,
    space: Annotated[
        list[str] | None,
        typer.Option(
            help="Vary a field, e.g. learning_rate=1e-5..1e-4 or max_length=128,256; repeatable. [default: depends on "
            "the number of rows]",
            metavar="FIELD=VALUES",
            autocompletion=settings_to_vary,
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    metric: Annotated[
        str,
        typer.Option(
            help="Choose the best trial by log_loss, accuracy, balanced_accuracy, f1, matthews_correlation, roc_auc or "
            "average_precision.",
            metavar="NAME",
            autocompletion=metrics,
            rich_help_panel=_SEARCH,
        ),
    ] = "log_loss",
    options: TrainingOptions,
    max_train_samples: MaxTrainSamples = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Resume a search in DIR, or add trials to it until it has N.", rich_help_panel=OUTPUT
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Try many settings, keep the best model, and estimate the selection bias of its result.

    Trials are measured on held-out rows, and the best one once on the test split.
    """
    from imdb_sentiment.hyperparameter_search import search as search_settings

    data_config, fine_tune_config = options.read(max_train_samples=max_train_samples)
    heading = iter(["trial     value  settings\n"])  # before the first trial, so that an error stands alone
    report = search_settings(
        data_config,
        space=_read_space(space),
        config=fine_tune_config,
        trials=trials,
        metric=metric,
        output_dir=output,
        resume=resume,
        on_trial=None if json else lambda trial: say(f"{next(heading, '')}{trial}"),
    )
    if json:
        print_json(report.to_dict())
        return
    say(f"\n{report}")
    say(f"\nThe best model is in {report.model}, its settings in {output / 'best.yaml'}. {_next(report, data_config)}")


def _next(report: "SearchReport", data_config: Any) -> str:
    measured = report.test
    if measured is None:
        return "To label more rows tells more than more trials."
    return next_steps(Path(report.model), measured, data_config, report.best_config, searched=True)


def _read_space(assignments: Sequence[str] | None) -> dict[str, object] | None:
    """Read `FIELD=LOW..HIGH` and `FIELD=A,B,C`; a value is text, which the field converts."""
    from imdb_sentiment.errors import ConfigError
    from imdb_sentiment.runtime.messages import quote

    if not assignments:
        return None
    space: dict[str, object] = {}
    for text in assignments:
        name, equals, values = text.partition("=")
        if not equals or not values or name in space:
            raise ConfigError(
                f"invalid --space {quote(text)}",
                expected="a field and its values, each field once, e.g. --space learning_rate=1e-5..1e-4",
            )
        ends = _RANGE.fullmatch(values)
        space[name.strip()] = (ends[1], ends[2]) if ends else [value.strip() or None for value in values.split(",")]
    return space

"""`imdb-sentiment learning-curve`: forecast the gain from more labelled rows."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say
from imdb_sentiment.cli.options import OUTPUT, Json
from imdb_sentiment.cli.training_options import TrainingOptions, with_training_options

__all__ = ["learning_curve"]


@reports_errors
@with_training_options
def learning_curve(
    *,
    output: Annotated[
        Path, typer.Option(help="Folder for the result of each training.", metavar="DIR", rich_help_panel=OUTPUT)
    ] = Path("learning-curve"),
    sizes: Annotated[
        str | None,
        typer.Option(
            help="Numbers of rows, such as 50,100,200. [default: all outside a fold, half of them, and so on]",
            metavar="NUMBERS",
        ),
    ] = None,
    folds: Annotated[int, typer.Option(help="Number of models trained for each size.", metavar="N")] = 3,
    options: TrainingOptions,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume an interrupted curve in DIR.", rich_help_panel=OUTPUT)
    ] = False,
    json: Json = False,
) -> None:
    """Train on increasing numbers of rows, and forecast the gain from twice as many."""
    from imdb_sentiment.learning_curves import learning_curve as measure_curve

    data_config, fine_tune_config = options.read()
    curve = measure_curve(
        data_config,
        config=fine_tune_config,
        sizes=None if sizes is None else _numbers(sizes),
        folds=folds,
        output_dir=output,
        resume=resume,
    )
    if json:
        print_json(curve.to_dict())
    else:
        say(str(curve))


def _numbers(text: str) -> list[int]:
    from imdb_sentiment.errors import ConfigError
    from imdb_sentiment.runtime.messages import quote

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"invalid --sizes {quote(text)}", expected="numbers of rows, as 50,100,200") from None

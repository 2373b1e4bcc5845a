"""`imdb-sentiment train`: from a source to a saved, tested model."""

import shlex
import sys
import time
from contextlib import ExitStack, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say
from imdb_sentiment.cli.options import (
    ConfigFile,
    Json,
    LabelColumn,
    NegativeLabel,
    NoHeader,
    PositiveLabel,
    Settings,
    TextColumn,
    read_settings,
)
from imdb_sentiment.cli.run_folder import beside, claimed, run_folder

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig, FineTuneConfig
    from imdb_sentiment.finetuner import SentimentFineTuner
    from imdb_sentiment.results.evaluation import EvaluationReport
    from imdb_sentiment.results.training import FineTuneResult

__all__ = ["fine_tune_and_save", "train"]


@reports_errors
def train(
    *,
    output: Annotated[Path, typer.Option(help="Folder for the finished model.", metavar="DIR")],
    data: Annotated[
        str | None, typer.Option(help="File, folder or hub data set. [default: stanfordnlp/imdb]", metavar="SOURCE")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Hub id, folder, or 'minilm'. [default: google-bert/bert-base-uncased]", metavar="NAME"),
    ] = None,
    config: ConfigFile = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Recipe: tutorial, fast, balanced or accurate. [default: balanced]", metavar="NAME"),
    ] = None,
    settings: Settings = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    no_header: NoHeader = False,
    positive_label: PositiveLabel = None,
    negative_label: NegativeLabel = None,
    max_train_samples: Annotated[
        int | None, typer.Option(help="Use N training rows, stratified; test stays whole.", metavar="N")
    ] = None,
    cascade: Annotated[
        bool, typer.Option("--cascade", help="Prepare a quick model for `predict --cascade` as well.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume an unfinished run from its newest complete checkpoint or fold.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model that stands in DIR; discard an unfinished run.")
    ] = False,
    json: Json = False,
) -> None:
    """Fine-tune an encoder, measure it on the test split once, and save it.

    Below 500 rows without a test split none is set aside: the model is measured by cross-validation.
    """
    from imdb_sentiment.runtime.distributed import run_on_main

    data_config, fine_tune_config = run_on_main(  # so that a mistake is told once
        lambda: read_settings(
            config_file=config,
            preset=preset,
            assignments=settings,
            data={
                "source": data,
                "text_column": text_column,
                "label_column": label_column,
                "header": False if no_header else None,
                "positive_label": positive_label,
                "negative_label": negative_label,
                "max_train_samples": max_train_samples,
            },
            fine_tune={"model_name": model, "cascade": cascade or None},
        )
    )
    _, result, report = fine_tune_and_save(
        data_config, fine_tune_config, output, resume=resume, overwrite=overwrite, silent=json
    )
    if json:
        with suppress(BrokenPipeError):
            print_json(_told(result, report) | {"model": str(output)})
        return
    measured_on = "No test split was set aside" if report.cross_validated else "Test split, read once"
    _tell(f"\n{measured_on}:\n{report}")
    example = "'Your text.'" if data_config.text_columns is None else "$'First text.\\tSecond text.'"
    if result.validation.one_label_warning():
        _tell(f"\nSaved to {output}. It is of no use yet: see the warnings above.")
        return
    _tell(f"\nSaved to {output}. Next:\n  imdb-sentiment predict {shlex.quote(str(output))} {example}")


def _tell(text: str, *, silent: bool = False) -> None:
    """Print a line; the model is made even if nobody reads about it."""
    with suppress(BrokenPipeError):
        say(text, silent=silent)


def _told(result: "FineTuneResult", report: "EvaluationReport") -> dict[str, Any]:
    return {
        "test": None if report.cross_validated else report.to_dict(),
        "cross_validation": report.to_dict() if report.cross_validated else None,
        "validation": result.validation.to_dict(),
        "seconds": result.seconds,
        "method": result.method,
        "compared": [method.to_dict() for method in result.compared],
        "settled": dict(result.settled),
        "kept_epoch": result.kept_epoch,
        "splits": result.splits.to_dict(),
        "audit": result.audit.to_dict() if result.audit else None,
        "warnings": [*result.warnings(), *report.warnings()],
        "notes": list(result.notes),
    }


def fine_tune_and_save(
    data_config: "DataConfig",
    fine_tune_config: "FineTuneConfig",
    output: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    keep: bool = True,
    silent: bool = False,
) -> "tuple[SentimentFineTuner, FineTuneResult, EvaluationReport]":
    """Run the whole workflow, telling the user what happens.

    Checkpoints go to a hidden sibling of `output`, which is removed at the end, so that `output` is never half a
    model. What TensorBoard shows goes to another, which stays.

    Args:
        data_config: Where the data come from and how they are split.
        fine_tune_config: How the model learns.
        output: Folder for the model.
        resume: Go on with an unfinished run, if there is one.
        overwrite: Replace a model in `output`, and discard an unfinished run that is not gone on with.
        keep: Leave the checkpoints of a run that does not come to its end.
        silent: Say nothing.
    """
    from imdb_sentiment.finetuner import SentimentFineTuner
    from imdb_sentiment.runtime.distributed import run_on_main
    from imdb_sentiment.runtime.files import check_output
    from imdb_sentiment.runtime.malloc import keep_freed_memory, release_freed_memory
    from imdb_sentiment.training.trackers import check_trackers, event_files

    check_trackers(fine_tune_config.report_to)
    run_on_main(lambda: check_output(output, overwrite=overwrite))
    run = run_folder(output)
    tuner = SentimentFineTuner(data_config, fine_tune_config, output_dir=run)
    with ExitStack() as held:
        claim = claimed(run, resume=resume, discard=overwrite, keep=keep)
        checkpoint = run_on_main(lambda: held.enter_context(claim))
        run_on_main(lambda: _introduce(tuner, silent=silent))
        if resume:
            _tell(_where_from(checkpoint, run), silent=silent)
        if "tensorboard" in fine_tune_config.report_to:
            held.enter_context(event_files(_event_folder(output, silent=silent)))
        if silent:
            held.enter_context(redirect_stdout(sys.stderr))  # trackers print
        release_freed_memory()  # of texts that were looked at: a very long one leaves some times its size
        keep_freed_memory()
        result = tuner.fit(resume=checkpoint is not None)
        report = tuner.evaluate()
        tuner.save(output, overwrite=overwrite)
    _tell(f"\n{result}", silent=silent)  # after the model is saved, whatever becomes of standard output
    return tuner, result, report


def _introduce(tuner: "SentimentFineTuner", *, silent: bool) -> None:
    _tell(f"{tuner.splits.summary}\n", silent=silent)
    if audit := tuner.audit():
        _tell(audit.short(), silent=silent)
    _tell(f"\nFine-tuning {tuner.config.model_name} ...", silent=silent)


def _where_from(checkpoint: Path | None, run: Path) -> str:
    from imdb_sentiment.training.checkpoints import describe_resume_point

    if checkpoint is None:
        return f"There is nothing in {run} to resume from: starting anew."
    return f"Resuming from {describe_resume_point(checkpoint)}."


def _event_folder(output: Path, *, silent: bool) -> Path:
    """Return a new folder beside the model, for each start its own, so that TensorBoard shows them apart."""
    folder = beside(output, "{}-tensorboard")
    _tell(f"To watch: tensorboard --logdir {shlex.quote(str(folder))}", silent=silent)
    return folder / time.strftime("%Y-%m-%d_%H-%M-%S")

"""`imdb-sentiment train`: fine-tune, evaluate and save a model."""

import shlex
import sys
import time
from contextlib import ExitStack, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say
from imdb_sentiment.cli.next_steps import next_steps
from imdb_sentiment.cli.options import OUTPUT, TRAINING, Json
from imdb_sentiment.cli.run_folder import locked_run, run_folder, sibling
from imdb_sentiment.cli.training_options import MaxTrainSamples, TrainingOptions, with_training_options

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig, FineTuneConfig
    from imdb_sentiment.finetuner import SentimentFineTuner
    from imdb_sentiment.results.evaluation import EvaluationReport
    from imdb_sentiment.results.training import FineTuneResult

__all__ = ["fine_tune_and_save", "train"]


@reports_errors
@with_training_options
def train(
    *,
    output: Annotated[Path, typer.Option(help="Folder for the finished model.", metavar="DIR", rich_help_panel=OUTPUT)],
    options: TrainingOptions,
    max_train_samples: MaxTrainSamples = None,
    cascade: Annotated[
        bool,
        typer.Option(
            "--cascade",
            help="Also train a TF-IDF model, for --cascade and --ensemble of predict and evaluate.",
            rich_help_panel=TRAINING,
        ),
    ] = False,
    unlabelled: Annotated[
        Path | None,
        typer.Option(
            help="File of texts without labels, from which the TF-IDF model learns too; implies --cascade.",
            metavar="FILE",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Resume an interrupted run from its newest complete checkpoint or fold.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace a model in DIR, and discard an interrupted run.", rich_help_panel=OUTPUT
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Fine-tune an encoder, evaluate it on the test split once, and save it.

    Below 500 rows without a test split, the model is evaluated by cross-validation.
    """
    from imdb_sentiment.runtime.distributed import run_on_main

    data_config, fine_tune_config = run_on_main(  # so that an error is reported once
        lambda: options.read(max_train_samples=max_train_samples, cascade=cascade or None)
    )
    _, result, report = fine_tune_and_save(
        data_config,
        fine_tune_config,
        output,
        unlabelled=unlabelled,
        resume=resume,
        overwrite=overwrite,
        silent=json,
    )
    if json:
        with suppress(BrokenPipeError):
            print_json(_to_json(result, report) | {"model": str(output)})
        return
    heading = "No test split was set aside" if report.cross_validated else "Test split, read once"
    _print(f"\n{heading}:\n{report}")
    if result.validation.one_label_warning():
        _print(f"\nSaved to {output}. It is not useful yet: see the warnings above.")
        return
    _print(f"\nSaved to {output}. {next_steps(output, report, data_config, fine_tune_config)}")


def _print(text: str, *, silent: bool = False) -> None:
    """Print a line; training continues if standard output is closed."""
    with suppress(BrokenPipeError):
        say(text, silent=silent)


def _to_json(result: "FineTuneResult", report: "EvaluationReport") -> dict[str, Any]:
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
    unlabelled: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    keep: bool = True,
    silent: bool = False,
) -> "tuple[SentimentFineTuner, FineTuneResult, EvaluationReport]":
    """Fine-tune, evaluate and save a model, and print the results.

    Checkpoints go to a hidden sibling of `output`, which is removed at the end, so `output` is never incomplete.
    TensorBoard's event files go to another sibling, which is kept.

    Args:
        data_config: Data configuration.
        fine_tune_config: Fine-tuning configuration.
        output: Folder for the model.
        unlabelled: File of texts without labels.
        resume: Resume an interrupted run, if there is one.
        overwrite: Replace a model in `output`, and discard an interrupted run that is not resumed.
        keep: Keep the checkpoints of an interrupted run.
        silent: Print nothing.
    """
    from imdb_sentiment.finetuner import SentimentFineTuner
    from imdb_sentiment.runtime.distributed import run_on_main
    from imdb_sentiment.runtime.files import check_output
    from imdb_sentiment.runtime.malloc import keep_freed_memory, release_freed_memory
    from imdb_sentiment.training.arguments import check_trackers, event_files

    check_trackers(fine_tune_config.report_to)
    run_on_main(lambda: check_output(output, overwrite=overwrite))
    run = run_folder(output)
    tuner = SentimentFineTuner(data_config, fine_tune_config, output_dir=run)
    with ExitStack() as stack:
        lock = locked_run(run, resume=resume, discard=overwrite, keep=keep)
        checkpoint = run_on_main(lambda: stack.enter_context(lock))
        run_on_main(lambda: _print_summary(tuner, silent=silent))
        if resume:
            _print(_resume_message(checkpoint, run), silent=silent)
        if "tensorboard" in fine_tune_config.report_to:
            stack.enter_context(event_files(_event_folder(output, silent=silent)))
        if silent:
            stack.enter_context(redirect_stdout(sys.stderr))  # trackers print
        release_freed_memory()  # of the audit
        keep_freed_memory()
        result = tuner.fit(unlabelled=unlabelled, resume=checkpoint is not None)
        report = tuner.evaluate()
        tuner.save(output, overwrite=overwrite)
    _print(f"\n{result}", silent=silent)  # last, so that the model is saved even if printing fails
    return tuner, result, report


def _print_summary(tuner: "SentimentFineTuner", *, silent: bool) -> None:
    _print(f"{tuner.splits.summary}\n", silent=silent)
    if audit := tuner.audit():
        _print(audit.short(), silent=silent)
    _print(f"\nFine-tuning {tuner.config.model_name} ...", silent=silent)


def _resume_message(checkpoint: Path | None, run: Path) -> str:
    from imdb_sentiment.training.checkpoints import describe_resume_point

    if checkpoint is None:
        return f"There is nothing to resume in {run}: starting a new run."
    return f"Resuming from {describe_resume_point(checkpoint)}."


def _event_folder(output: Path, *, silent: bool) -> Path:
    """Return a new folder next to the model for each start, which TensorBoard shows as a separate run."""
    folder = sibling(output, "{}-tensorboard")
    _print(f"To watch: tensorboard --logdir {shlex.quote(str(folder))}", silent=silent)
    return folder / time.strftime("%Y-%m-%d_%H-%M-%S")

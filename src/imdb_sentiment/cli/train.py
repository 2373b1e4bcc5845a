"""`imdb-sentiment train`: from a source to a saved, tested model."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say
from imdb_sentiment.cli.settings import (
    ConfigFile,
    Json,
    LabelColumn,
    NegativeLabel,
    PositiveLabel,
    Settings,
    TextColumn,
    read_settings,
)

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig, FineTuneConfig
    from imdb_sentiment.finetuner import SentimentFineTuner
    from imdb_sentiment.results import EvaluationReport, FineTuneResult

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
    preset: Annotated[str | None, typer.Option(help="Recipe: default or tutorial.", metavar="NAME")] = None,
    settings: Settings = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    positive_label: PositiveLabel = None,
    negative_label: NegativeLabel = None,
    limit: Annotated[
        int | None, typer.Option(help="Use N training rows, stratified; test stays whole.", metavar="N")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that stands in DIR.")] = False,
    json: Json = False,
) -> None:
    """Fine-tune an encoder, measure it on the test split once, and save it."""
    data_config, fine_tune_config = read_settings(
        config_file=config,
        preset=preset,
        assignments=settings,
        data={
            "source": data,
            "text_column": text_column,
            "label_column": label_column,
            "positive_label": positive_label,
            "negative_label": negative_label,
            "limit": limit,
        },
        fine_tune={"model_name": model},
    )
    _, result, report = fine_tune_and_save(data_config, fine_tune_config, output, overwrite=overwrite, silent=json)
    if json:
        print_json(
            {
                "test": report.to_dict(),
                "validation": result.validation.to_dict(),
                "seconds": result.seconds,
                "kept_epoch": result.kept_epoch,
                "splits": result.splits.to_dict(),
                "audit": result.audit.to_dict() if result.audit else None,
                "notes": list(result.notes),
                "model": str(output),
            }
        )
        return
    say(f"\nTest split, read once:\n{report}")
    example = "'Your text.'" if data_config.text_columns is None else "$'First text.\\tSecond text.'"
    say(f"\nSaved to {output}. Next:\n  imdb-sentiment predict {output} {example}")


def fine_tune_and_save(
    data_config: "DataConfig",
    fine_tune_config: "FineTuneConfig",
    output: Path,
    *,
    overwrite: bool = False,
    silent: bool = False,
) -> "tuple[SentimentFineTuner, FineTuneResult, EvaluationReport]":
    """Run the whole workflow, telling the user what happens.

    Checkpoints go to a hidden sibling of `output`, which is removed at the end, so that `output` is never half a
    model.
    """
    from imdb_sentiment.finetuner import SentimentFineTuner
    from imdb_sentiment.output import check_output

    check_output(output, overwrite=overwrite)
    run = output.absolute().parent / f".{output.absolute().name}.run"
    shutil.rmtree(run, ignore_errors=True)
    tuner = SentimentFineTuner(data_config, fine_tune_config, output_dir=run)
    try:
        say(f"{tuner.splits.summary}\n", silent=silent)
        if audit := tuner.audit():
            say(audit.short(), silent=silent)
        say(f"\nFine-tuning {fine_tune_config.model_name} ...", silent=silent)
        result = tuner.fit()
        say(f"\n{result}", silent=silent)
        report = tuner.evaluate()
        tuner.save(output, overwrite=overwrite)
    finally:
        shutil.rmtree(run, ignore_errors=True)
    return tuner, result, report

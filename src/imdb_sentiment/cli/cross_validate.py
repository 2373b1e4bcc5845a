"""`imdb-sentiment cross-validate`: train once for each fold, and measure on it."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say
from imdb_sentiment.cli.options import (
    OUTPUT,
    ConfigFile,
    Encoder,
    Json,
    Preset,
    Settings,
    TrainingSource,
    read_settings,
    with_column_options,
)

__all__ = ["cross_validate"]


@reports_errors
@with_column_options
def cross_validate(
    *,
    output: Annotated[
        Path, typer.Option(help="Folder for the result of each fold.", metavar="DIR", rich_help_panel=OUTPUT)
    ] = Path("cross-validation"),
    data: TrainingSource = None,
    model: Encoder = None,
    folds: Annotated[int, typer.Option(help="Number of folds, each held out once.", metavar="N")] = 5,
    config: ConfigFile = None,
    preset: Preset = None,
    settings: Settings = None,
    columns: dict[str, object],
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume an interrupted run in DIR.", rich_help_panel=OUTPUT)
    ] = False,
    json: Json = False,
) -> None:
    """Train once for each fold on the others, and report the mean and spread of the metrics.

    A test split of the data is left alone. No model is kept.
    """
    from imdb_sentiment.cross_validation import cross_validate as train_in_folds

    data_config, fine_tune_config = read_settings(
        config_file=config,
        preset=preset,
        assignments=settings,
        data={"source": data, **columns},
        fine_tune={"model_name": model},
    )
    report = train_in_folds(data_config, config=fine_tune_config, folds=folds, output_dir=output, resume=resume)
    if json:
        print_json(report.to_dict())
    else:
        say(str(report))

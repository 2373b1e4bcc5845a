"""`imdb-sentiment cross-validate`: train once for each fold, and measure on it."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say
from imdb_sentiment.cli.options import OUTPUT, Json
from imdb_sentiment.cli.training_options import TrainingOptions, with_training_options

__all__ = ["cross_validate"]


@reports_errors
@with_training_options
def cross_validate(
    *,
    output: Annotated[
        Path, typer.Option(help="Folder for the result of each fold.", metavar="DIR", rich_help_panel=OUTPUT)
    ] = Path("cross-validation"),
    folds: Annotated[int, typer.Option(help="Number of folds, each held out once.", metavar="N")] = 5,
    options: TrainingOptions,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume an interrupted run in DIR.", rich_help_panel=OUTPUT)
    ] = False,
    json: Json = False,
) -> None:
    """Hold out each fold once, train on the others, and report the mean and spread of the metrics.

    Test splits are not used, and no model is kept.
    """
    from imdb_sentiment.cross_validation import cross_validate as train_in_folds

    data_config, fine_tune_config = options.read()
    report = train_in_folds(data_config, config=fine_tune_config, folds=folds, output_dir=output, resume=resume)
    if json:
        print_json(report.to_dict())
    else:
        say(str(report))

"""`imdb-sentiment drift`: whether the input of a saved model has changed since it was trained."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say
from imdb_sentiment.cli.options import DATA, OUTPUT, Encoding, Json, ModelFolder, NoHeader, TextColumns

__all__ = ["drift"]


@reports_errors
def drift(
    model: ModelFolder,
    *,
    data: Annotated[
        Path,
        typer.Option(
            help="File of new texts: CSV, TSV, JSONL or Parquet. At most 1,000 rows are drawn at random.",
            metavar="FILE",
            rich_help_panel=DATA,
        ),
    ],
    text_column: TextColumns = None,
    label_column: Annotated[
        str | None,
        typer.Option(
            help="Column of labels, if FILE has any, to measure the accuracy.",
            metavar="NAME",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    encoding: Encoding = None,
    no_header: NoHeader = False,
    seed: Annotated[int, typer.Option(help="Seed of the random rows and permutations.", metavar="N")] = 0,
    fail_on_drift: Annotated[
        bool,
        typer.Option("--fail-on-drift", help="Exit with 1 if a change is beyond chance.", rich_help_panel=OUTPUT),
    ] = False,
    json: Json = False,
) -> None:
    """Check whether new texts differ from those that a saved model was trained on, and estimate its accuracy on them.

    Labels are not needed.
    """
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.data.formats.opening import refuse_endless
    from imdb_sentiment.drift import check_drift

    refuse_endless(data, encoding)
    report = check_drift(
        SentimentClassifier.from_pretrained(model),
        data,
        text_columns=text_column.split(",") if text_column else None,
        label_column=label_column,
        encoding=encoding,
        header=not no_header,
        seed=seed,
    )
    if json:
        print_json(report.to_dict())
    else:
        say(str(report))
    if fail_on_drift and report.drifted:
        raise typer.Exit(1)

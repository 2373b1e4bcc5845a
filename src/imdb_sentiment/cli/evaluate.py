"""`imdb-sentiment evaluate`: measure a saved model on labelled rows."""

import sys
import warnings
from typing import Annotated

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say
from imdb_sentiment.cli.measuring import open_both
from imdb_sentiment.cli.settings import (
    DataSettings,
    Json,
    LabelColumn,
    NegativeLabel,
    PositiveLabel,
    TextColumn,
    read_data_settings,
)

__all__ = ["evaluate"]


@reports_errors
def evaluate(
    model: Annotated[str, typer.Argument(help="Folder of a saved model.", metavar="MODEL")],
    *,
    data: Annotated[
        str, typer.Option(help="File, folder or hub data set; its test split if it has one.", metavar="SOURCE")
    ],
    settings: DataSettings = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    positive_label: PositiveLabel = None,
    negative_label: NegativeLabel = None,
    cascade: Annotated[
        bool, typer.Option("--cascade", help="Let a quick model answer what it is sure of; see train --cascade.")
    ] = False,
    json: Json = False,
) -> None:
    """Measure a saved model on labelled rows."""
    data_config = read_data_settings(
        settings,
        source=data,
        text_column=text_column,
        label_column=label_column,
        positive_label=positive_label,
        negative_label=negative_label,
    )
    classifier, _, rows = open_both(model, data_config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said below, without the line of code
        report = classifier.evaluate(*rows.test, slices=rows.slices, cascade="auto" if cascade else None)
    if warning := report.seen_warning():
        print(f"warning: {warning}", file=sys.stderr)
    if json:
        print_json({"test": report.to_dict(), "notes": list(rows.notes)})
        return
    say(str(report))
    for note in rows.notes:
        say(f"note: {note}")

"""`imdb-sentiment evaluate`: evaluate a saved model on labelled rows."""

from typing import Annotated

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say, warn
from imdb_sentiment.cli.measuring import measure, open_model_and_rows
from imdb_sentiment.cli.options import (
    DataSettings,
    Json,
    LabelColumn,
    NegativeLabel,
    NoHeader,
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
    no_header: NoHeader = False,
    positive_label: PositiveLabel = None,
    negative_label: NegativeLabel = None,
    cascade: Annotated[bool, typer.Option("--cascade", help="Use the cascade of train --cascade.")] = False,
    json: Json = False,
) -> None:
    """Evaluate a saved model on labelled rows."""
    data_config = read_data_settings(
        settings,
        source=data,
        text_column=text_column,
        label_column=label_column,
        header=False if no_header else None,
        positive_label=positive_label,
        negative_label=negative_label,
    )
    opened = open_model_and_rows(model, data_config)
    report = measure(opened, cascade=cascade)
    for warning in report.warnings():
        warn(f"warning: {warning}")
    notes = [*opened.rows.notes, *filter(None, [report.flipped_warning()])]
    if json:
        print_json({"test": report.to_dict(), "notes": notes})
        return
    say(str(report))
    for note in notes:
        say(f"note: {note}")

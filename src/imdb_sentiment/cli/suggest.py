"""`imdb-sentiment suggest`: which rows of a file to label next."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say
from imdb_sentiment.cli.options import (
    DATA,
    OUTPUT,
    Encoding,
    Json,
    ModelFolder,
    NoHeader,
    SpreadsheetSafe,
    TextColumns,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imdb_sentiment.results.suggestions import Suggestions

__all__ = ["suggest"]


@reports_errors
def suggest(
    model: ModelFolder,
    *,
    source: Annotated[
        Path,
        typer.Option(
            "--input",
            help="File of texts without labels: CSV, TSV, JSONL or Parquet.",
            metavar="FILE",
            rich_help_panel=DATA,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(help="File to label: CSV, TSV, JSONL or Parquet.", metavar="FILE", rich_help_panel=OUTPUT),
    ],
    number: Annotated[int, typer.Option("--number", "-n", help="Number of rows.", metavar="N")] = 100,
    text_column: TextColumns = None,
    encoding: Encoding = None,
    no_header: NoHeader = False,
    spreadsheet_safe: SpreadsheetSafe = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing output.", rich_help_panel=OUTPUT)
    ] = False,
    json: Json = False,
) -> None:
    """Choose the rows of a file whose labels would teach a saved model most, and write them to a file for labelling."""
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.data.formats.new_file import check_new_table, write_table
    from imdb_sentiment.data.formats.opening import refuse_endless
    from imdb_sentiment.runtime.files import check_new_file
    from imdb_sentiment.suggestions import suggest_rows

    check_new_table(output, spreadsheet_safe=spreadsheet_safe)
    check_new_file(output, overwrite=overwrite)
    refuse_endless(source, encoding)
    classifier = SentimentClassifier.from_pretrained(model)
    columns = tuple(text_column.split(",")) if text_column else classifier.metadata.text_columns
    label_column = str(classifier.metadata.data_config.get("label_column") or "label")
    _check_names(columns, label_column)
    found = suggest_rows(classifier, source, number, text_columns=columns, encoding=encoding, header=not no_header)
    table = _table(found, columns, label_column)
    write_table(output, table, overwrite=overwrite, spreadsheet_safe=spreadsheet_safe)
    if json:
        print_json({**found.to_dict(), "output": str(output)})
        return
    say(f"{found}\n\nFill in the column {label_column}, and train with it and the rows you have:\n  {output}")


def _check_names(columns: "Sequence[str]", label_column: str) -> None:
    from imdb_sentiment.errors import ConfigError

    if taken := {"row", "probability", label_column} & {*columns}:
        raise ConfigError(
            f"the text column has the name {min(taken)}, which another column of the output has",
            expected="another name of the text column",
        )


def _table(found: "Suggestions", columns: "Sequence[str]", label_column: str) -> dict[str, "Sequence[Any]"]:
    texts = [(one.text,) if isinstance(one.text, str) else one.text for one in found.suggestions]
    return {
        "row": [one.row for one in found.suggestions],
        **{name: [text[i] for text in texts] for i, name in enumerate(columns)},
        "probability": [round(one.probability, 4) for one in found.suggestions],
        label_column: [None] * len(texts),
    }

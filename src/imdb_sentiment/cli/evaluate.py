"""`imdb-sentiment evaluate`: measure a saved model on labelled rows."""

import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say
from imdb_sentiment.cli.settings import (
    DataSettings,
    Json,
    LabelColumn,
    NegativeLabel,
    PositiveLabel,
    TextColumn,
    read_data_settings,
)

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["evaluate", "with_columns_of"]


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
    json: Json = False,
) -> None:
    """Measure a saved model on labelled rows."""
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.data.labels import LabelNames
    from imdb_sentiment.data.to_measure import load_rows_to_measure

    data_config = read_data_settings(
        assignments=settings,
        data={
            "source": data,
            "text_column": text_column,
            "label_column": label_column,
            "positive_label": positive_label,
            "negative_label": negative_label,
        },
    )
    classifier = SentimentClassifier.from_pretrained(model)
    data_config = with_columns_of(classifier.metadata.text_columns, data_config)
    rows = load_rows_to_measure(data_config, LabelNames(*classifier.labels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said below, without the line of code
        report = classifier.evaluate(*rows.test)
    if warning := report.seen_warning():
        print(f"warning: {warning}", file=sys.stderr)
    if json:
        print_json({"test": report.to_dict(), "notes": list(rows.notes)})
        return
    say(str(report))
    for note in rows.notes:
        say(f"note: {note}")


def with_columns_of(columns: Sequence[str], config: "DataConfig") -> "DataConfig":
    """Read as many text columns as the model does: for two, those it learnt from unless others are named."""
    from imdb_sentiment.errors import ConfigError

    if len(columns) == len(config.columns_of_text):
        return config
    if len(columns) == 1 or config.text_column != type(config).model_fields["text_column"].default:
        found = f"{' and '.join(config.columns_of_text)} to read, {' and '.join(columns)} learnt from"
        hint = "--set text_columns=FIRST,SECOND" if len(columns) == 2 else "--text-column NAME"
        raise ConfigError("the model reads another number of text columns", found=found, hint=hint)
    return config.replace(text_columns=columns)

"""`imdb-sentiment evaluate`: evaluate a saved model on labelled rows, which other commands do too."""

import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.cli.console import print_json, reports_errors, say, say_note, warn
from imdb_sentiment.cli.options import (
    Cascade,
    DataSettings,
    Ensemble,
    Json,
    LabelledSource,
    ModelFolder,
    read_data_settings,
    with_column_options,
)

if TYPE_CHECKING:
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.config import DataConfig
    from imdb_sentiment.data.evaluation_rows import EvaluationRows
    from imdb_sentiment.results.evaluation import EvaluationReport

__all__ = ["Opened", "evaluate", "label_names", "measure", "open_model_and_rows"]


class Opened(NamedTuple):
    """A model and its evaluation rows."""

    classifier: "SentimentClassifier"
    config: "DataConfig"
    rows: "EvaluationRows"


@reports_errors
@with_column_options
def evaluate(
    model: ModelFolder,
    *,
    data: LabelledSource,
    settings: DataSettings = None,
    columns: dict[str, object],
    cascade: Cascade = False,
    ensemble: Ensemble = False,
    json: Json = False,
) -> None:
    """Evaluate a saved model on labelled rows."""
    data_config = read_data_settings(settings, {"source": data, **columns})
    opened = open_model_and_rows(model, data_config)
    report = measure(opened, cascade=cascade, ensemble=ensemble)
    for warning in report.warnings():
        warn(f"warning: {warning}")
    notes = [*opened.rows.notes, *filter(None, [report.flipped_warning()])]
    if json:
        print_json({"test": report.to_dict(), "notes": notes})
        return
    say(str(report))
    for note in notes:
        say_note(note)


def open_model_and_rows(model: str, config: "DataConfig", *, others: bool = False) -> Opened:
    """Load a saved model and its evaluation rows.

    Args:
        model: Folder or hub repository.
        config: Data configuration; for a model of two text columns, their names are the default.
        others: Read the other splits too.
    """
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.data.evaluation_rows import load_evaluation_rows
    from imdb_sentiment.data.labels import LabelNames

    classifier = SentimentClassifier.from_pretrained(model)
    config = _with_columns_of(classifier.metadata.text_columns, config)
    return Opened(classifier, config, load_evaluation_rows(config, LabelNames(*classifier.labels), others=others))


def measure(opened: Opened, **options: Any) -> "EvaluationReport":
    """Evaluate the model on the rows; warnings are in the report.

    Args:
        opened: The model and the rows.
        options: Arguments of `SentimentClassifier.evaluate`.
    """
    classifier, _, rows = opened
    texts, labels = rows.test
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        report = classifier.evaluate(texts, label_names(labels, classifier), slices=rows.slices, **options)
    return report.with_labels_read_as(rows.read_as)


def label_names(labels: Iterable[int], classifier: "SentimentClassifier") -> list[str]:
    """Return the model's names for labels of 0 and 1."""
    return [classifier.labels[label] for label in labels]


def _with_columns_of(columns: Sequence[str], config: "DataConfig") -> "DataConfig":
    from imdb_sentiment.errors import ConfigError
    from imdb_sentiment.runtime.messages import list_values

    if len(columns) == len(config.columns_of_text):
        return config
    if len(columns) == 1 or config.text_column != type(config).model_fields["text_column"].default:
        found = f"{list_values(config.columns_of_text)} to read, {list_values(columns)} trained on"
        hint = "--set text_columns=FIRST,SECOND" if len(columns) == 2 else "--text-column NAME"
        raise ConfigError("the model reads a different number of text columns", found=found, hint=hint)
    return config.replace(text_columns=columns)

"""The labelled rows of a source that a finished model is measured on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.data.rows import inspect_rows, refuser
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.data.splits import label_rows
from imdb_sentiment.errors import DataError, count_rows

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["RowsToMeasure", "load_measured_rows"]


class RowsToMeasure(NamedTuple):
    """Texts (or pairs of texts), their label ids, and notes on which rows they are and which were left out."""

    texts: Sequence[str] | Sequence[tuple[str, str]]
    labels: list[int]
    notes: tuple[str, ...]


def load_measured_rows(config: "DataConfig", names: LabelNames) -> RowsToMeasure:
    """Load the test split of a source, or all its rows if they are not divided.

    Args:
        config: Names the source, its columns and labels.
        names: Names of the model's labels, which the data may use too.

    Raises:
        DataError: The source cannot be used as it is, or is divided and has no test split.
    """
    raw = load_source(config)
    split = "test" if "test" in raw.splits else next(iter(raw.splits))
    if split != "test" and len(raw.splits) > 1:
        raise DataError(f"{raw.origin} has no test split", found=", ".join(raw.splits), expected="a split test")
    equal_only = config.replace(near_duplicates="ignore")
    inspected = inspect_rows({split: raw.splits[split]}, equal_only, refuse=refuser(config))
    parts, _ = label_rows(inspected, config, raw.splits[split].origin, known=names)
    rows = parts[split]
    texts = rows.raw.texts_at(rows.positions)
    which = f"the test split of {raw.origin}" if split == "test" else f"all rows of {raw.origin}"
    left_out = [f"{count_rows(len(there))} left out: {reason}" for reason, there in inspected.invalid[split].items()]
    return RowsToMeasure(
        [text for (text,) in texts] if config.text_columns is None else [(text, second) for text, second in texts],
        rows.labels.tolist(),
        (f"measured on {which}", *left_out, *raw.notes),
    )

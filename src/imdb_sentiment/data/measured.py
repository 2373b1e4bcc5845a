"""The labelled rows of a source that a finished model is measured on."""

from collections import Counter
from typing import TYPE_CHECKING

from imdb_sentiment.data.labels import LabelNames, resolve_labels
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.data.splits import Rows, label_rows, usable_rows
from imdb_sentiment.errors import DataError

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["load_measured_rows"]


def load_measured_rows(config: "DataConfig", names: LabelNames) -> tuple[Rows, tuple[str, ...]]:
    """Load the test split of a source, or all its rows if they are not divided.

    Args:
        config: Names the source, its columns and labels.
        names: Names of the model's labels, which the data may use too.

    Returns:
        The rows, and notes on which they are and which were left out.

    Raises:
        DataError: The source cannot be used as it is, or is divided and has no test split.
    """
    raw = load_source(config)
    split = "test" if "test" in raw.splits else next(iter(raw.splits))
    if split != "test" and len(raw.splits) > 1:
        raise DataError(f"{raw.origin} has no test split", found=", ".join(raw.splits), expected="a split test")
    rows = raw.splits[split]
    usable, dropped = usable_rows(rows, drop=config.invalid_rows == "drop", split=split)
    labelling = resolve_labels(Counter(usable.labels), config, rows.origin, known=names)
    which = f"the test split of {raw.origin}" if split == "test" else f"all rows of {raw.origin}"
    left_out = tuple(f"{part.rows:,} rows left out: {part.reason}" for part in dropped)
    return label_rows(usable, labelling), (f"measured on {which}", *left_out, *raw.notes)

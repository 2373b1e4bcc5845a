"""The labelled rows of a source that a finished model is measured on."""

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.labels import LabelNames, resolve_labels
from imdb_sentiment.data.sources import RawData, load_source
from imdb_sentiment.data.splits import label_rows, make_splits, usable_rows
from imdb_sentiment.errors import DataError, count_rows

if TYPE_CHECKING:
    import datasets

__all__ = ["LearntFrom", "load_measured_rows"]


class MeasuredRows(NamedTuple):
    """Texts, their label ids, and notes on which rows they are and which were left out."""

    texts: list[str]
    labels: list[int]
    notes: tuple[str, ...]


class LearntFrom(NamedTuple):
    """What a model remembers of the rows it was trained on: how they were divided, and their fingerprint."""

    config: DataConfig
    fingerprint: str


def load_measured_rows(config: DataConfig, names: LabelNames, *, learnt_from: LearntFrom | None = None) -> MeasuredRows:
    """Load the test split of a source, or all its rows if they are not divided.

    Where the undivided rows are those that the model was trained on, only those are returned that training had held
    out for the test: on the others the model would be measured by heart.

    Args:
        config: Names the source, its columns and labels.
        names: Names of the model's labels, which the data may use too.
        learnt_from: What the model was trained on, if that is known.

    Raises:
        DataError: The source cannot be used as it is, or is divided and has no test split.
    """
    raw = load_source(config)
    split = "test" if "test" in raw.splits else next(iter(raw.splits))
    if split != "test" and len(raw.splits) > 1:
        raise DataError(f"{raw.origin} has no test split", found=", ".join(raw.splits), expected="a split test")
    if learnt_from and (test := _held_out_then(raw, learnt_from)):
        note = f"measured on the {count_rows(len(test))} of {raw.origin} that training held out for the test"
        return MeasuredRows(list(test["text"]), list(test["label"]), (note, *raw.notes))
    rows = raw.splits[split]
    usable, dropped = usable_rows(rows, drop=config.invalid_rows == "drop", split=split)
    labelling = resolve_labels(Counter(usable.labels), config, rows.origin, known=names)
    which = f"the test split of {raw.origin}" if split == "test" else f"all rows of {raw.origin}"
    left_out = tuple(f"{count_rows(part.rows)} left out: {part.reason}" for part in dropped)
    measured = label_rows(usable, labelling)
    return MeasuredRows(measured.texts, measured.labels, (f"measured on {which}", *left_out, *raw.notes))


def _held_out_then(raw: RawData, learnt_from: LearntFrom) -> "datasets.Dataset | None":
    """Divide the rows as training did; the fingerprint tells whether they are the same rows."""
    if "test" in raw.splits or "train" not in raw.splits:
        return None
    try:
        splits, _ = make_splits(raw, learnt_from.config)
    except DataError:
        return None
    return splits.test if splits.summary.fingerprint == learnt_from.fingerprint else None

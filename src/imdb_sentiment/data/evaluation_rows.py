"""Load labelled rows to evaluate a trained model on."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.data.inspection import Rows, inspect_rows
from imdb_sentiment.data.labels import Labelled, LabelNames
from imdb_sentiment.data.slices import slices_of_rows
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.data.splits import label_rows
from imdb_sentiment.errors import DataError, count_rows
from imdb_sentiment.runtime.messages import quote

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["EvaluationRows", "load_evaluation_rows"]


class EvaluationRows(NamedTuple):
    """Rows to evaluate on, and rows that the model may have been trained on."""

    test: Labelled

    others: Labelled | None
    """Training and validation rows; None if the source has no splits, or they were not requested."""

    read_as: Mapping[str, str]
    """The model's name for each label that the source spells differently."""

    slices: Mapping[str, Sequence[str]]
    """Values of the slice columns, by column."""

    notes: tuple[str, ...]
    """Which rows are used, and which were left out."""


def load_evaluation_rows(config: "DataConfig", names: LabelNames, *, others: bool = False) -> EvaluationRows:
    """Load the test split of a source, or all rows if it has no splits.

    Args:
        config: Names the source, its columns and labels.
        names: The model's label names; see `resolve_labels`.
        others: Load the other splits as well.

    Raises:
        DataError: The source cannot be used as it is, or has splits but no test split.
    """
    raw = load_source(config)
    split = "test" if "test" in raw.splits else next(iter(raw.splits))
    if split != "test" and len(raw.splits) > 1:
        raise DataError(f"{raw.origin} has no test split", found=", ".join(raw.splits), expected="a split test")
    equal_only = config.replace(near_duplicates="ignore")
    splits = raw.splits if others else {split: raw.splits[split]}
    inspected = inspect_rows(splits, equal_only)
    parts, labelling = label_rows(inspected, config, raw.splits[split].origin, known=names)
    which = f"the test split of {raw.origin}" if split == "test" else f"all rows of {raw.origin}"
    left_out = [f"{count_rows(len(there))} left out: {reason}" for reason, there in inspected.invalid[split].items()]
    rest = [part for name, part in parts.items() if name != split]
    assumed = ", ".join(f"{quote(label)} as {quote(name)}" for label, name in labelling.read_as.items())
    by_number = [f"the model's label names are not descriptive; by number, the labels are read {assumed}"]
    notes = (f"measured on {which}", *left_out, *raw.notes, *(by_number if labelling.assumed else []))
    return EvaluationRows(
        _labelled([parts[split]]),
        _labelled(rest) if rest else None,
        labelling.read_as,
        slices_of_rows(parts[split]),
        notes,
    )


def _labelled(parts: Sequence[Rows]) -> Labelled:
    columns = [texts for rows in parts for texts in rows.raw.texts_at(rows.positions)]
    texts: Any = [texts[0] if len(texts) == 1 else texts for texts in columns]
    return Labelled(texts, [label for rows in parts for label in rows.labels.tolist()])

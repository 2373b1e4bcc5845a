"""Metrics on slices, as records, as a table and in sentences."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imdb_sentiment.results.base import Record
from imdb_sentiment.results.comparison import BY_CHANCE, Interval

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SliceReport", "slice_frame", "slice_rows", "slice_sentences"]

_METRICS = ("accuracy", "precision", "recall", "f1")


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceReport(Record):
    """Metrics of a model on the rows with one value in common."""

    grouping: str
    """Criterion: `length`, `confidence`, the answering model of a cascade, or a column of the data."""

    name: str
    """The value."""

    rows: int

    positive_share: float
    """Share of positive rows."""

    accuracy: float

    precision: float
    """0 if no row is predicted positive."""

    recall: float
    """0 if no row is positive."""

    f1: float

    intervals: Mapping[str, Interval]
    """95 % Wilson interval of each of these four metrics by name, where defined."""

    mean_confidence: float
    """Mean probability of the predicted label; far above the accuracy, the model is overconfident on these rows."""

    p_value: float
    """p-value of the difference in accuracy from all other rows, corrected for the number of slices."""

    @property
    def beyond_chance(self) -> bool:
        """Whether the accuracy differs significantly from that of all other rows."""
        return self.p_value < BY_CHANCE


def slice_rows(slices: Iterable[SliceReport], *, digits: int = 4) -> list[list[str]]:
    """Return a table with one row per slice below its header, of metrics with so many digits after the point."""
    interval = "95 % interval"
    table = [["slice", "rows", "accuracy", interval, "differs (p)", "confidence", "F1", interval]]
    for part in slices:
        ends = (part.intervals.get(metric) for metric in ("accuracy", "f1"))
        accuracy, f1 = (each.rounded(digits) if each else "" for each in ends)
        chance = "< 0.001" if part.p_value < 0.001 else f"{part.p_value:.3f}"
        share, confidence, mean = (f"{value:.{digits}f}" for value in (part.accuracy, part.mean_confidence, part.f1))
        metrics = (share, accuracy, chance, confidence, mean, f1)
        table.append([f"{part.grouping} {part.name}", f"{part.rows:,}", *metrics])
    return table


def slice_frame(slices: Iterable[SliceReport]) -> "pd.DataFrame":
    """Return a frame with one row per slice; the intervals are columns such as `accuracy_low` and `accuracy_high`."""
    import pandas as pd

    names = ["grouping", "name", "rows", "positive_share"]
    names += [column for metric in _METRICS for column in (metric, f"{metric}_low", f"{metric}_high")]
    rows = []
    for part in slices:
        row = part.to_dict()
        for metric, (low, high) in part.intervals.items():
            row |= {f"{metric}_low": low, f"{metric}_high": high}
        rows.append(row)
    return pd.DataFrame(rows, columns=[*names, "mean_confidence", "p_value"])


def slice_sentences(slices: Iterable[SliceReport], accuracy: float) -> list[str]:
    """List the slices on which the model is significantly less accurate than on all rows."""
    return [
        f"Less accurate where {part.grouping} is {part.name}: {part.accuracy:.1%} of {part.rows:,} rows, beyond chance."
        for part in slices
        if part.beyond_chance and part.accuracy < accuracy and part.grouping != "confidence"
    ]

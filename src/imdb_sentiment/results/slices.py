"""Metrics on slices."""

from collections.abc import Mapping
from dataclasses import dataclass

from imdb_sentiment.results.comparison import BY_CHANCE, Interval

__all__ = ["SliceReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceReport:
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

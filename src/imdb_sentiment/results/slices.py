"""A model on a part of the rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from imdb_sentiment.results.comparison import BY_CHANCE, Interval

__all__ = ["SliceReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceReport:
    """How a model does on the rows that have one value in common."""

    grouping: str
    """What the rows were divided by: `length`, `confidence`, who of a cascade answered, or a column of the data."""

    name: str
    """The value."""

    rows: int

    positive_share: float
    """Share of positive rows."""

    accuracy: float

    precision: float
    """0 where no row is called positive."""

    recall: float
    """0 where no row is positive."""

    f1: float

    intervals: Mapping[str, Interval]
    """95 % interval of each of these four by its name, without those of which the rows say nothing. By Wilson's method,
    which holds for few rows too."""

    mean_confidence: float
    """Mean probability of the predicted label; far above the accuracy, the model is too sure of these rows."""

    p_value: float
    """How likely accuracy would differ as much from that of all other rows by chance, corrected for the number of
    slices."""

    @property
    def beyond_chance(self) -> bool:
        """Whether the accuracy differs from that of all other rows by more than chance explains."""
        return self.p_value < BY_CHANCE

"""A model on a part of the rows."""

from dataclasses import dataclass

from imdb_sentiment.results.comparison import Interval

__all__ = ["SliceReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceReport:
    """How a model does on the rows that have one value in common."""

    grouping: str
    """What the rows were divided by: `length`, `confidence` or a column of the data."""

    name: str
    """The value."""

    rows: int

    positive_share: float
    """Share of positive rows."""

    accuracy: float

    accuracy_interval: Interval
    """By Wilson's method, which holds for few rows too."""

    mean_confidence: float
    """Mean probability of the predicted label; far above the accuracy, the model is too sure of these rows."""

    p_value: float
    """How likely accuracy would differ as much from that of all other rows by chance, corrected for the number of
    slices."""

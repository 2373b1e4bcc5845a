"""The curves that a report draws, as arrays."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Coverage", "Curves", "Ranking", "Reliability", "Thresholds"]


class Reliability(NamedTuple):
    """Rows of similar probability, and how many of them are positive; one item a bin in each array."""

    rows: "NDArray[np.int64]"

    probability: "NDArray[np.float64]"
    """Mean probability of the positive label."""

    share: "NDArray[np.float64]"
    """Share of positive rows."""


class Ranking(NamedTuple):
    """What can be had at each threshold, from the strictest on."""

    false_positive_rate: "NDArray[np.float64]"
    true_positive_rate: "NDArray[np.float64]"

    recall: "NDArray[np.float64]"
    """With `precision`, which has as many points but not those of the rates."""

    precision: "NDArray[np.float64]"


class Thresholds(NamedTuple):
    """What each threshold comes to; one item a threshold in each array."""

    threshold: "NDArray[np.float64]"

    precision: "NDArray[np.float64]"
    """NaN where nothing is called positive."""

    recall: "NDArray[np.float64]"
    f1: "NDArray[np.float64]"


class Coverage(NamedTuple):
    """What is left, and how much of it is right, if predictions below a confidence are left out."""

    confidence: "NDArray[np.float64]"
    """The lowest confidence that is kept, falling, shape (m,)."""

    share: "NDArray[np.float64]"
    """Share of rows that are kept, shape (m,)."""

    accuracy: "NDArray[np.float64]"
    """Share of the kept rows whose label is predicted, shape (m,)."""


class Curves(NamedTuple):
    """All curves of a report."""

    reliability: Reliability

    ranking: Ranking | None
    """None if one label is absent."""

    thresholds: Thresholds
    coverage: Coverage

"""Curves of a report as arrays."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Coverage", "Curves", "Histogram", "Ranking", "Reliability", "Thresholds"]


class Reliability(NamedTuple):
    """Reliability curve; one item per bin in each array."""

    rows: NDArray[np.int64]

    probability: NDArray[np.float64]
    """Mean probability of the positive label."""

    share: NDArray[np.float64]
    """Share of positive rows."""


class Histogram(NamedTuple):
    """How many rows have which probability of the positive label, in bins of equal width from 0 to 1."""

    edges: NDArray[np.float64]
    """Ends of the m bins, ascending, shape (m + 1,)."""

    negative: NDArray[np.int64]
    """Number of negative rows in each bin, shape (m,)."""

    positive: NDArray[np.int64]
    """Number of positive rows in each bin, shape (m,)."""


class Ranking(NamedTuple):
    """ROC and precision-recall curves, from the highest threshold on."""

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]

    recall: NDArray[np.float64]
    """Parallel to `precision`, but not to the rates."""

    precision: NDArray[np.float64]


class Thresholds(NamedTuple):
    """Metrics by threshold; one item per threshold in each array."""

    threshold: NDArray[np.float64]

    precision: NDArray[np.float64]
    """NaN where nothing is called positive."""

    recall: NDArray[np.float64]
    f1: NDArray[np.float64]


class Coverage(NamedTuple):
    """Accuracy by coverage when predictions below a confidence are left out."""

    confidence: NDArray[np.float64]
    """Lowest confidence kept, descending, shape (m,)."""

    share: NDArray[np.float64]
    """Share of rows kept, shape (m,)."""

    accuracy: NDArray[np.float64]
    """Accuracy on the kept rows, shape (m,)."""


class Curves(NamedTuple):
    """All curves of a report."""

    reliability: Reliability
    histogram: Histogram

    ranking: Ranking | None
    """None if one label is absent."""

    thresholds: Thresholds
    coverage: Coverage

"""Whether probabilities mean what they say: of the rows at 0.8, eight in ten should be positive."""

from typing import TYPE_CHECKING

from imdb_sentiment.reporting.curves import Reliability

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["BINS", "calibration_error_interval", "equal_mass_starts", "expected_calibration_error", "reliability"]

BINS = 15
"""As in Guo et al., On Calibration of Modern Neural Networks (2017)."""

_LEAST = 10
"""Rows of a bin; of fewer, a share says little."""

_DRAWS = 1000
_HALVINGS = 12


def reliability(probabilities: "ArrayLike", labels: "ArrayLike", *, bins: int = BINS) -> Reliability:
    """Put rows into bins of about equal mass; see `expected_calibration_error`."""
    import numpy as np

    scores, true, starts = _binned(probabilities, labels, bins)
    rows = np.diff(starts, append=len(scores))
    return Reliability(rows, np.add.reduceat(scores, starts) / rows, np.add.reduceat(true, starts) / rows)


def equal_mass_starts(ordered: "NDArray[np.float64]", *, bins: int = BINS) -> "NDArray[np.int64]":
    """Divide probabilities into bins of about as many rows each; rows of one probability are in one bin.

    Args:
        ordered: Probabilities from the lowest to the highest, shape (n,).
        bins: How many at most; each holds ten rows at least.

    Returns:
        Position of each bin's first row, the first of them 0.
    """
    import numpy as np

    bins = max(1, min(bins, len(ordered) // _LEAST))
    cuts = np.arange(1, bins) * len(ordered) // bins
    return np.unique(np.concatenate([[0], np.searchsorted(ordered, ordered[cuts])]))


def expected_calibration_error(probabilities: "ArrayLike", labels: "ArrayLike", *, bins: int = BINS) -> float:
    """Return the mean gap between probability and share of positive rows over bins of equal mass, between 0 and 1.

    It is never 0, even for perfect probabilities, as the share of a bin's rows differs from its probability by chance;
    `calibration_error_interval` takes that into account.

    Args:
        probabilities: Probability of the positive label, shape (n,).
        labels: 0 or 1, shape (n,).
        bins: How many at most; each holds about n / bins rows, but ten at least, and rows of one probability are in
            one bin.

    Raises:
        ValueError: The shapes differ, there are no rows, or a probability lies outside [0, 1].

    Source: Nixon et al., Measuring Calibration in Deep Learning (2019), adaptive calibration error.
    """
    import numpy as np

    scores, true, starts = _binned(probabilities, labels, bins)
    return float(np.abs(np.add.reduceat(scores - true, starts)).sum() / len(scores))


def calibration_error_interval(
    probabilities: "ArrayLike", labels: "ArrayLike", *, level: float, seed: int, bins: int = BINS
) -> tuple[float, float]:
    """Return an interval for the expected calibration error that more rows would show.

    A bootstrap cannot give it: the error of a resample is larger than that of the rows, as theirs is larger than the
    true one. So true errors are tried out instead, from none upwards, with each bin's gap in the proportion observed
    and normal noise of each bin's own size. The interval holds those under which an error like the observed one is
    neither among the largest nor among the smallest. It begins at 0 where chance alone explains what was observed.

    Args:
        probabilities: As for `expected_calibration_error`.
        labels: As there.
        level: Share of such intervals that hold the true error, such as 0.95.
        seed: Of the noise.
        bins: As for `expected_calibration_error`.
    """
    import numpy as np

    scores, true, starts = _binned(probabilities, labels, bins)
    gaps = scores - true
    rows = np.diff(starts, append=len(scores))
    sums = np.add.reduceat(gaps, starts)
    variance = (np.add.reduceat(gaps**2, starts) - sums**2 / rows) * rows / np.maximum(rows - 1, 1)
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(_DRAWS, len(rows))) * np.sqrt(np.maximum(variance, 0))
    observed = float(np.abs(sums).sum())

    def at(times: float, quantile: float) -> float:
        """Return a quantile of the errors seen when the true gaps are so many times those observed."""
        return float(np.quantile(np.abs(times * sums + noise).sum(axis=1), quantile))

    def reaching(quantile: float) -> float:
        if at(0, quantile) >= observed:
            return 0.0
        low, high = 0.0, 1.0
        while at(high, quantile) < observed:
            low, high = high, 2 * high
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if at(middle, quantile) < observed else (low, middle)
        return high

    tail = (1 - level) / 2
    lowest, highest = (reaching(quantile) * observed / len(scores) for quantile in (1 - tail, tail))
    return lowest, min(highest, 1.0)


def _binned(
    probabilities: "ArrayLike", labels: "ArrayLike", bins: int
) -> "tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]":
    """Return probabilities in order, the labels beside them, and where each bin starts."""
    import numpy as np

    scores, true = np.asarray(probabilities, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if scores.ndim != 1 or scores.shape != true.shape or not len(scores):
        raise ValueError(f"n probabilities and n labels expected, got {scores.shape} and {true.shape}")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("a probability lies outside [0, 1]")
    order = np.argsort(scores, kind="stable")
    return scores[order], true[order], equal_mass_starts(scores[order], bins=bins)

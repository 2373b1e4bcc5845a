"""Confidence intervals of metrics by the bootstrap."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.evaluation.calibration import calibration_error_interval
from imdb_sentiment.evaluation.metrics import WeightedMetrics
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.measured import MeasuredRows
from imdb_sentiment.results.metrics import Counts, metrics_of_counts

__all__ = ["LEVEL", "RESAMPLES", "SEED", "intervals_of", "resampled_metrics", "stratified_draws"]

LEVEL = 0.95
SEED = 0
"""Shared by all reports, so that two models on the same rows are evaluated on the same resamples."""

RESAMPLES = 2000
"""Enough that the standard error of an end of a 95 % interval is 3 % of its half width."""

_CUSTOM_RESAMPLES = 500
"""Of metrics of the user's, which are called once for each: enough for 6 %."""

_CELLS = 2**21
"""Weights held at a time, so that they fit into the CPU cache."""


def intervals_of(measured: MeasuredRows, resampled: Mapping[str, NDArray[np.float64]]) -> Mapping[str, Interval]:
    """Return the interval of each metric, by its name in `EvaluationReport`.

    The intervals are percentiles of a stratified bootstrap. It fails for the calibration error and where a label has no
    errors; see `calibration_error_interval` and `_metrics_of_rates`.

    Args:
        measured: The rows.
        resampled: Their `resampled_metrics`.
    """
    metrics = dict(resampled)
    hits = _hits(measured)
    if not all(0 < right < rows for right, rows in hits if rows):
        metrics |= _metrics_of_rates(hits)
    tail = (1 - LEVEL) / 2
    ends = {name: np.quantile(values, (tail, 1 - tail)) for name, values in metrics.items()}
    ends["expected_calibration_error"] = np.array(
        calibration_error_interval(measured.positive, measured.labels, level=LEVEL, seed=SEED)
    )
    return {name: Interval(float(low), float(high)) for name, (low, high) in ends.items()}


def _hits(measured: MeasuredRows) -> list[tuple[int, int]]:
    """Return for each label the number of rows predicted correctly, and of all its rows."""
    inside = [measured.labels == label for label in (0, 1)]
    return [(int(measured.correct[rows].sum()), int(rows.sum())) for rows in inside]


def _metrics_of_rates(hits: list[tuple[int, int]]) -> dict[str, NDArray[np.float64]]:
    """Draw each label's recall from its posterior instead of resampling rows.

    A bootstrap never draws an error where none was observed. With ten correct rows, this gives a recall as low as 0.78.

    Source: Brown, Cai and DasGupta, Interval Estimation for a Binomial Proportion (2001), Jeffreys interval.
    """
    rng = np.random.default_rng(SEED)
    (tn, negatives), (tp, positives) = (
        (rows * rng.beta(right + 0.5, rows - right + 0.5, RESAMPLES), np.full(RESAMPLES, float(rows)))
        for right, rows in hits
    )
    return metrics_of_counts(Counts(tn, negatives - tn, positives - tp, tp))


def resampled_metrics(
    measured: MeasuredRows, *, seed: int, resamples: int = RESAMPLES
) -> dict[str, NDArray[np.float64]]:
    """Compute the metrics of resamples of the rows, drawn with replacement and stratified by label.

    The same seed draws the same rows for any model, so that the metrics of two models on the same rows may be
    subtracted (a paired bootstrap).

    Args:
        measured: The rows.
        seed: Seed of the draws.
        resamples: Number of resamples.

    Returns:
        Values of each metric, shape (resamples,), of the user's at most (500,). ROC-AUC, average precision and the
        user's are missing if a label is absent.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993).
    """
    rng = np.random.default_rng(seed)
    measure = WeightedMetrics(measured)
    parts: list[dict[str, NDArray[np.float64]]] = []
    own: list[dict[str, NDArray[np.float64]]] = []
    both, left = 0 < measured.labels.sum() < len(measured.labels), _CUSTOM_RESAMPLES
    for weights in stratified_draws(measured.labels, rng, resamples):
        parts.append(measure(weights))
        own.append(measure.custom(weights[:left]) if both else {})
        left = max(left - len(weights), 0)
    return {
        name: np.concatenate([part[name] for part in computed]) for computed in (parts, own) for name in computed[0]
    }


def stratified_draws(
    labels: NDArray[np.int64], rng: np.random.Generator, resamples: int
) -> Iterator[NDArray[np.float64]]:
    """Yield how often each row is drawn, in chunks of shape (resamples, n)."""
    groups = [np.flatnonzero(labels == label) for label in (0, 1)]
    # one resample at a time, so that the draws do not depend on the chunk size
    chunk = max(1, _CELLS // len(labels))
    for start in range(0, resamples, chunk):
        weights = np.zeros((min(chunk, resamples - start), len(labels)))
        for drawn in weights:
            for rows in groups:
                drawn[rows] = (
                    np.bincount(rng.integers(0, len(rows), len(rows)), minlength=len(rows)) if len(rows) else 0
                )
        yield weights

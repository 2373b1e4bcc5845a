"""Confidence intervals of metrics by the bootstrap."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.evaluation.calibration import calibration_error_interval
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.measured import MeasuredRows

__all__ = ["LEVEL", "RESAMPLES", "SEED", "intervals_of", "metrics_of_counts", "resampled_metrics"]

LEVEL = 0.95
SEED = 0
"""Shared by all reports, so that two models on the same rows are evaluated on the same resamples."""

RESAMPLES = 2000
"""Enough that the standard error of an end of a 95 % interval is 3 % of its half width."""

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
    if not _each_label_has_both_outcomes(measured):
        metrics |= _metrics_of_rates(measured)
    tail = (1 - LEVEL) / 2
    ends = {name: np.quantile(values, (tail, 1 - tail)) for name, values in metrics.items()}
    ends["expected_calibration_error"] = np.array(
        calibration_error_interval(measured.positive, measured.labels, level=LEVEL, seed=SEED)
    )
    return {name: Interval(float(low), float(high)) for name, (low, high) in ends.items()}


def _each_label_has_both_outcomes(measured: MeasuredRows) -> bool:
    return all(0 < hits < rows for hits, rows in _hits(measured) if rows)


def _hits(measured: MeasuredRows) -> list[tuple[int, int]]:
    """Return for each label the number of rows predicted correctly, and of all its rows."""
    inside = [measured.labels == label for label in (0, 1)]
    return [(int(measured.correct[rows].sum()), int(rows.sum())) for rows in inside]


def _metrics_of_rates(measured: MeasuredRows) -> dict[str, NDArray[np.float64]]:
    """Draw each label's recall from its posterior instead of resampling rows.

    A bootstrap never draws an error where none was observed. With ten correct rows, this gives a recall as low as 0.78.

    Source: Brown, Cai and DasGupta, Interval Estimation for a Binomial Proportion (2001), Jeffreys interval.
    """
    rng = np.random.default_rng(SEED)
    (tn, negatives), (tp, positives) = (
        (rows * rng.beta(hits + 0.5, rows - hits + 0.5, RESAMPLES), np.full(RESAMPLES, float(rows)))
        for hits, rows in _hits(measured)
    )
    return metrics_of_counts(tn, negatives - tn, positives - tp, tp)


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
        Values of each metric, shape (resamples,). ROC-AUC and average precision are missing if a label is absent.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993).
    """
    rng = np.random.default_rng(seed)
    measure = _WeightedMetrics(measured)
    parts = [measure(weights) for weights in _draws(measured.labels, rng, resamples)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _draws(labels: NDArray[np.int64], rng: np.random.Generator, resamples: int) -> Iterator[NDArray[np.float64]]:
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


class _WeightedMetrics:
    """Computes metrics of weighted rows; whatever does not depend on the weights is precomputed."""

    def __init__(self, measured: MeasuredRows) -> None:
        order = np.argsort(measured.positive, kind="stable")
        self._order = order
        self._positive, self._labels = measured.positive[order], measured.labels[order]
        self._called = int(np.searchsorted(self._positive, measured.threshold, side="right"))
        right = np.where(self._labels == 1, self._positive, 1 - self._positive)
        tiny = np.finfo(np.float64).eps
        self._losses = np.stack([-np.log(np.clip(right, tiny, 1)), (1 - right) ** 2], axis=1)
        self._ties = np.flatnonzero(np.diff(self._positive, prepend=-1.0))

    def __call__(self, drawn: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        weights = drawn[:, self._order]
        rows = weights.sum(axis=1)
        positive = weights * self._labels
        negative = weights - positive
        tp, fp = positive[:, self._called :].sum(axis=1), negative[:, self._called :].sum(axis=1)
        fn, tn = positive.sum(axis=1) - tp, negative.sum(axis=1) - fp
        log_loss, brier = (weights @ self._losses / rows[:, None]).T
        metrics = {
            **metrics_of_counts(tn, fp, fn, tp),
            "log_loss": log_loss,
            "brier_score": brier,
        }
        if 0 < self._labels.sum() < len(self._labels):
            metrics |= self._rankings(positive, negative)
        return metrics

    def _rankings(self, positive: NDArray[np.float64], negative: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        if len(self._ties) < len(self._labels):  # merge rows with equal probabilities
            positive = np.add.reduceat(positive, self._ties, axis=1)
            negative = np.add.reduceat(negative, self._ties, axis=1)
        below = np.cumsum(negative, axis=1)
        above = np.cumsum(positive[:, ::-1], axis=1)[:, ::-1]
        positives, negatives = above[:, 0], below[:, -1]
        wins = (positive * (below - negative / 2)).sum(axis=1)
        called = above + (negatives[:, None] - below + negative)
        precision = np.divide(above, called, out=np.zeros_like(above), where=called > 0)
        return {
            "roc_auc": wins / (positives * negatives),
            "average_precision": (positive * precision).sum(axis=1) / positives,
        }


def metrics_of_counts(
    tn: NDArray[np.float64], fp: NDArray[np.float64], fn: NDArray[np.float64], tp: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Compute the metrics of confusion matrices, 0 where they would divide by 0."""

    def ratio(over: NDArray[np.float64], under: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.divide(over, under, out=np.zeros_like(over), where=under > 0)

    recall, other = ratio(tp, tp + fn), ratio(tn, tn + fp)
    present = np.sign(tp + fn) + np.sign(tn + fp)
    return {
        "accuracy": ratio(tp + tn, tp + tn + fp + fn),
        "balanced_accuracy": (recall + other) / present,
        "precision": ratio(tp, tp + fp),
        "recall": recall,
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
        "matthews_correlation": ratio(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))),
    }

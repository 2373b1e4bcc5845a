"""Compute the metrics of rows, and of any sample of them."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imdb_sentiment.errors import ConfigError
from imdb_sentiment.evaluation.calibration import expected_calibration_error
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.results.measured import MeasuredRows
from imdb_sentiment.results.metrics import (
    METRICS,
    NO_METRICS,
    Counts,
    CustomMetrics,
    Metric,
    RankedRows,
    custom_metric,
    metrics_of_counts,
)
from imdb_sentiment.runtime.messages import quote

__all__ = ["WeightedMetrics", "measure"]


def measure(
    probabilities: ArrayLike,
    labels: ArrayLike,
    *,
    names: tuple[str, str],
    threshold: float = 0.5,
    metrics: CustomMetrics = NO_METRICS,
) -> EvaluationReport:
    """Compute the metrics of probabilities.

    Args:
        probabilities: Shape (n, 2): probability of the negative and of the positive label.
        labels: Shape (n,): 0 for negative, 1 for positive.
        names: Names of the two labels.
        threshold: A row is called positive when its positive probability is above it.
        metrics: The user's metrics.

    Raises:
        ConfigError: A user's metric fails, or is not a finite number, though both labels occur.
        ValueError: The shapes do not fit, there are no rows, or a value is not a probability or not a label.
    """
    scores = np.asarray(probabilities, dtype=np.float64)
    true = np.asarray(labels)
    if true.ndim != 1 or len(true) == 0 or scores.shape != (len(true), 2):
        raise ValueError(f"probabilities of shape (n, 2) and n labels expected, got {scores.shape} and {true.shape}")
    if not np.isin(true, (0, 1)).all():
        raise ValueError("labels other than 0 and 1")
    if not (np.isfinite(scores).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-4) and (scores >= 0).all()):
        raise ValueError("each row of probabilities must be finite, not negative, and add up to 1")
    rows = MeasuredRows((scores / scores.sum(axis=1, keepdims=True))[:, 1], true.astype(np.int64), threshold)
    whole = WeightedMetrics(rows)(np.ones((1, len(true))))
    values: dict[str, Any] = dict.fromkeys(METRICS) | {name: float(value[0]) for name, value in whole.items()}
    own = {name: _value_of_rows(name, metric, rows) for name, metric in metrics.items()}
    values["expected_calibration_error"] = expected_calibration_error(rows.positive, rows.labels)
    (tn, fp), (fn, tp) = (np.bincount(rows.predicted[true == label], minlength=2).tolist() for label in (0, 1))
    return EvaluationReport(
        labels=names,
        rows=len(true),
        **values,
        custom_metrics=own,
        threshold=threshold,
        confusion_matrix=((tn, fp), (fn, tp)),
    )


def _value_of_rows(name: str, metric: Metric, rows: MeasuredRows) -> float | None:
    """Return a user's metric; None where it is undefined as a label is absent."""
    both = 0 < rows.labels.sum() < len(rows.labels)
    try:
        value = custom_metric(name, metric, rows.labels, rows.positive)
    except ConfigError:
        if both:
            raise
        return None
    if math.isfinite(value):
        return value
    if both:
        raise ConfigError(f"the metric {quote(name)} returns no number", found=str(value), expected="a finite number")
    return None


class WeightedMetrics:
    """Computes the metrics of samples of the same rows; whatever does not depend on the sample is precomputed."""

    def __init__(self, measured: MeasuredRows) -> None:
        self._measured = measured
        order = np.argsort(measured.positive, kind="stable")
        positive, labels = measured.positive[order], measured.labels[order]
        self._order, self._labels = order, labels
        self._called = int(np.searchsorted(positive, measured.threshold, side="right"))
        right = np.where(labels == 1, positive, 1 - positive)
        losses = {name: metric.of_row(right) for name, metric in METRICS.items() if metric.of_row}
        self._loss_names, self._losses = [*losses], np.stack([*losses.values()], axis=1)
        self._ties = np.flatnonzero(np.diff(positive, prepend=-1.0))

    def __call__(self, drawn: NDArray[np.float64], *, rankings: bool = True) -> dict[str, NDArray[np.float64]]:
        """Return the metrics of k samples, of shape (k,) each; without those of rankings if a label is absent.

        Args:
            drawn: How often each row is in each sample, shape (k, n).
            rankings: Whether to compute the metrics of rankings, which take most of the time.
        """
        weights = drawn[:, self._order]
        positive = weights * self._labels
        negative = weights - positive
        tp, fp = positive[:, self._called :].sum(axis=1), negative[:, self._called :].sum(axis=1)
        metrics = metrics_of_counts(Counts(negative.sum(axis=1) - fp, fp, positive.sum(axis=1) - tp, tp))
        means = weights @ self._losses / weights.sum(axis=1)[:, None]
        metrics |= zip(self._loss_names, means.T, strict=True)
        if rankings and 0 < self._labels.sum() < len(self._labels):
            if len(self._ties) < len(self._labels):
                positive = np.add.reduceat(positive, self._ties, axis=1)
                negative = np.add.reduceat(negative, self._ties, axis=1)
            above = np.cumsum(positive[:, ::-1], axis=1)[:, ::-1]
            rows = RankedRows(positive, negative, above, np.cumsum(negative, axis=1))
            metrics |= {name: metric.of_ranking(rows) for name, metric in METRICS.items() if metric.of_ranking}
        return metrics

    def custom(self, drawn: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return the user's metrics of k samples, of shape (k,) each, NaN or infinite where they are not defined.

        Args:
            drawn: How often each row is in each sample, shape (k, n).
        """
        measured = self._measured
        samples = [np.repeat(np.arange(len(measured.labels)), counts) for counts in drawn.astype(np.int64)]
        return {
            name: np.array([custom_metric(name, metric, measured.labels[i], measured.positive[i]) for i in samples])
            for name, metric in measured.metrics.items()
        }

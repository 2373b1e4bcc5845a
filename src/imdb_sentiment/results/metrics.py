"""The metrics of a report: an entry for each, with its name for readers and its formula."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["METRICS", "Counts", "Metric", "RankedRows", "metrics_of_counts"]

_Values = NDArray[np.float64]


class Counts(NamedTuple):
    """Confusion matrices of k samples; each array has shape (k,)."""

    tn: _Values
    fp: _Values
    fn: _Values
    tp: _Values


class RankedRows(NamedTuple):
    """Rows of k samples by ascending probability, equal ones merged; each array has shape (k, probabilities)."""

    positive: _Values
    negative: _Values

    above: _Values
    """Positive rows of at least this probability."""

    below: _Values
    """Negative rows of at most this probability."""


class Metric(NamedTuple):
    """A metric; it has one formula, unless its interval needs more than a bootstrap."""

    label: str
    """Name for readers, in which `{positive}` stands for the positive label."""

    of_counts: Callable[[Counts], _Values] | None = None

    of_row: Callable[[_Values], _Values] | None = None
    """Loss of rows by the probability of their label; the metric is the mean."""

    of_ranking: Callable[[RankedRows], _Values] | None = None
    """Needs rows of both labels."""


def _ratio(over: _Values, under: _Values) -> _Values:
    return np.divide(over, under, out=np.zeros_like(over), where=under > 0)


def _balanced_accuracy(rows: Counts) -> _Values:
    present: _Values = np.sign(rows.tp + rows.fn) + np.sign(rows.tn + rows.fp)
    return (_ratio(rows.tp, rows.tp + rows.fn) + _ratio(rows.tn, rows.tn + rows.fp)) / present


def _matthews_correlation(rows: Counts) -> _Values:
    tn, fp, fn, tp = rows
    return _ratio(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))


def _roc_auc(rows: RankedRows) -> _Values:
    wins: _Values = (rows.positive * (rows.below - rows.negative / 2)).sum(axis=1)
    return wins / (rows.above[:, 0] * rows.below[:, -1])


def _average_precision(rows: RankedRows) -> _Values:
    called = rows.above + (rows.below[:, -1:] - rows.below + rows.negative)
    total: _Values = (rows.positive * _ratio(rows.above, called)).sum(axis=1)
    return total / rows.above[:, 0]


METRICS = {
    "accuracy": Metric("accuracy", lambda rows: _ratio(rows.tp + rows.tn, rows.tp + rows.tn + rows.fp + rows.fn)),
    "balanced_accuracy": Metric("balanced accuracy", _balanced_accuracy),
    "precision": Metric("precision of {positive}", lambda rows: _ratio(rows.tp, rows.tp + rows.fp)),
    "recall": Metric("recall of {positive}", lambda rows: _ratio(rows.tp, rows.tp + rows.fn)),
    "f1": Metric("F1", lambda rows: _ratio(2 * rows.tp, 2 * rows.tp + rows.fp + rows.fn)),
    "matthews_correlation": Metric("Matthews correlation", _matthews_correlation),
    "roc_auc": Metric("ROC-AUC", of_ranking=_roc_auc),
    "average_precision": Metric("average precision", of_ranking=_average_precision),
    "log_loss": Metric("log loss", of_row=lambda right: -np.log(np.clip(right, np.finfo(np.float64).eps, 1))),
    "brier_score": Metric("Brier score", of_row=lambda right: (1 - right) ** 2),
    "expected_calibration_error": Metric("calibration error"),
}
"""By field of `EvaluationReport`."""


def metrics_of_counts(rows: Counts) -> dict[str, _Values]:
    """Compute the metrics of confusion matrices, 0 where they would divide by 0."""
    return {name: metric.of_counts(rows) for name, metric in METRICS.items() if metric.of_counts}

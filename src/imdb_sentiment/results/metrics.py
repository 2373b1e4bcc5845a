"""The metrics of a report: an entry for each, with its name for readers and its formula."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.errors import ConfigError
from imdb_sentiment.runtime.messages import quote

__all__ = [
    "METRICS",
    "NO_METRICS",
    "Counts",
    "CustomMetrics",
    "Metric",
    "MetricFunction",
    "RankedRows",
    "custom_metric",
    "is_undefined",
    "label_of",
    "metrics_of_counts",
]

_Values = NDArray[np.float64]

MetricFunction = Callable[[NDArray[np.int64], _Values], Any]
"""A user's function of the labels, 0 or 1, and the probabilities of the positive label, both of shape (n,)."""

_RESERVED = {
    *("auto", "calibrated_log_loss", "standard_error", "loss", "epoch", "threshold"),
    *("true_negatives", "false_positives", "false_negatives", "true_positives"),
    *("runtime", "samples_per_second", "steps_per_second", "model_preparation_time"),
}
"""Names of what stands beside the metrics in a Trainer's log and in a report."""


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

    denominator: Callable[[Counts], _Values] | None = None
    """Where it is 0, the metric is undefined: its value is 0, and readers see a dash."""

    of_row: Callable[[_Values], _Values] | None = None
    """Loss of rows by the probability of their label; the metric is the mean."""

    of_ranking: Callable[[RankedRows], _Values] | None = None
    """Needs rows of both labels."""

    of_sample: MetricFunction | None = None
    """Called for each sample."""


class CustomMetrics(dict[str, Metric]):
    """A user's metrics by name. A copy in another process has none, as functions such as lambdas cannot be pickled."""

    def __reduce__(self) -> tuple[type["CustomMetrics"], tuple[()]]:
        return CustomMetrics, ()

    @classmethod
    def of(cls, given: object) -> "CustomMetrics":
        """Check a user's functions by name.

        Raises:
            ConfigError: It is no mapping, a name cannot be used, or a value is no function.
        """
        expected = "a mapping from names to functions of the labels and of the probabilities of the positive label"
        hint = "metrics={'recall_at_5': recall_at_5}"
        if not isinstance(given, Mapping):
            raise ConfigError("metrics cannot be used", found=quote(given), expected=expected, hint=hint)
        for name, function in given.items():
            if not isinstance(name, str) or not name.isidentifier():
                expected = "a name of letters, digits and underscores"
                raise ConfigError(f"a metric cannot be called {quote(name)}", expected=expected, hint=hint)
            if name in METRICS or name in _RESERVED:
                raise ConfigError(f"a metric cannot be called {quote(name)}", found="a name of this library's own")
            if not callable(function):
                found = quote(function)
                raise ConfigError(f"the metric {quote(name)} cannot be used", found=found, expected="a function")
        return cls({name: Metric(name, of_sample=function) for name, function in given.items()})

    @property
    def functions(self) -> "dict[str, MetricFunction]":
        """Return the functions by name, as they were given."""
        return {name: metric.of_sample for name, metric in self.items() if metric.of_sample}


NO_METRICS = CustomMetrics()


def _ratio(over: _Values, under: _Values) -> _Values:
    return np.divide(over, under, out=np.zeros_like(over), where=under > 0)


def _balanced_accuracy(rows: Counts) -> _Values:
    present: _Values = np.sign(rows.tp + rows.fn) + np.sign(rows.tn + rows.fp)
    return (_ratio(rows.tp, rows.tp + rows.fn) + _ratio(rows.tn, rows.tn + rows.fp)) / present


def _share_of_true_positives(label: str, denominator: Callable[[Counts], _Values]) -> Metric:
    return Metric(label, lambda rows: _ratio(rows.tp, denominator(rows)), denominator)


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
    "precision": _share_of_true_positives("precision of {positive}", lambda rows: rows.tp + rows.fp),
    "recall": _share_of_true_positives("recall of {positive}", lambda rows: rows.tp + rows.fn),
    "f1": _share_of_true_positives("F1", lambda rows: rows.tp + (rows.fp + rows.fn) / 2),
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


def is_undefined(name: str, confusion_matrix: tuple[tuple[int, int], tuple[int, int]]) -> bool:
    """Return whether the metric would divide by 0, such as the precision of a label that is never predicted.

    Args:
        name: Name of the metric.
        confusion_matrix: Row counts by true and predicted label, negative first.
    """
    denominator = METRICS[name].denominator if name in METRICS else None
    (tn, fp), (fn, tp) = np.array(confusion_matrix, dtype=np.float64)
    return denominator is not None and not denominator(Counts(tn, fp, fn, tp))


def label_of(name: str, positive: str) -> str:
    """Return what readers call a metric; one of a user has no other name.

    Args:
        name: Name of the metric.
        positive: Name of the positive label.
    """
    return METRICS[name].label.format(positive=positive) if name in METRICS else name


def custom_metric(name: str, metric: Metric, labels: NDArray[np.int64], positive: _Values) -> float:
    """Compute a user's metric of a sample; NaN and infinity are returned as they are.

    Args:
        name: Name of the metric.
        metric: The metric.
        labels: 0 or 1, shape (n,).
        positive: Probability of the positive label, shape (n,).

    Raises:
        ConfigError: The function raises an exception, or what it returns is not a number.
    """
    expected = "a number for labels of 0 and 1 and probabilities of the positive label, both of shape (n,)"
    try:
        value: Any = metric.of_sample(labels.copy(), positive.copy()) if metric.of_sample else None
        value = value.item() if hasattr(value, "item") else value  # of NumPy or PyTorch
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        raise ConfigError(f"the metric {quote(name)} fails", found=found, expected=expected) from error
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"the metric {quote(name)} returns no number", found=quote(value), expected=expected)
    return float(value) + 0.0  # no -0.0, as of a cost with its sign changed

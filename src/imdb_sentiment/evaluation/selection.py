"""What the best of several models is worth, after it was chosen on the rows that it is measured on."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.evaluation.bootstrap import LEVEL, SEED, stratified_draws
from imdb_sentiment.evaluation.calibration import cross_fitted
from imdb_sentiment.evaluation.metrics import WeightedMetrics, measure
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.measured import MeasuredRows
from imdb_sentiment.results.metrics import METRICS, NO_METRICS, CustomMetrics

__all__ = ["Corrected", "correct_for_choice", "cross_fitted_positive", "lower_is_better", "positive_of", "value_of"]

_RESAMPLES = 1000

_CUSTOM_RESAMPLES = 500
"""By a metric of the user's, which is called twice for each, and for each trial."""

_CALIBRATION_FOLDS = 5


class Corrected(NamedTuple):
    """A metric of the chosen model without the gain from choosing it."""

    value: float
    """Mean over the resamples."""

    interval: Interval
    """95 % of the resamples."""


def lower_is_better(metric: str) -> bool:
    """Return whether a metric is a loss."""
    return metric == "log_loss"


def value_of(
    metric: str, positive: NDArray[np.float64], labels: NDArray[np.int64], metrics: CustomMetrics = NO_METRICS
) -> float:
    """Return a metric of rows at a threshold of 0.5.

    Args:
        metric: Name of a field of `EvaluationReport`, or of a metric of the user's.
        positive: Probability of the positive label, shape (n,).
        labels: 0 or 1, shape (n,); both occur.
        metrics: The user's metrics.

    Raises:
        ConfigError: The user's metric fails, or returns no finite number.
    """
    report = measure(np.column_stack((1 - positive, positive)), labels, names=LabelNames(), metrics=metrics)
    value = report.value_of(metric)
    assert value is not None  # noqa: S101 - both labels occur
    return value


def cross_fitted_positive(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return calibrated probabilities of the positive label, each by a temperature fitted without the row, shape (n,).

    A temperature fitted to all rows would make the log loss on them a little too low. Every fifth row of a label is in
    one fold, which is the same for all models on the same rows.

    Args:
        logits: Logits of held-out rows, shape (n, 2).
        labels: 0 or 1, shape (n,).
    """
    fold_of = np.empty(len(labels), dtype=np.int64)
    for label in (0, 1):
        rows = np.flatnonzero(labels == label)
        fold_of[rows] = np.arange(len(rows)) % _CALIBRATION_FOLDS
    return positive_of(cross_fitted([logits], labels, fold_of))


def positive_of(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of the positive label, shape (n,), from logits of shape (n, 2)."""
    positive: NDArray[np.float64] = 1 / (1 + np.exp(np.clip(logits[:, 0] - logits[:, 1], -700, 700)))
    return positive


def correct_for_choice(
    trials: Sequence[Sequence[NDArray[np.float64]]],
    labels: NDArray[np.int64],
    metric: str,
    metrics: CustomMetrics = NO_METRICS,
) -> Corrected | None:
    """Estimate the metric that the best trial has on new rows.

    The best of several values is too good: part of what makes a trial the best is chance on the rows that it was
    measured on. So the choice is repeated on resamples. In each, rows are drawn with replacement, the best trial on
    them is chosen, and it is measured on the rows that were not drawn, about 37 %. A trial that kept the best of
    several epochs is represented by the one with the lowest log loss on the drawn rows, so that this choice is repeated
    too.

    It needs no further training, unlike nested cross-validation. It is slightly pessimistic, since a resample has 63 %
    of the rows to choose by.

    Args:
        trials: For each trial the probabilities of the positive label after each epoch that it could have kept, shape
            (n,) each.
        labels: 0 or 1, shape (n,).
        metric: The metric that the best trial is chosen by.
        metrics: The user's metrics, if it is one of them; resamples in which it is no finite number do not count.

    Returns:
        The estimate; None if no resample leaves rows of both labels out.

    Source: Tsamardinos, Greasidou and Borboudakis, Bootstrapping the out-of-sample predictions for efficient and
    accurate cross-validation (Machine Learning, 2018), BBC-CV.
    """
    chosen_by = CustomMetrics({metric: metrics[metric]} if metric in metrics else {})
    measures = [
        [WeightedMetrics(MeasuredRows(positive, labels, metrics=chosen_by)) for positive in epochs] for epochs in trials
    ]
    sign = -1 if lower_is_better(metric) else 1
    values: list[NDArray[np.float64]] = []
    resamples = _CUSTOM_RESAMPLES if chosen_by else _RESAMPLES
    for drawn in stratified_draws(labels, np.random.default_rng(SEED), resamples):
        left_out = (drawn == 0).astype(np.float64)
        usable = ((left_out @ (labels == 1)) > 0) & ((left_out @ (labels == 0)) > 0)
        if not usable.any():
            continue
        drawn, left_out = drawn[usable], left_out[usable]
        by_trial = [_best_epoch(epochs, drawn, left_out, metric) for epochs in measures]
        inside, outside = (np.stack(columns, axis=1) for columns in zip(*by_trial, strict=True))
        best = np.where(np.isfinite(inside), sign * inside, -np.inf).argmax(axis=1)
        values.append(outside[np.arange(len(best)), best])
    measured = np.concatenate([part[np.isfinite(part)] for part in values]) if values else np.zeros(0)
    if not len(measured):
        return None
    low, high = np.quantile(measured, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)).tolist()
    return Corrected(float(measured.mean()), Interval(low, high))


def _best_epoch(
    epochs: Sequence[WeightedMetrics], drawn: NDArray[np.float64], left_out: NDArray[np.float64], metric: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the metric on the drawn rows and on those left out, of the epoch chosen in each resample; shape (k,)."""
    own = metric not in METRICS
    rankings = not own and METRICS[metric].of_ranking is not None
    inside, outside = ([epoch(weights, rankings=rankings) for epoch in epochs] for weights in (drawn, left_out))
    best = np.stack([metrics["log_loss"] for metrics in inside]).argmin(axis=0)
    places = np.arange(len(best))
    if not own:
        of_drawn, of_left_out = (np.stack([each[metric] for each in part])[best, places] for part in (inside, outside))
        return of_drawn, of_left_out
    of_drawn, of_left_out = np.empty(len(best)), np.empty(len(best))
    for epoch in np.unique(best):  # a function is slow, so that it is called for the best epoch alone
        kept = best == epoch
        of_drawn[kept] = epochs[epoch].custom(drawn[kept])[metric]
        of_left_out[kept] = epochs[epoch].custom(left_out[kept])[metric]
    return of_drawn, of_left_out

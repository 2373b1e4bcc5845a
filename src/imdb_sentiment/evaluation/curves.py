"""Curves of a report: reliability, ranking, thresholds and coverage."""

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.evaluation.calibration import reliability
from imdb_sentiment.reporting.plots import Coverage, Curves, Ranking, Thresholds
from imdb_sentiment.results.measured import MeasuredRows
from imdb_sentiment.results.metrics import Counts, metrics_of_counts
from imdb_sentiment.runtime.process_wide import WARNINGS_LOCK

__all__ = ["coverage_curve", "curves_of", "threshold_curve"]

_THRESHOLDS = 201


@WARNINGS_LOCK
def curves_of(measured: MeasuredRows) -> Curves:
    """Compute all curves."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    ranking = None
    if 0 < measured.labels.sum() < len(measured.labels):
        false, true, _ = roc_curve(measured.labels, measured.positive)
        precision, recall, _ = precision_recall_curve(measured.labels, measured.positive, drop_intermediate=True)
        ranking = Ranking(false, true, recall, precision)
    return Curves(
        reliability(measured.positive, measured.labels), ranking, threshold_curve(measured), coverage_curve(measured)
    )


def threshold_curve(measured: MeasuredRows) -> Thresholds:
    """Return precision, recall and F1 at thresholds from 0 to 1."""
    cuts = np.linspace(0, 1, _THRESHOLDS)

    def above(label: int) -> NDArray[np.float64]:
        ordered = np.sort(measured.positive[measured.labels == label])
        return len(ordered) - np.searchsorted(ordered, cuts, side="right").astype(np.float64)

    fp, tp = above(0), above(1)
    positives = measured.labels.sum()
    metrics = metrics_of_counts(Counts(len(measured.labels) - positives - fp, fp, positives - tp, tp))
    precision = np.where(fp + tp > 0, metrics["precision"], np.nan)
    return Thresholds(cuts, precision, metrics["recall"], metrics["f1"])


def coverage_curve(measured: MeasuredRows) -> Coverage:
    """Return accuracy by coverage, with one point per distinct confidence.

    Source: El-Yaniv and Wiener, On the Foundations of Noise-free Selective Classification (2010).
    """
    order = np.argsort(-measured.confidence, kind="stable")
    confidence, correct = measured.confidence[order], measured.correct[order]
    last = np.flatnonzero(np.diff(confidence, append=-1.0))  # rows with equal confidence stay together
    kept = last + 1
    return Coverage(confidence[last], kept / len(confidence), np.cumsum(correct)[last] / kept)

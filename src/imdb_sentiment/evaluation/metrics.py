"""Compute an `EvaluationReport` from probabilities and true labels."""

import numpy as np
from numpy.typing import ArrayLike

from imdb_sentiment.evaluation.calibration import expected_calibration_error
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.runtime.process_wide import WARNINGS_LOCK

__all__ = ["measure"]


@WARNINGS_LOCK
def measure(
    probabilities: ArrayLike, labels: ArrayLike, *, names: tuple[str, str], threshold: float = 0.5
) -> EvaluationReport:
    """Compute scikit-learn's metrics of probabilities.

    Args:
        probabilities: Shape (n, 2): probability of the negative and of the positive label.
        labels: Shape (n,): 0 for negative, 1 for positive.
        names: Names of the two labels.
        threshold: A row is called positive when its positive probability is above it.

    Raises:
        ValueError: The shapes do not fit, there are no rows, or a value is not a probability or not a label.
    """
    from sklearn import metrics

    scores = np.asarray(probabilities, dtype=np.float64)
    true = np.asarray(labels)
    if true.ndim != 1 or len(true) == 0 or scores.shape != (len(true), 2):
        raise ValueError(f"probabilities of shape (n, 2) and n labels expected, got {scores.shape} and {true.shape}")
    if not np.isin(true, (0, 1)).all():
        raise ValueError("labels other than 0 and 1")
    if not (np.isfinite(scores).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-4) and (scores >= 0).all()):
        raise ValueError("each row of probabilities must be finite, not negative, and add up to 1")
    scores = scores / scores.sum(axis=1, keepdims=True)
    predicted = (scores[:, 1] > threshold).astype(int)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        true, predicted, average="binary", pos_label=1, zero_division=0
    )
    (tn, fp), (fn, tp) = metrics.confusion_matrix(true, predicted, labels=(0, 1)).tolist()
    present = np.unique(true)
    both_present = len(present) == 2
    return EvaluationReport(
        labels=names,
        rows=len(true),
        accuracy=float(metrics.accuracy_score(true, predicted)),
        # like balanced_accuracy_score, which warns if one label is absent
        balanced_accuracy=float(metrics.recall_score(true, predicted, labels=present, average="macro")),
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        matthews_correlation=float(metrics.matthews_corrcoef(true, predicted)) if both_present else 0.0,
        roc_auc=float(metrics.roc_auc_score(true, scores[:, 1])) if both_present else None,
        average_precision=float(metrics.average_precision_score(true, scores[:, 1])) if both_present else None,
        log_loss=float(metrics.log_loss(true, scores, labels=(0, 1))),
        brier_score=float(np.mean((scores[:, 1] - true) ** 2)),
        expected_calibration_error=expected_calibration_error(scores[:, 1], true),
        threshold=threshold,
        confusion_matrix=((tn, fp), (fn, tp)),
    )

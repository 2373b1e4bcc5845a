"""Display names of metrics."""

__all__ = ["METRICS", "METRIC_NAMES"]

METRIC_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "precision": "precision of {positive}",
    "recall": "recall of {positive}",
    "f1": "F1",
    "matthews_correlation": "Matthews correlation",
    "roc_auc": "ROC-AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier_score": "Brier score",
    "expected_calibration_error": "calibration error",
}
"""By field of `EvaluationReport`; `positive` is the positive label."""

METRICS = tuple(METRIC_NAMES)
"""The fields of `EvaluationReport` that are metrics."""

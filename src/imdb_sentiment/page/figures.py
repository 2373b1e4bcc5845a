"""The tables of a report, as text: for a terminal, for Markdown and for HTML."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imdb_sentiment.results import EvaluationReport

__all__ = ["METRIC_NAMES", "NOT_RECORDED", "computed_in", "confusion_rows", "figure_rows", "slice_rows"]

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
"""What each figure of a report is called; `positive` is the positive label's name."""


NOT_RECORDED = "not recorded"
"""In the place of what a model or a report that was saved by an earlier version does not say."""


def computed_in(report: "EvaluationReport") -> str:
    """Say which numbers the figures were computed with."""
    if report.numeric_precision is None:
        return f"numeric precision {NOT_RECORDED}"
    return f"computed in {report.numeric_precision}"


def figure_rows(report: "EvaluationReport", *, corner: str = "") -> list[list[str]]:
    """Return each figure with its interval, and that of the baselines beside it; the first row is the head."""
    head = [corner, "this model" if report.baselines else "", *(["95 % interval"] if report.intervals else [])]
    table = [[*head, *(baseline.name for baseline in report.baselines)]]
    for metric, name in METRIC_NAMES.items():
        row = [name.format(positive=report.labels[1]), _number(getattr(report, metric))]
        if report.intervals:
            interval = report.intervals.get(metric)
            row.append(str(interval or ""))
        table.append([*row, *(_number(getattr(baseline.report, metric)) for baseline in report.baselines)])
    thresholds = [part.threshold for part in (report, *(baseline.report for baseline in report.baselines))]
    if set(thresholds) != {0.5}:
        own, *others = map(_number, thresholds)
        table.append(["threshold", own, *([""] if report.intervals else []), *others])
    return table


def confusion_rows(report: "EvaluationReport") -> list[list[str]]:
    """Return the confusion matrix; the first row is the head."""
    negative, positive = report.labels
    (tn, fp), (fn, tp) = report.confusion_matrix
    return [
        ["true \\ predicted", negative, positive],
        [negative, f"{tn:,}", f"{fp:,}"],
        [positive, f"{fn:,}", f"{tp:,}"],
    ]


def slice_rows(report: "EvaluationReport") -> list[list[str]]:
    """Return one row a slice; the first row is the head."""
    interval = "95 % interval"
    table = [["slice", "rows", "accuracy", interval, "differs (p)", "confidence", "F1", interval]]
    for part in report.slices:
        accuracy, f1 = (str(part.intervals.get(figure, "")) for figure in ("accuracy", "f1"))
        chance = "< 0.001" if part.p_value < 0.001 else f"{part.p_value:.3f}"
        figures = (f"{part.accuracy:.4f}", accuracy, chance, f"{part.mean_confidence:.4f}", f"{part.f1:.4f}", f1)
        table.append([f"{part.grouping} {part.name}", f"{part.rows:,}", *figures])
    return table


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"

"""The metrics of a report and of its baselines, as rows of text and as a frame of pandas."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.metrics import METRICS, label_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["confusion_rows", "metric_frame", "metric_rows"]


def metric_rows(
    reports: Mapping[str, Any], intervals: Mapping[str, Interval] | None, *, positive: str, corner: str = ""
) -> list[list[str]]:
    """Return a table with one row per metric below its header.

    Args:
        reports: Each model's `EvaluationReport` by its name; the intervals are those of the first one.
        intervals: 95 % intervals by metric, where they were computed.
        positive: Name of the positive label.
        corner: First cell of the header.
    """
    table = [[corner, *reports]]
    names = _names(reports)
    for name in names:
        values = [report.value_of(name) for report in reports.values()]
        cells = ["undefined" if value is None else f"{value:.4f}" for value in values]
        table.append([label_of(name, positive), *cells])
    if any(report.threshold != 0.5 for report in reports.values()):
        table.append(["threshold", *(f"{report.threshold:.4f}" for report in reports.values())])
    if intervals:
        beside = ["95 % interval", *(str(intervals.get(name) or "") for name in names), ""]
        for row, interval in zip(table, beside, strict=False):  # there may be no row of thresholds
            row.insert(2, interval)
    return table


def metric_frame(reports: Mapping[str, Any], intervals: Mapping[str, Interval] | None) -> "pd.DataFrame":
    """Return a frame indexed by metric: the first report's `value`, its interval, and the other reports by name."""
    import pandas as pd

    first, *others = reports.values()
    names = _names(reports)
    ends = {name: (intervals or {}).get(name) or (None, None) for name in names}
    columns = {
        "value": [first.value_of(name) for name in names],
        "low": [low for low, _ in ends.values()],
        "high": [high for _, high in ends.values()],
    }
    for name, report in zip([*reports][1:], others, strict=True):
        columns[name] = [report.value_of(metric) for metric in names]
    return pd.DataFrame(columns, index=pd.Index(names, name="metric"), dtype=float)


def _names(reports: Mapping[str, Any]) -> list[str]:
    """Return the names of the metrics, those of the user last."""
    return [*METRICS, *next(iter(reports.values())).custom_metrics]


def confusion_rows(labels: tuple[str, str], matrix: tuple[tuple[int, int], tuple[int, int]]) -> list[list[str]]:
    """Return a confusion matrix below its header."""
    rows = zip(labels, matrix, strict=True)
    return [["true \\ predicted", *labels], *([label, *(f"{n:,}" for n in counts)] for label, counts in rows)]

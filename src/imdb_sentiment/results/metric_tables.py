"""The metrics of a report and of its baselines, as rows of text and as a frame of pandas."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.metrics import METRICS

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
    for name, metric in METRICS.items():
        values = [getattr(report, name) for report in reports.values()]
        cells = ["undefined" if value is None else f"{value:.4f}" for value in values]
        table.append([metric.label.format(positive=positive), *cells])
    if any(report.threshold != 0.5 for report in reports.values()):
        table.append(["threshold", *(f"{report.threshold:.4f}" for report in reports.values())])
    if intervals:
        beside = ["95 % interval", *(str(intervals.get(name) or "") for name in METRICS), ""]
        for row, interval in zip(table, beside, strict=False):  # there may be no row of thresholds
            row.insert(2, interval)
    return table


def metric_frame(reports: Mapping[str, Any], intervals: Mapping[str, Interval] | None) -> "pd.DataFrame":
    """Return a frame indexed by metric: the first report's `value`, its interval, and the other reports by name."""
    import pandas as pd

    first, *others = reports.values()
    ends = {name: (intervals or {}).get(name) or (None, None) for name in METRICS}
    columns = {
        "value": [getattr(first, name) for name in METRICS],
        "low": [low for low, _ in ends.values()],
        "high": [high for _, high in ends.values()],
    }
    for name, report in zip([*reports][1:], others, strict=True):
        columns[name] = [getattr(report, metric) for metric in METRICS]
    return pd.DataFrame(columns, index=pd.Index(METRICS, name="metric"), dtype=float)


def confusion_rows(labels: tuple[str, str], matrix: tuple[tuple[int, int], tuple[int, int]]) -> list[list[str]]:
    """Return a confusion matrix below its header."""
    rows = zip(labels, matrix, strict=True)
    return [["true \\ predicted", *labels], *([label, *(f"{n:,}" for n in counts)] for label, counts in rows)]

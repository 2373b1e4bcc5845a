"""The metrics of a report and of its baselines, as rows of text and as a frame of pandas."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.metrics import METRICS, is_undefined, label_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["UNDEFINED", "confusion_rows", "digits_for", "metric_frame", "metric_rows"]

UNDEFINED = "\N{EN DASH}"

_MANY_ROWS = 10_000
"""Rows from which on an interval is so narrow that a fourth digit says something."""


def digits_for(rows: int) -> int:
    """Return how many digits after the point of a metric are worth reading."""
    return 3 if rows < _MANY_ROWS else 4


def metric_rows(
    reports: Mapping[str, Any],
    intervals: Mapping[str, Interval] | None,
    *,
    positive: str,
    corner: str = "",
    digits: int = 4,
) -> list[list[str]]:
    """Return a table with one row per metric below its header.

    Args:
        reports: Each model's `EvaluationReport` by its name; the intervals are those of the first one.
        intervals: 95 % intervals by metric, where they were computed.
        positive: Name of the positive label.
        corner: First cell of the header.
        digits: Number of digits after the point.
    """
    names = _names(reports)
    table = [
        [corner, *reports],
        *([label_of(name, positive), *(_cell(report, name, digits) for report in reports.values())] for name in names),
    ]
    if any(report.threshold != 0.5 for report in reports.values()):
        table.append(["threshold", *(f"{report.threshold:.4f}" for report in reports.values())])
    if intervals:
        ends = (intervals.get(name) for name in names)
        beside = ["95 % interval", *(each.rounded(digits) if each else "" for each in ends), ""]
        for row, interval in zip(table, beside, strict=False):  # there may be no row of thresholds
            row.insert(2, interval)
    return table


def _cell(report: Any, name: str, digits: int) -> str:
    value = report.value_of(name)
    return UNDEFINED if value is None or is_undefined(name, report.confusion_matrix) else f"{value:.{digits}f}"


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


def confusion_rows(
    labels: tuple[str, str], matrix: tuple[tuple[int, int], tuple[int, int]], *, shares: bool = False
) -> list[list[str]]:
    """Return a confusion matrix below its header, with each count's share of its row if wanted."""
    table = [["true \\ predicted", *labels]]
    for label, counts in zip(labels, matrix, strict=True):
        total = sum(counts) if shares else 0
        table.append([label, *(f"{n:,} ({n / total:.1%})" if total else f"{n:,}" for n in counts)])
    return table

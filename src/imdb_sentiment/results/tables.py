"""Tables of a report as rows of text for terminal, Markdown and HTML; the first row is the header."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.metric_names import METRIC_NAMES
from imdb_sentiment.results.slices import SliceReport

__all__ = ["Column", "confusion_rows", "metric_rows", "slice_rows"]


class Column(NamedTuple):
    """The metrics of one model."""

    name: str
    values: Mapping[str, float | None]
    """By metric; None where it is undefined."""

    threshold: float


def metric_rows(
    model: Column,
    baselines: Sequence[Column] = (),
    *,
    positive: str,
    intervals: Mapping[str, Interval] | None = None,
    corner: str = "",
) -> list[list[str]]:
    """Return the metrics of a model with intervals, and those of baselines beside them.

    Args:
        model: The model; its name is shown only beside baselines.
        baselines: Other models on the same rows.
        positive: Name of the positive label.
        intervals: Intervals of the model's metrics.
        corner: Text of the first cell.
    """
    head = [corner, model.name if baselines else "", *(["95 % interval"] if intervals else [])]
    table = [[*head, *(baseline.name for baseline in baselines)]]
    for metric, name in METRIC_NAMES.items():
        row = [name.format(positive=positive), _number(model.values[metric])]
        if intervals:
            row.append(str(intervals.get(metric) or ""))
        table.append([*row, *(_number(baseline.values[metric]) for baseline in baselines)])
    thresholds = [column.threshold for column in (model, *baselines)]
    if set(thresholds) != {0.5}:
        own, *others = map(_number, thresholds)
        table.append(["threshold", own, *([""] if intervals else []), *others])
    return table


def confusion_rows(labels: tuple[str, str], matrix: tuple[tuple[int, int], tuple[int, int]]) -> list[list[str]]:
    """Return a confusion matrix."""
    negative, positive = labels
    (tn, fp), (fn, tp) = matrix
    return [
        ["true \\ predicted", negative, positive],
        [negative, f"{tn:,}", f"{fp:,}"],
        [positive, f"{fn:,}", f"{tp:,}"],
    ]


def slice_rows(slices: Sequence[SliceReport]) -> list[list[str]]:
    """Return one row per slice."""
    interval = "95 % interval"
    table = [["slice", "rows", "accuracy", interval, "differs (p)", "confidence", "F1", interval]]
    for part in slices:
        accuracy, f1 = (str(part.intervals.get(metric, "")) for metric in ("accuracy", "f1"))
        chance = "< 0.001" if part.p_value < 0.001 else f"{part.p_value:.3f}"
        metrics = (f"{part.accuracy:.4f}", accuracy, chance, f"{part.mean_confidence:.4f}", f"{part.f1:.4f}", f1)
        table.append([f"{part.grouping} {part.name}", f"{part.rows:,}", *metrics])
    return table


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"

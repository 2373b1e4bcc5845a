"""A report with all that can be said of the rows: how sure each figure is, simpler models beside it, and slices."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING

from imdb_sentiment.data.labelled import Labelled
from imdb_sentiment.evaluation.baseline import baseline_probabilities
from imdb_sentiment.evaluation.comparison import compare
from imdb_sentiment.evaluation.curves import curves_of
from imdb_sentiment.evaluation.intervals import intervals_of
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.evaluation.slices import measure_slices
from imdb_sentiment.results import BaselineReport, EvaluationReport, Interval, MeasuredRows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["full_report"]


def full_report(
    measured: MeasuredRows,
    *,
    names: tuple[str, str],
    seen: Sequence[bool] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    train: Labelled | None = None,
) -> EvaluationReport:
    """Measure rows, and if the model was made from some of them, the others alone too.

    Args:
        measured: Rows with their texts.
        names: Names of the two labels.
        seen: Whether the model was made from each row's text, n of them; None if that is not known.
        groups: For each grouping, such as `length`, each row's value.
        train: The rows that the model learnt from, for baselines to be fitted on; None if they are not at hand.
    """
    report = _with_intervals(measured, names)
    if train:
        scores = baseline_probabilities(train, measured.texts)
        beside = (_beside(measured, report, name, positive) for name, positive in scores.items())
        report = replace(report, baselines=tuple(beside))
    if groups:
        slices = measure_slices(groups, measured.correct, measured.labels, measured.confidence)
        report = replace(report, slices=slices)
    if seen is None:
        return report
    unseen = None
    if 0 < sum(seen) < len(seen):
        new = [not known for known in seen]
        parts = {name: [*compress(column, new)] for name, column in (groups or {}).items()}
        unseen = full_report(measured.where(new), names=names, groups=parts, train=train)
    return replace(report, seen_rows=sum(seen), unseen=unseen)


def _with_intervals(measured: MeasuredRows, names: tuple[str, str]) -> EvaluationReport:
    report = _figures(measured, names)
    intervals = {}
    for name, (low, high) in intervals_of(measured).items():
        if low < high:  # few rows, none of which ever changes the figure, do not say how sure it is
            value = getattr(report, name)
            intervals[name] = Interval(min(low, value), max(high, value))
    return replace(report, intervals=intervals)


def _figures(measured: MeasuredRows, names: tuple[str, str]) -> EvaluationReport:
    import numpy as np

    both = np.stack([1 - measured.positive, measured.positive], axis=1)
    report = measure(both, measured.labels, names=names, threshold=measured.threshold)
    return replace(report, measured=measured, curves=curves_of(measured))


def _beside(
    measured: MeasuredRows, report: EvaluationReport, name: str, positive: "NDArray[np.float64]"
) -> BaselineReport:
    other = _figures(measured._replace(positive=positive, threshold=0.5), report.labels)
    return BaselineReport(name=name, report=other, comparison=compare(other, report))

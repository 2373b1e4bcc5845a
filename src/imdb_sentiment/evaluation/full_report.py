"""A report with all that can be said of the rows: how sure each figure is, simpler models beside it, and slices."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING

from imdb_sentiment.data.labelled import Labelled
from imdb_sentiment.evaluation.baseline import baseline_probabilities
from imdb_sentiment.evaluation.bootstrap import resampled_figures
from imdb_sentiment.evaluation.comparison import compare_resampled
from imdb_sentiment.evaluation.curves import curves_of
from imdb_sentiment.evaluation.intervals import SEED, intervals_of
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.evaluation.slices import measure_slices
from imdb_sentiment.results import BaselineReport, EvaluationReport, Interval, MeasuredRows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["figures_of", "full_report"]


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
    import numpy as np

    others = baseline_probabilities(train, measured.texts) if train else {}
    groups = groups or {}
    report = _report(measured, others, names=names, groups=groups)
    if seen is None:
        return report
    unseen = None
    new = ~np.asarray(seen, dtype=bool)
    if new.any() and not new.all():
        unseen = _report(
            measured.where(new.tolist()),
            {name: positive[new] for name, positive in others.items()},
            names=names,
            groups={name: [*compress(column, new)] for name, column in groups.items()},
        )
    return replace(report, seen_rows=int((~new).sum()), unseen=unseen)


def figures_of(measured: MeasuredRows, *, names: tuple[str, str]) -> EvaluationReport:
    """Measure rows without how sure the figures are, which takes most of the time."""
    import numpy as np

    both = np.stack([1 - measured.positive, measured.positive], axis=1)
    report = measure(both, measured.labels, names=names, threshold=measured.threshold)
    return replace(report, measured=measured, curves=curves_of(measured))


def _report(
    measured: MeasuredRows,
    others: "Mapping[str, NDArray[np.float64]]",
    *,
    names: tuple[str, str],
    groups: Mapping[str, Sequence[str]],
) -> EvaluationReport:
    """Measure rows with all there is to say; `others` has what each baseline says of them."""
    report = figures_of(measured, names=names)
    resampled = resampled_figures(measured, seed=SEED)
    baselines = []
    for name, positive in others.items():
        rows = measured._replace(positive=positive, threshold=0.5)
        beside = figures_of(rows, names=names)
        comparison = compare_resampled(beside, report, resampled_figures(rows, seed=SEED), resampled)
        baselines.append(BaselineReport(name=name, report=beside, comparison=comparison))
    return replace(
        report,
        intervals=_around(report, intervals_of(measured, resampled)),
        baselines=tuple(baselines),
        slices=measure_slices(groups, measured),
    )


def _around(report: EvaluationReport, ends: Mapping[str, Interval]) -> dict[str, Interval]:
    intervals = {}
    for name, (low, high) in ends.items():
        if low < high:  # few rows, none of which ever changes the figure, do not say how sure it is
            value = getattr(report, name)
            intervals[name] = Interval(min(low, value), max(high, value))
    return intervals

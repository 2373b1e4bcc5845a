"""The figures of a report, and how sure each of them is."""

from typing import TYPE_CHECKING

from imdb_sentiment.evaluation.bootstrap import RESAMPLES, figures_of_counts
from imdb_sentiment.evaluation.calibration import calibration_error_interval
from imdb_sentiment.results import Interval, MeasuredRows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LEVEL", "SEED", "intervals_of"]

LEVEL = 0.95
SEED = 0
"""One for all reports, so that two models on the same rows are measured on the same resamples."""


def intervals_of(measured: MeasuredRows, resampled: "Mapping[str, NDArray[np.float64]]") -> "Mapping[str, Interval]":
    """Return an interval of each figure, by its name in `EvaluationReport`.

    Percentiles of a stratified bootstrap. Where that fails, for the calibration error and where a label has no mistake,
    see `calibration_error_interval` and `_figures_of_rates`.

    Args:
        measured: The rows.
        resampled: What `resampled_figures` returned for them.
    """
    import numpy as np

    figures = dict(resampled)
    if not _each_label_has_both_outcomes(measured):
        figures |= _figures_of_rates(measured)
    tail = (1 - LEVEL) / 2
    ends = {name: np.quantile(values, (tail, 1 - tail)) for name, values in figures.items()}
    ends["expected_calibration_error"] = np.array(
        calibration_error_interval(measured.positive, measured.labels, level=LEVEL, seed=SEED)
    )
    return {name: Interval(float(low), float(high)) for name, (low, high) in ends.items()}


def _each_label_has_both_outcomes(measured: MeasuredRows) -> bool:
    return all(0 < hits < rows for hits, rows in _hits(measured) if rows)


def _hits(measured: MeasuredRows) -> list[tuple[int, int]]:
    """Return for each label how many of its rows are called so, and how many rows it has."""
    inside = [measured.labels == label for label in (0, 1)]
    return [(int(measured.correct[rows].sum()), int(rows.sum())) for rows in inside]


def _figures_of_rates(measured: MeasuredRows) -> "dict[str, NDArray[np.float64]]":
    """Draw each label's recall from what its rows leave open, instead of drawing rows.

    A bootstrap is certain that a mistake which did not happen never will. This is not: of ten rows without a mistake it
    says that the recall may be as low as 0.78.

    Source: Brown, Cai and DasGupta, Interval Estimation for a Binomial Proportion (2001), Jeffreys interval.
    """
    import numpy as np

    rng = np.random.default_rng(SEED)
    (tn, negatives), (tp, positives) = (
        (rows * rng.beta(hits + 0.5, rows - hits + 0.5, RESAMPLES), np.full(RESAMPLES, float(rows)))
        for hits, rows in _hits(measured)
    )
    return figures_of_counts(tn, negatives - tn, positives - tp, tp)

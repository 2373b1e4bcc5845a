"""Is one model better than another on the same rows, beyond chance?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from imdb_sentiment.errors import DataError
from imdb_sentiment.evaluation.bootstrap import LEVEL, SEED, resampled_metrics
from imdb_sentiment.results.comparison import Comparison, Difference, Interval
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.runtime.messages import list_values, quote

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["compare", "compare_resampled"]


def compare(report_a: EvaluationReport, report_b: EvaluationReport) -> Comparison:
    """Compare two models on the rows that both were measured on.

    Each figure's difference comes with a paired bootstrap interval: both models are measured on the same resamples, so
    that rows which are hard for both do not count as chance. McNemar's exact test looks at the rows that only one of
    them gets right.

    Args:
        report_a: What `SentimentFineTuner.evaluate` or `SentimentClassifier.evaluate` returned for the first.
        report_b: The same for the second, on the same texts and labels in the same order.

    Raises:
        DataError: They are no reports, or are of different rows, or hold their figures alone.

    Source: McNemar, Note on the sampling error of the difference between correlated proportions (1947); Koehn,
    Statistical significance tests for machine translation evaluation (2004).
    """
    for report in (report_a, report_b):
        if not isinstance(report, EvaluationReport):
            raise DataError("compare takes two reports", found=quote(report), expected="what evaluate returned")
    a, b = report_a.require_rows(), report_b.require_rows()
    if report_a.labels != report_b.labels or not a.same_rows(b):
        raise DataError(
            "the two reports are not of the same rows",
            found=f"{report_a.rows:,} rows ({list_values(report_a.labels)}); "
            f"{report_b.rows:,} rows ({list_values(report_b.labels)})",
            expected="the same texts and labels in the same order",
        )
    first, second = (resampled_metrics(rows, seed=SEED) for rows in (a, b))
    return compare_resampled(report_a, report_b, first, second)


def compare_resampled(
    report_a: EvaluationReport,
    report_b: EvaluationReport,
    first: "Mapping[str, NDArray[np.float64]]",
    second: "Mapping[str, NDArray[np.float64]]",
) -> Comparison:
    """Compare two models whose figures on the same resamples of the same rows are known already; see `compare`."""
    import numpy as np
    from scipy.stats import binomtest

    a, b = report_a.require_rows(), report_b.require_rows()
    tail = (1 - LEVEL) / 2
    differences = {}
    for name in first:
        low, high = np.quantile(second[name] - first[name], (tail, 1 - tail))
        before, after = getattr(report_a, name), getattr(report_b, name)
        differences[name] = Difference(after - before, Interval(float(low), float(high)))
    only_a = int((a.correct & ~b.correct).sum())
    only_b = int((b.correct & ~a.correct).sum())
    p_value = float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0
    return Comparison(
        rows=report_a.rows,
        differences=differences,
        only_first_correct=only_a,
        only_second_correct=only_b,
        p_value=p_value,
        thresholds=(_threshold_of(report_a), _threshold_of(report_b)),
        goals_reached=(report_a.goal_reached, report_b.goal_reached),
    )


def _threshold_of(report: EvaluationReport) -> str:
    return report.goal or f"the threshold {report.threshold:g}"

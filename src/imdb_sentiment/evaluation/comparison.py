"""Compare two models on the same rows with a paired bootstrap and McNemar's test."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.errors import DataError
from imdb_sentiment.evaluation.bootstrap import LEVEL, SEED, resampled_metrics
from imdb_sentiment.results.comparison import Comparison, Difference, Interval
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.runtime.messages import list_values, quote

__all__ = ["compare", "compare_resampled"]


def compare(report_a: EvaluationReport, report_b: EvaluationReport) -> Comparison:
    """Compare two models evaluated on the same rows.

    Each metric's difference has a paired bootstrap interval, from the same resamples for both models. McNemar's exact
    test uses the rows that only one of them predicts correctly.

    Args:
        report_a: Report of the first model by `SentimentFineTuner.evaluate` or `SentimentClassifier.evaluate`.
        report_b: Report of the second, on the same texts and labels in the same order.

    Raises:
        DataError: The arguments are not reports, refer to different rows, or have no rows.

    Source: McNemar, Note on the sampling error of the difference between correlated proportions (1947); Koehn,
    Statistical significance tests for machine translation evaluation (2004).

    Example:
        ```python
        other = SentimentClassifier.from_pretrained("imdb-sentiment-demo")
        print(compare(classifier.evaluate(texts, labels), other.evaluate(texts, labels)))
        ```
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
    first: Mapping[str, NDArray[np.float64]],
    second: Mapping[str, NDArray[np.float64]],
) -> Comparison:
    """Compare two models given their metrics on the same resamples; see `compare`."""
    from scipy.stats import binomtest

    a, b = report_a.require_rows(), report_b.require_rows()
    tail = (1 - LEVEL) / 2
    differences = {}
    for name in first:
        before, after = report_a.value_of(name), report_b.value_of(name)
        if name not in second or before is None or after is None:
            continue  # a metric of the user that one of them was not measured by
        low, high = np.quantile(second[name] - first[name], (tail, 1 - tail))
        if not np.isfinite((low, high)).all():
            continue  # undefined in some samples
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

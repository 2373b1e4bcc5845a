"""A report with all that can be said of the rows, and two reports compared."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_up import made_up_rows
from scipy.stats import binomtest

from imdb_sentiment import DataError, EvaluationReport
from imdb_sentiment.data.labelled import Labelled
from imdb_sentiment.evaluation.comparison import compare
from imdb_sentiment.evaluation.full_report import figures_of, full_report
from imdb_sentiment.results import METRICS, MeasuredRows

NAMES = ("ham", "spam")


def rows_of(rows: int = 400, *, apart: float = 1.2, seed: int = 1) -> MeasuredRows:
    positive, labels = made_up_rows(rows, np.random.default_rng(seed), apart=apart)
    words = (["dull", "flat"], ["warm", "funny"])
    return MeasuredRows(
        positive, labels, 0.5, [f"{words[label][i % 2]} film {i % 7}" for i, label in enumerate(labels)]
    )


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    measured = rows_of()
    train = Labelled(measured.texts[::3], measured.labels[::3].tolist())
    groups = {"half": ["first" if i < 200 else "second" for i in range(400)]}
    return full_report(measured, names=NAMES, seen=[i < 50 for i in range(400)], groups=groups, train=train)


def test_every_figure_lies_in_its_interval(report: EvaluationReport) -> None:
    assert report.intervals
    assert set(report.intervals) == set(METRICS)
    for name, (low, high) in report.intervals.items():
        assert low <= getattr(report, name) <= high, name
        assert high - low < 0.15, name


def test_baselines_are_fitted_on_the_training_rows_and_measured_on_these(report: EvaluationReport) -> None:
    majority, tfidf = report.baselines
    assert (majority.report.accuracy, majority.report.rows) == (0.5, 400)
    assert tfidf.report.accuracy == 1.0
    assert majority.verdict.startswith("accuracy better than majority label: +")
    assert tfidf.verdict.startswith("accuracy WORSE than TF-IDF + LR: -")


def test_a_report_reads_back_from_its_plain_form(report: EvaluationReport) -> None:
    plain = json.loads(json.dumps(report.to_dict()))
    read = EvaluationReport.from_dict(plain)
    assert read == report
    assert read.to_dict() == plain
    assert EvaluationReport.from_dict(figures_of(rows_of(), names=NAMES).to_dict()).intervals is None


def test_of_a_baseline_the_same_is_said_as_by_comparing_the_two_reports(report: EvaluationReport) -> None:
    for baseline in report.baselines:
        assert baseline.comparison == compare(baseline.report, report)


def test_rows_that_the_model_knows_are_measured_apart(report: EvaluationReport) -> None:
    assert report.seen_rows == 50
    assert report.unseen
    assert report.unseen.rows == 350
    assert report.unseen.intervals
    assert report.unseen.measured
    assert list(report.unseen.measured.texts) == list(rows_of().texts[50:])


def test_slices_are_those_of_the_groups(report: EvaluationReport) -> None:
    assert [(part.name, part.rows) for part in report.slices] == [("first", 200), ("second", 200)]


def test_what_is_not_known_is_left_out() -> None:
    report = full_report(rows_of(50), names=NAMES)
    assert (report.seen_rows, report.unseen, report.baselines, report.slices) == (None, None, (), ())
    assert full_report(rows_of(50), names=NAMES, seen=[True] * 50).unseen is None
    assert full_report(rows_of(50), names=NAMES, seen=[False] * 50).seen_rows == 0


def test_few_rows_without_a_mistake_are_not_taken_for_certainty() -> None:
    measured = MeasuredRows(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]), 0.5, list("abcd"))
    report = full_report(measured, names=NAMES)
    assert report.accuracy == 1
    assert report.intervals
    low, high = report.intervals["accuracy"]
    assert low < 0.8
    assert high == 1
    assert report.intervals["recall"].low < 0.7
    assert "roc_auc" not in report.intervals


def test_the_threshold_decides_who_is_called_positive() -> None:
    measured = rows_of()
    strict = full_report(measured._replace(threshold=0.9), names=NAMES)
    assert strict.threshold == 0.9
    assert strict.recall < full_report(measured, names=NAMES).recall
    assert strict.confusion_matrix[1][1] == int((measured.positive[measured.labels == 1] > 0.9).sum())


def test_a_report_without_its_rows_equals_itself_with_them(report: EvaluationReport) -> None:
    assert replace(report, measured=None) == report
    assert "measured" not in report.to_dict()


def test_two_models_are_compared_on_the_same_resamples() -> None:
    weak, strong = full_report(rows_of(), names=NAMES), full_report(rows_of(apart=2.0), names=NAMES)
    comparison = compare(weak, strong)
    accuracy = comparison.differences["accuracy"]
    assert accuracy.value == pytest.approx(strong.accuracy - weak.accuracy)
    assert accuracy.interval.low < accuracy.value < accuracy.interval.high
    assert weak.measured
    assert strong.measured
    one = int((weak.measured.correct & ~strong.measured.correct).sum())
    two = int((strong.measured.correct & ~weak.measured.correct).sum())
    assert (comparison.only_first_correct, comparison.only_second_correct) == (one, two)
    assert comparison.p_value == binomtest(one, one + two).pvalue
    assert (one - two) / 400 == pytest.approx(-accuracy.value)
    back = compare(strong, weak)
    assert back.differences["accuracy"].interval == pytest.approx((-accuracy.interval.high, -accuracy.interval.low))


def test_a_model_does_not_differ_from_itself() -> None:
    report = full_report(rows_of(100), names=NAMES)
    comparison = compare(report, report)
    assert comparison.p_value == 1
    assert set(comparison.differences["log_loss"].interval) == {0}
    assert str(comparison).startswith("no difference in accuracy beyond chance: +0.0 points")


def test_models_on_other_rows_are_not_compared(report: EvaluationReport) -> None:
    other = full_report(rows_of(100), names=NAMES)
    with pytest.raises(DataError, match="not of the same rows"):
        compare(report, other)
    with pytest.raises(DataError, match="not of the same rows"):
        compare(report, replace(report, labels=("bad", "good")))
    with pytest.raises(DataError, match="without the rows"):
        compare(report, replace(report, measured=None))

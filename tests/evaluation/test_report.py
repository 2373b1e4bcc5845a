"""Covers evaluation/comparison.py.

A report with all that can be said of the rows, and two reports compared.
"""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import made_up_rows
from scipy.stats import binomtest

from conftest import examples, make_reviews
from imdb_sentiment import DataError, EvaluationReport
from imdb_sentiment.data.labels import Labelled
from imdb_sentiment.evaluation.baseline import TFIDF, baseline_probabilities
from imdb_sentiment.evaluation.comparison import compare
from imdb_sentiment.evaluation.report import full_report, metrics_of
from imdb_sentiment.evaluation.thresholds import Goal, choose_threshold
from imdb_sentiment.results import BaselineReport, MeasuredRows
from imdb_sentiment.results.metrics import METRICS

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
    assert EvaluationReport.from_dict(metrics_of(rows_of(), names=NAMES).to_dict()).intervals is None


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


@pytest.mark.parametrize("other", ["model", None, {"accuracy": 1.0}])
def test_what_is_no_report_is_not_compared(report: EvaluationReport, other: Any) -> None:
    for pair in ((report, other), (other, report)):
        with pytest.raises(DataError, match="compare takes two reports"):
            compare(*pair)


def test_models_on_other_rows_are_not_compared(report: EvaluationReport) -> None:
    other = full_report(rows_of(100), names=NAMES)
    with pytest.raises(DataError, match="not of the same rows"):
        compare(report, other)
    with pytest.raises(DataError, match="not of the same rows"):
        compare(report, replace(report, labels=("bad", "good")))
    with pytest.raises(DataError, match="without the rows"):
        compare(report, replace(report, measured=None))


def with_noise(labels: list[int], every: int) -> list[int]:
    """Flip one label of so many, so that no model gets all of them right."""
    return [1 - label if i % every == 0 else label for i, label in enumerate(labels)]


TEXTS, LABELS = make_reviews(300)
NOISY = with_noise(LABELS, 5)
TRAIN, VALIDATION = Labelled(TEXTS[:120], NOISY[:120]), Labelled(TEXTS[120:180], NOISY[120:180])
TEST = Labelled(TEXTS[180:], NOISY[180:])
GOALS = st.one_of(
    st.just("max_f1"),
    st.builds("{}>={}".format, st.sampled_from(["precision", "recall"]), st.sampled_from([0.5, 0.8, 0.95, 0.999, 1.0])),
)


def model_with(goal: str | None, threshold: float = 0.5, *, reached: bool = True) -> MeasuredRows:
    """A model that knows the true label of the test rows better than their noisy one."""
    rng = np.random.default_rng(4)
    true = np.asarray(LABELS[180:])
    positive = 1 / (1 + np.exp(-(rng.normal(size=120) + 2.0 * (2 * true - 1))))
    labels = np.asarray(TEST.labels)
    return MeasuredRows(positive, labels, threshold, TEST.texts, goal=goal, goal_reached=reached)


def simpler_models(measured: MeasuredRows, validation: Labelled | None = VALIDATION) -> dict[str, BaselineReport]:
    report = full_report(measured, names=NAMES, train=TRAIN, validation=validation)
    return {baseline.name: baseline for baseline in report.baselines}


@pytest.mark.integration
@settings(max_examples=examples(10), deadline=None)
@given(goal=GOALS, threshold=st.floats(0.01, 0.99))
def test_a_baseline_serves_the_goal_of_the_model_by_the_same_validation_rows(goal: str, threshold: float) -> None:
    said = baseline_probabilities(TRAIN, VALIDATION.texts)
    models = simpler_models(model_with(goal, threshold))
    for model, positive in zip(models.values(), said.values(), strict=True):
        chosen = choose_threshold(Goal.of(goal), positive, VALIDATION.labels)
        assert (model.report.threshold, model.report.goal_reached) == chosen
        assert model.report.goal == goal
        assert model.comparison.thresholds == (goal, goal)
        assert ("not comparable" in model.verdict) != model.report.goal_reached
        assert "; ROC-AUC " in model.verdict


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
def test_a_threshold_that_was_given_is_that_of_the_baselines_too(threshold: float) -> None:
    for validation in (None, VALIDATION):
        model = simpler_models(model_with(None, threshold), validation)[TFIDF]
        assert (model.report.threshold, model.report.goal) == (threshold, None)
        assert model.verdict.startswith("accuracy ")
        assert (f", both at the threshold {threshold}; " in model.verdict) == (threshold != 0.5)


def test_without_validation_rows_labels_are_not_compared_and_scores_are() -> None:
    model = simpler_models(model_with("recall>=0.9", 0.2), None)[TFIDF]
    assert (model.report.threshold, model.report.goal) == (0.5, None)
    assert model.verdict.startswith(
        "accuracies are not comparable, as TF-IDF + LR is measured at the threshold 0.5 and this model at recall>=0.9; "
        "ROC-AUC "
    )
    assert "WORSE" not in model.verdict


@pytest.mark.parametrize("goal", ["recall>=0.9", "precision>=0.7", "max_f1"])
def test_a_model_that_orders_the_rows_better_is_not_called_worse(goal: str) -> None:
    held_out = model_with(None)
    chosen = choose_threshold(Goal.of(goal), held_out.positive, held_out.labels)
    model = simpler_models(model_with(goal, *chosen[:1], reached=chosen.reached))[TFIDF]
    assert model.comparison.differences["roc_auc"].interval.low > -0.02
    assert "WORSE" not in model.verdict


def test_a_goal_that_one_of_the_two_missed_decides_nothing_by_labels() -> None:
    goal = "precision>=0.6"
    for reached, who in ((True, None), (False, "only TF-IDF + LR")):
        verdict = simpler_models(model_with(goal, 0.9, reached=reached))[TFIDF].verdict
        assert ("not comparable" in verdict) == (who is not None)
        assert who is None or verdict.startswith(f"accuracies are not comparable, as {who} reached {goal} on ")
    constant = next(iter(simpler_models(model_with("precision>=1.0", 0.9, reached=False)).values()))
    assert not constant.report.goal_reached
    assert constant.verdict.startswith("accuracies are not comparable, as neither reached precision>=1.0 on ")


def test_the_majority_label_under_a_goal_is_called_what_it_is() -> None:
    train = Labelled(TRAIN.texts, [int(i % 6 == 0) for i in range(120)])
    for goal, name in (("recall>=0.9", "always spam"), (None, "majority label")):
        report = full_report(model_with(goal), names=NAMES, train=train, validation=VALIDATION)
        constant = report.baselines[0]
        assert constant.name == name
        assert constant.report.recall == (1 if goal else 0)


def test_two_models_of_different_goals_are_compared_by_their_scores() -> None:
    one = full_report(model_with("recall>=0.9", 0.2), names=NAMES)
    other = full_report(model_with("precision>=0.9", 0.8), names=NAMES)
    assert compare(one, other).verdict.startswith(
        "accuracies are not comparable, as the first is measured at recall>=0.9 and the second at precision>=0.9; "
        "no difference in ROC-AUC beyond chance: +0.000 "
    )
    assert compare(one, one).verdict.startswith("no difference in accuracy beyond chance")


def test_a_report_of_an_earlier_version_opens() -> None:
    report = full_report(model_with("recall>=0.9", 0.2), names=NAMES, train=TRAIN, validation=VALIDATION)
    plain = json.loads(json.dumps(report.to_dict()))
    assert EvaluationReport.from_dict(plain) == report
    for part in (plain, *(baseline["report"] for baseline in plain["baselines"])):
        for name in ("goal", "goal_reached"):
            del part[name]
    for baseline in plain["baselines"]:
        del baseline["train_rows"], baseline["comparison"]["thresholds"], baseline["comparison"]["goals_reached"]
    old = EvaluationReport.from_dict(plain)
    assert (old.goal, old.baselines[0].train_rows) == (None, None)
    assert old.baselines[1].verdict.startswith("accuracy ")


def test_of_few_rows_that_no_resample_changes_nothing_is_claimed() -> None:
    train = Labelled(["bad", "good", "bad film", "good film"], [0, 1, 0, 1])
    for rows, word in ((4, "NOT better"), (40, "better")):
        labels = np.arange(rows) % 2
        measured = MeasuredRows(np.where(labels == 1, 0.9, 0.1), labels, 0.5, [f"row {i}" for i in range(rows)])
        constant = full_report(measured, names=NAMES, train=train).baselines[0]
        assert f"; ROC-AUC {word}: +0.500 (+0.500 to +0.500)" in constant.verdict


def test_where_a_label_is_absent_the_log_loss_speaks_for_the_scores() -> None:
    measured = MeasuredRows(
        np.linspace(0.6, 0.9, 30), np.ones(30, dtype=np.int64), 0.5, [f"row {i}" for i in range(30)]
    )
    constant = full_report(measured, names=NAMES, train=TRAIN).baselines[0]
    assert "; log loss better: -0." in constant.verdict

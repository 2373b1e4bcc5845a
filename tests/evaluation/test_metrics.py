"""The numbers of a report, by hand, against scikit-learn, and at the edges."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn import metrics

from conftest import examples
from imdb_sentiment import EvaluationReport
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.inference.scorer import softmax

NAMES = ("ham", "spam")
LOGITS = hnp.arrays(np.float64, st.tuples(st.integers(0, 20), st.just(2)), elements=st.floats(-1e6, 1e6))
# (probability of the positive label, true label) for each row
ROWS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=40)


def report_on(positive: list[float], labels: list[int]) -> EvaluationReport:
    return measure([[1 - p, p] for p in positive], labels, names=NAMES)


def test_a_report_worked_out_by_hand() -> None:
    report = report_on([0.9, 0.8, 0.6, 0.4, 0.2, 0.1], [1, 1, 0, 1, 0, 0])
    assert report.confusion_matrix == ((2, 1), (1, 2))
    assert (report.rows, report.labels) == (6, NAMES)
    assert report.accuracy == report.precision == report.recall == pytest.approx(2 / 3)
    assert report.f1 == pytest.approx(2 / 3)
    assert report.roc_auc == pytest.approx(8 / 9)  # of 9 pairs, only (0.4, 0.6) is in the wrong order
    assert report.average_precision == pytest.approx((1 / 1 + 2 / 2 + 3 / 4) / 3)  # precision at each positive row
    by_hand = -sum(math.log(p) for p in (0.9, 0.8, 0.4, 0.4, 0.8, 0.9)) / 6
    assert report.log_loss == pytest.approx(by_hand)


def test_precision_and_recall_are_those_of_the_positive_label() -> None:
    report = report_on([0.9, 0.9, 0.9, 0.1], [1, 0, 0, 0])
    assert report.precision == pytest.approx(1 / 3)
    assert report.recall == 1


def test_a_rare_label_by_hand() -> None:
    report = report_on([0.9, 0.1, *[0.2] * 7, 0.8], [1, 1, *[0] * 8])
    assert report.confusion_matrix == ((7, 1), (1, 1))
    assert report.accuracy == 0.8
    assert report.balanced_accuracy == pytest.approx((7 / 8 + 1 / 2) / 2)
    assert report.matthews_correlation == pytest.approx((1 * 7 - 1 * 1) / math.sqrt(2 * 2 * 8 * 8))


def test_a_model_that_never_says_the_rare_label() -> None:
    report = report_on([0.1] * 100, [1, *[0] * 99])
    assert report.accuracy == 0.99
    assert (report.balanced_accuracy, report.matthews_correlation) == (0.5, 0)
    assert report.average_precision == pytest.approx(0.01)


@settings(deadline=None, max_examples=examples(100))
@given(rows=ROWS)
def test_the_report_is_what_scikit_learn_says(rows: list[tuple[float, int]]) -> None:
    positive, labels = [p for p, _ in rows], [label for _, label in rows]
    report = report_on(positive, labels)
    called = [int(p > 1 - p) for p in positive]
    assert report.accuracy == metrics.accuracy_score(labels, called)
    assert report.precision == metrics.precision_score(labels, called, zero_division=0)
    assert report.recall == metrics.recall_score(labels, called, zero_division=0)
    assert report.f1 == metrics.f1_score(labels, called, zero_division=0)
    assert np.array_equal(report.confusion_matrix, metrics.confusion_matrix(labels, called, labels=[0, 1]))
    if len(set(labels)) == 2:
        assert report.roc_auc == pytest.approx(metrics.roc_auc_score(labels, positive))
        assert report.average_precision == pytest.approx(metrics.average_precision_score(labels, positive))
        assert report.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(labels, called))
        assert report.matthews_correlation == pytest.approx(metrics.matthews_corrcoef(labels, called))
    else:
        assert report.roc_auc is report.average_precision is None
        assert report.balanced_accuracy == report.accuracy
        assert report.matthews_correlation == 0
    assert 0 <= report.log_loss < 40
    assert sum(map(sum, report.confusion_matrix)) == report.rows == len(rows)


@pytest.mark.integration
@settings(deadline=None, max_examples=examples(50))
@given(rows=ROWS, data=st.data())
def test_the_order_of_the_rows_does_not_matter(rows: list[tuple[float, int]], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))
    first, second = (report_on([p for p, _ in some], [label for _, label in some]) for some in (rows, shuffled))
    assert first.confusion_matrix == second.confusion_matrix
    assert first.log_loss == pytest.approx(second.log_loss)
    assert first.roc_auc == pytest.approx(second.roc_auc)


@settings(deadline=None, max_examples=examples(50))
@given(rows=ROWS)
def test_which_label_is_called_positive_does_not_matter_to_two_metrics(rows: list[tuple[float, int]]) -> None:
    rows = [(p, label) for p, label in rows if p != 1 - p] or [(0.9, 1)]  # a tie is called negative
    one = report_on([p for p, _ in rows], [label for _, label in rows])
    other = report_on([1 - p for p, _ in rows], [1 - label for _, label in rows])
    assert one.confusion_matrix == tuple(row[::-1] for row in other.confusion_matrix[::-1])
    assert one.matthews_correlation == pytest.approx(other.matthews_correlation)
    assert one.balanced_accuracy == pytest.approx(other.balanced_accuracy)


@settings(deadline=None)
@given(logits=LOGITS, shift=st.floats(-1e3, 1e3))
def test_softmax_gives_probabilities_that_a_shift_does_not_change(logits: NDArray[np.float64], shift: float) -> None:
    probabilities = softmax(logits)
    assert probabilities.shape == logits.shape
    assert probabilities.dtype == np.float64
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(softmax(logits + shift), probabilities, atol=1e-6)
    winners = logits[:, 1] > logits[:, 0]
    assert (probabilities[winners, 1] >= 0.5).all()


def test_softmax_by_hand_and_in_double_precision() -> None:
    np.testing.assert_allclose(softmax([[0, math.log(3)]]), [[0.25, 0.75]])
    assert softmax(np.array([[0, 30]], dtype=np.float32))[0, 0] == pytest.approx(math.exp(-30), rel=1e-9)


@pytest.mark.parametrize(("positive", "matrix"), [(0.1, ((2, 0), (2, 0))), (0.9, ((0, 2), (0, 2)))])
def test_one_class_predicted(positive: float, matrix: object) -> None:
    report = report_on([positive] * 4, [0, 1, 0, 1])  # a warning would fail the test
    assert report.confusion_matrix == matrix
    assert report.roc_auc == report.average_precision == report.balanced_accuracy == 0.5
    assert report.matthews_correlation == 0
    if positive < 0.5:
        assert report.precision == report.recall == report.f1 == 0


@settings(deadline=None, max_examples=examples(100))
@given(rows=ROWS)
def test_what_scikit_learn_calls_undefined_is_a_dash_in_the_table(rows: list[tuple[float, int]]) -> None:
    positive, labels = [p for p, _ in rows], [label for _, label in rows]
    report = report_on(positive, labels)
    predicted = [int(p > 0.5) for p in positive]
    cells = dict(report.metric_rows()[1:])
    functions = {
        "precision of spam": metrics.precision_score,
        "recall of spam": metrics.recall_score,
        "F1": metrics.f1_score,
    }
    for name, function in functions.items():
        value = function(labels, predicted, zero_division=np.nan)
        assert cells[name] == ("\N{EN DASH}" if math.isnan(value) else f"{value:.4f}")


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_among_the_labels(label: int) -> None:
    report = report_on([0.2, 0.7], [label, label])
    assert report.roc_auc is report.average_precision is None
    assert report.accuracy == report.balanced_accuracy == 0.5
    assert report.matthews_correlation == 0
    assert math.isfinite(report.log_loss)
    assert report.recall == (0.5 if label else 0)


def test_certainty_that_is_wrong_costs_much_but_not_infinitely() -> None:
    assert 30 < report_on([0.0, 1.0], [1, 0]).log_loss < 40
    assert report_on([0.0, 1.0], [0, 1]).log_loss == pytest.approx(0, abs=1e-12)


def test_a_tie_is_called_negative() -> None:
    assert report_on([0.5], [1]).confusion_matrix == ((0, 0), (1, 0))


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        ([0.1, 0.9], [0, 1], "shape"),
        ([[0.1, 0.9]], [0, 1], "shape"),
        ([[0.1, 0.2, 0.7]], [0], "shape"),
        ([[0.1, 0.9]], [[1]], "shape"),
        (np.zeros((0, 2)), [], "shape"),
        ([[0.1, 0.9]], [2], "labels other than"),
        ([[0.1, 0.9]], [-1], "labels other than"),
        ([[0.1, 0.8]], [1], "add up to 1"),
        ([[-0.1, 1.1]], [1], "not negative"),
        ([[float("nan"), 0.5]], [1], "finite"),
    ],
)
def test_what_is_no_probability_or_no_label(probabilities: Any, labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure(probabilities, labels, names=NAMES)


def test_plain_numbers_come_out() -> None:
    report = measure(np.array([[0.4, 0.6]], dtype=np.float32), np.array([True]), names=NAMES)
    names = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "matthews_correlation", "log_loss")
    kinds = {type(getattr(report, name)) for name in names}
    assert kinds == {float}
    assert {type(count) for row in report.confusion_matrix for count in row} == {int}

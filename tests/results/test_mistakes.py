"""The surest mistakes: which they are, and by which number their rows are found again. Covers results/measured.py."""

import numpy as np

from imdb_sentiment.evaluation.report import full_report
from imdb_sentiment.results import MeasuredRows

POSITIVE = np.array([0.9, 0.2, 0.8, 0.6, 0.1, 0.99])
LABELS = np.array([1, 1, 0, 0, 0, 1])
TEXTS = ["first", "second", "third", "fourth", "fifth", "sixth"]


def test_the_surest_mistake_comes_first() -> None:
    report = full_report(MeasuredRows(POSITIVE, LABELS, 0.5, TEXTS), names=("no", "yes"))
    found = [(mistake.row, mistake.text, mistake.true, mistake.predicted) for mistake in report.confident_errors()]
    assert found[2] == (4, "fourth", "no", "yes")
    assert sorted(found[:2]) == [(2, "second", "yes", "no"), (3, "third", "no", "yes")]
    assert [mistake.row for mistake in report.confident_errors(count=1)] == [found[0][0]]


def test_a_row_keeps_its_number_where_others_are_left_out() -> None:
    seen = [True, False, True, False, False, False]
    report = full_report(MeasuredRows(POSITIVE, LABELS, 0.5, TEXTS), names=("no", "yes"), seen=seen)
    assert report.unseen is not None
    assert [(mistake.row, mistake.text) for mistake in report.unseen.confident_errors()] == [
        (2, "second"),
        (4, "fourth"),
    ]
    rows = report.unseen.require_rows().where([False, True, True, True])
    assert [rows.number(place) for place in range(3)] == [4, 5, 6]


def test_errors_of_both_labels_are_shown_where_one_kind_is_the_more_confident() -> None:
    positive = np.array([0.99, 0.98, 0.97, 0.96, 0.45, 0.4])
    labels = np.array([0, 0, 0, 0, 1, 1])
    report = full_report(MeasuredRows(positive, labels, 0.5, TEXTS), names=("no", "yes"))

    def rows(count: int) -> list[int]:
        return [error.row for error in report.confident_errors(count=count)]

    assert [rows(count) for count in range(4)] == [[], [1], [1, 6], [1, 2, 6]]
    assert [rows(count) for count in (4, 5, 6, 9)] == [
        [1, 2, 6, 5],
        [1, 2, 3, 6, 5],
        [1, 2, 3, 4, 6, 5],
        [1, 2, 3, 4, 6, 5],
    ]
    one_kind = full_report(MeasuredRows(positive[:4], labels[:4], 0.5, TEXTS[:4]), names=("no", "yes"))
    assert [error.row for error in one_kind.confident_errors(count=3)] == [1, 2, 3]


def test_breaks_of_html_are_breaks() -> None:
    rows = MeasuredRows(np.array([0.9]), np.array([0]), 0.5, ["Dull.<br /><br>Slow.<BR/>Long."])
    assert full_report(rows, names=("no", "yes")).confident_errors()[0].text == "Dull.\n\nSlow.\nLong."

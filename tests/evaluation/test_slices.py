"""Rows divided by what is known of them. Covers inference/measured_rows.py."""

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from imdb_sentiment.evaluation.slices import confidence_groups, length_groups, measure_slices
from imdb_sentiment.results import MeasuredRows


def rows_of(positive: ArrayLike, labels: ArrayLike) -> MeasuredRows:
    return MeasuredRows(np.asarray(positive, dtype=np.float64), np.asarray(labels, dtype=np.int64))


def rows_with(correct: ArrayLike) -> MeasuredRows:
    """Make positive rows of which those are called so that are to be correct."""
    right = np.asarray(correct, dtype=bool)
    return rows_of(np.where(right, 0.9, 0.1), np.ones(len(right)))


def test_a_slice_is_measured_by_its_own_rows() -> None:
    rows = rows_of([0.9, 0.8, 0.7, 0.4, 0.1, 0.4], [1, 1, 0, 0, 1, 1])
    first, second = measure_slices({"source": ["a", "a", "a", "b", "b", "b"]}, rows)
    assert (first.grouping, first.name, first.rows) == ("source", "a", 3)
    assert (first.accuracy, first.precision, first.recall, first.f1) == pytest.approx((2 / 3, 2 / 3, 1, 0.8))
    assert first.positive_share == pytest.approx(2 / 3)
    assert first.mean_confidence == pytest.approx(0.8)
    wilson = binomtest(2, 3).proportion_ci(0.95, method="wilson")
    assert first.intervals["accuracy"] == first.intervals["precision"] == pytest.approx((wilson.low, wilson.high))
    assert (second.accuracy, second.precision, second.recall, second.f1) == pytest.approx((1 / 3, 0, 0, 0))
    assert set(second.intervals) == {"accuracy", "recall", "f1"}
    assert second.mean_confidence == pytest.approx((0.6 + 0.9 + 0.6) / 3)


def test_a_slice_without_a_positive_row_has_no_recall() -> None:
    (part,) = measure_slices({"source": ["a", "a"]}, rows_of([0.1, 0.2], [0, 0]))
    assert (part.accuracy, part.recall, part.f1) == (1, 0, 0)
    assert set(part.intervals) == {"accuracy"}


@pytest.mark.simulation
def test_in_nineteen_of_twenty_slices_the_interval_of_f1_holds_the_true_one() -> None:
    rng = np.random.default_rng(1)
    recall, false_positives, share = 0.8, 0.1, 0.4
    true = 2 * share * recall / (share * recall + (1 - share) * false_positives + share)
    labels = rng.random(60 * 1000) < share
    called = rng.random(60 * 1000) < np.where(labels, recall, false_positives)
    slices = measure_slices({"part": np.repeat([str(i) for i in range(1000)], 60).tolist()}, rows_of(called, labels))
    held = np.mean([low <= true <= high for low, high in (part.intervals["f1"] for part in slices)])
    assert 0.935 <= held <= 0.965


def test_a_slice_that_is_worse_is_told_from_chance() -> None:
    rng = np.random.default_rng(1)
    names = rng.integers(0, 10, 5000)
    correct = rng.random(5000) < np.where(names == 3, 0.75, 0.9)
    slices = measure_slices({"topic": [f"topic {name}" for name in names]}, rows_with(correct))
    assert [part.name for part in slices] == [f"topic {number}" for number in range(10)]
    first, second = sorted(slices, key=lambda part: part.p_value)[:2]
    assert first.name == "topic 3"
    assert first.p_value < 1e-6 < second.p_value
    assert first.beyond_chance


@pytest.mark.simulation
def test_of_many_slices_alike_hardly_any_is_called_different() -> None:
    called = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        correct = rng.random(600) < 0.9
        slices = measure_slices({"topic": [str(name) for name in rng.integers(0, 20, 600)]}, rows_with(correct))
        called += any(part.beyond_chance for part in slices)
    assert called <= 6  # one in twenty, and the test is exact, so fewer


def test_one_slice_of_all_rows_is_not_compared() -> None:
    (part,) = measure_slices({"length": ["cut"] * 4}, rows_with([True] * 4))
    assert part.p_value == 1


def test_no_grouping_gives_no_slice() -> None:
    assert measure_slices({}, rows_with([True])) == ()


def test_lengths_are_quarters_of_what_was_read_whole() -> None:
    tokens = [*range(10, 50), 64, 64]
    names = length_groups(tokens, [False] * 40 + [True] * 2)
    assert names[-2:] == ["cut", "cut"]
    assert list(dict.fromkeys(names)) == ["10-20 tokens", "21-30 tokens", "31-40 tokens", "41-49 tokens", "cut"]


@pytest.mark.parametrize(
    ("tokens", "truncated", "names"),
    [([7, 7, 7], [False] * 3, ["7 tokens"] * 3), ([9, 9], [True] * 2, ["cut"] * 2)],
)
def test_lengths_that_do_not_differ_are_one_slice(tokens: list[int], truncated: list[bool], names: list[str]) -> None:
    assert length_groups(tokens, truncated) == names


def test_confidence_is_by_tenths() -> None:
    assert confidence_groups([0.5, 0.59, 0.95, 1.0]) == ["0.5-0.6", "0.5-0.6", "0.9-1.0", "0.9-1.0"]


def test_slices_stand_in_the_order_of_their_numbers() -> None:
    groups = {"length": ["cut", "129-256 tokens", "9-32 tokens", "33-128 tokens"]}
    slices = measure_slices(groups, rows_with([True] * 4))
    assert [part.name for part in slices] == ["9-32 tokens", "33-128 tokens", "129-256 tokens", "cut"]

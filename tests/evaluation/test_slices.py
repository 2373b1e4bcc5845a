"""Rows divided by what is known of them."""

import numpy as np
import pytest
from scipy.stats import binomtest

from imdb_sentiment.evaluation.slices import confidence_groups, length_groups, measure_slices


def test_a_slice_is_measured_by_its_own_rows() -> None:
    correct = [True, True, False, True, False, False]
    groups = {"source": ["a", "a", "a", "b", "b", "b"]}
    first, second = measure_slices(groups, correct, [1, 1, 0, 0, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.9, 0.6])
    assert (first.grouping, first.name, first.rows) == ("source", "a", 3)
    assert first.accuracy == pytest.approx(2 / 3)
    assert first.positive_share == pytest.approx(2 / 3)
    assert first.mean_confidence == pytest.approx(0.8)
    wilson = binomtest(2, 3).proportion_ci(0.95, method="wilson")
    assert first.accuracy_interval == pytest.approx((wilson.low, wilson.high))
    assert second.accuracy == pytest.approx(1 / 3)


def test_a_slice_that_is_worse_is_told_from_chance() -> None:
    rng = np.random.default_rng(1)
    names = rng.integers(0, 10, 5000)
    correct = rng.random(5000) < np.where(names == 3, 0.75, 0.9)
    slices = measure_slices({"topic": [f"topic {name}" for name in names]}, correct, correct, correct)
    assert [part.name for part in slices] == [f"topic {number}" for number in range(10)]
    first, second = sorted(slices, key=lambda part: part.p_value)[:2]
    assert first.name == "topic 3"
    assert first.p_value < 1e-6 < second.p_value


def test_of_many_slices_alike_hardly_any_is_called_different() -> None:
    called = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        correct = rng.random(600) < 0.9
        slices = measure_slices({"topic": [str(name) for name in rng.integers(0, 20, 600)]}, correct, correct, correct)
        called += any(part.p_value < 0.05 for part in slices)
    assert called <= 6  # one in twenty, and the test is exact, so fewer


def test_one_slice_of_all_rows_is_not_compared() -> None:
    (part,) = measure_slices({"length": ["cut"] * 4}, [True] * 4, [1] * 4, [0.9] * 4)
    assert part.p_value == 1


def test_no_grouping_gives_no_slice() -> None:
    assert measure_slices({}, [True], [1], [0.9]) == ()


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
    slices = measure_slices(groups, [True] * 4, [1] * 4, [0.9] * 4)
    assert [part.name for part in slices] == ["9-32 tokens", "33-128 tokens", "129-256 tokens", "cut"]

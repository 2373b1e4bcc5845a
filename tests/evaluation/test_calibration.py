"""Expected calibration error, its interval, and the bins of a reliability diagram."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import made_up_rows

from imdb_sentiment.evaluation.calibration import (
    calibration_error_interval,
    equal_mass_starts,
    expected_calibration_error,
    reliability,
)


def test_the_error_is_the_mean_gap_of_the_bins() -> None:
    probabilities = [0.1, 0.2, 0.6, 0.8] * 5
    labels = [0, 1, 1, 1] * 5
    # bins (0.1, 0.2) and (0.6, 0.8): gaps 0.35 and 0.3
    assert expected_calibration_error(probabilities, labels, bins=2) == pytest.approx((0.35 + 0.3) / 2)
    assert expected_calibration_error(probabilities, labels, bins=1) == pytest.approx(0.75 - 0.425)
    assert expected_calibration_error([0.0, 1.0], [0, 1]) == 0
    assert expected_calibration_error([0.0, 0.5], [0, 0]) == 0.25  # too few rows for two bins


def test_the_order_of_rows_and_ties_change_nothing() -> None:
    rng = np.random.default_rng(3)
    probabilities, labels = np.round(rng.random(300), 1), rng.integers(0, 2, 300)
    expected = expected_calibration_error(probabilities, labels)
    for _ in range(5):
        order = rng.permutation(300)
        assert expected_calibration_error(probabilities[order], labels[order]) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=80), st.integers(1, 20))
def test_bins_hold_about_as_many_rows_each_and_divide_no_ties(values: list[float], bins: int) -> None:
    ordered = np.sort(np.array(values))
    starts = equal_mass_starts(ordered, bins=bins)
    assert starts[0] == 0
    assert len(starts) <= bins
    assert (np.diff(starts) > 0).all()
    assert all(ordered[start - 1] < ordered[start] for start in starts[1:])
    rows = np.diff(starts, append=len(values))
    if len(set(values)) == len(values):
        assert rows.max() - rows.min() <= 1
        assert rows.min() >= min(10, len(values))


def test_a_reliability_diagram_has_the_error_as_its_mean_gap() -> None:
    probabilities, labels = made_up_rows(500, np.random.default_rng(1), sure=2)
    bins = reliability(probabilities, labels)
    assert bins.rows.sum() == 500
    assert len(bins.rows) == 15
    gap = (np.abs(bins.probability - bins.share) * bins.rows).sum() / 500
    assert gap == pytest.approx(expected_calibration_error(probabilities, labels))
    assert (bins.share * bins.rows).sum() == pytest.approx(labels.sum())


@pytest.mark.simulation
@pytest.mark.parametrize(("rows", "share", "sure"), [(500, 0.5, 1.0), (1000, 0.5, 2.5), (300, 0.2, 1.6)])
def test_the_interval_holds_the_true_error_as_often_as_it_says(rows: int, share: float, sure: float) -> None:
    rng = np.random.default_rng(5)
    many, true = made_up_rows(400_000, rng, share=share, sure=sure)
    order = np.argsort(many)
    many, gaps = many[order], np.cumsum(np.concatenate([[0], (many - true)[order]]))
    held = []
    for seed in range(800):
        probabilities, labels = made_up_rows(rows, rng, share=share, sure=sure)
        ordered = np.sort(probabilities)
        cuts = np.searchsorted(many, ordered[equal_mass_starts(ordered)[1:]])
        error = np.abs(np.diff(gaps[[0, *cuts, len(many)]])).sum() / len(many)
        low, high = calibration_error_interval(probabilities, labels, level=0.95, seed=seed)
        held.append(low <= error <= high)
    assert 0.93 <= np.mean(held) <= 0.97  # 800 tries: a standard error of 0.008


def test_an_error_that_chance_explains_has_an_interval_from_0() -> None:
    probabilities, labels = made_up_rows(1000, np.random.default_rng(2))
    low, high = calibration_error_interval(probabilities, labels, level=0.95, seed=0)
    assert low == 0
    assert high >= expected_calibration_error(probabilities, labels)
    probabilities, labels = made_up_rows(1000, np.random.default_rng(2), sure=4)
    assert calibration_error_interval(probabilities, labels, level=0.95, seed=0)[0] > 0.03


def test_rows_of_one_probability_have_an_interval() -> None:
    assert calibration_error_interval([0.5] * 4, [0, 1, 0, 1], level=0.95, seed=0)[0] == 0
    assert calibration_error_interval([1.0] * 4, [1] * 4, level=0.95, seed=0) == (0, 0)
    low, high = calibration_error_interval([0.9], [1], level=0.95, seed=0)
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize(
    ("probabilities", "labels"), [([], []), ([0.5], [0, 1]), ([1.5], [1]), ([-0.1], [0]), ([float("nan")], [0])]
)
def test_what_is_no_probability_is_refused(probabilities: list[float], labels: list[int]) -> None:
    with pytest.raises(ValueError, match=r"expected, got|outside"):
        expected_calibration_error(probabilities, labels)

"""Nothing that is chosen by a row's own fold goes into what is measured on the row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_sentiment.evaluation.calibration import OVERCONFIDENT, calibrated_log_loss, cross_fitted, fit_temperature

ROWS, FOLDS = 60, 5
FOLD_OF = np.arange(ROWS) % FOLDS


def candidates(number: int, *, signal: float = 0.0, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """Return logits of several methods, which know as much of the labels as `signal` says, and the labels."""
    drawn = np.random.default_rng(seed)
    labels = drawn.permutation(np.arange(ROWS) // FOLDS % 2)
    signs = 2 * labels - 1
    odds = [signal * signs + drawn.normal(size=ROWS) for _ in range(number)]
    return [np.column_stack((-values, values)) for values in odds], labels


@given(number=st.integers(1, 4), fold=st.integers(0, FOLDS - 1), seed=st.integers(0, 1000))
def test_a_rows_own_fold_chooses_nothing_for_it(number: int, fold: int, seed: int) -> None:
    tried, labels = candidates(number, signal=0.5, seed=seed)
    flipped = np.where(fold == FOLD_OF, 1 - labels, labels)
    inside = fold == FOLD_OF
    assert np.array_equal(cross_fitted(tried, labels, FOLD_OF)[inside], cross_fitted(tried, flipped, FOLD_OF)[inside])


def test_one_candidate_is_divided_by_the_temperature_of_the_other_folds() -> None:
    (logits,), labels = candidates(1, signal=1.0)
    expected = logits.copy()
    for fold in range(FOLDS):
        expected[fold == FOLD_OF] /= fit_temperature(logits[fold != FOLD_OF], labels[fold != FOLD_OF], OVERCONFIDENT)
    assert cross_fitted([logits], labels, FOLD_OF) == pytest.approx(expected)


def test_the_best_of_many_that_know_nothing_is_not_measured_as_better_than_chance() -> None:
    """The lowest log loss of 20 methods that guess is below chance; over many draws the cross-fitted one is not."""
    lowest, honest = [], []
    for seed in range(40):
        tried, labels = candidates(20, seed=seed)
        lowest.append(min(calibrated_log_loss(logits, labels) for logits in tried))
        margins = np.where(labels == 1, 1, -1) * np.diff(cross_fitted(tried, labels, FOLD_OF))[:, 0]
        honest.append(np.logaddexp(0, -margins).mean())
    assert np.mean(lowest) < np.log(2) - 0.01
    assert np.mean(honest) > np.log(2)


def test_the_better_of_two_is_taken() -> None:
    strong, labels = candidates(1, signal=3.0)
    weak, _ = candidates(1, signal=0.1, seed=1)
    assert np.array_equal(cross_fitted([*weak, *strong], labels, FOLD_OF), cross_fitted(strong, labels, FOLD_OF))

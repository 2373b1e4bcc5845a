"""A test of two samples holds its level and finds what differs."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from imdb_sentiment.evaluation import two_sample
from imdb_sentiment.evaluation.two_sample import classifier_test


def rows(random: np.random.Generator, shares: NDArray[np.float64], count: int) -> NDArray[np.float32]:
    return (random.random((count, len(shares))) < shares).astype(np.float32)


def level_of(repetitions: int, first: int, second: int) -> float:
    """Return how often two samples of one kind have a p-value of 10 % or less."""
    random = np.random.default_rng(0)
    shares = 1 / np.arange(2, 202)  # a few words are in most texts, most in few
    is_second = np.arange(first + second) >= first
    found = 0
    for seed in range(repetitions):
        words = csr_array(rows(random, shares, first + second))
        found += classifier_test(words, is_second, seed=seed, permutations=19).p_value <= 0.1
    return found / repetitions


def test_the_level_is_held() -> None:
    assert level_of(60, 60, 30) <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 60)


@pytest.mark.simulation
@pytest.mark.parametrize(("first", "second"), [(100, 100), (200, 50), (30, 120)])
def test_the_level_is_held_in_many_repetitions(first: int, second: int) -> None:
    assert level_of(1500, first, second) == pytest.approx(0.1, abs=3 * np.sqrt(0.1 * 0.9 / 1500))


def test_a_change_is_found_the_larger_the_surer() -> None:
    random = np.random.default_rng(1)
    shares = np.full(100, 0.1)
    changed = np.where(np.arange(100) < 5, 0.4, shares)
    is_second = np.arange(300) >= 200
    words = csr_array(np.concatenate([rows(random, shares, 200), rows(random, changed, 100)]))
    found = classifier_test(words, is_second)
    assert found.p_value == 0.001
    assert found.roc_auc > 0.7
    assert found == classifier_test(words, is_second)


def test_predictions_are_those_of_regressions_without_the_fold() -> None:
    random = np.random.default_rng(2)
    words = rows(random, np.full(40, 0.2), 50)
    words[7] = 0  # a text without words
    second = random.random(50) < 0.4
    folds = np.arange(50) % 5
    similarities = two_sample._similarities(csr_array(words))
    frequencies = words.sum(axis=0)
    tfidf = words * (np.log(51 / (1 + frequencies)) + 1)
    tfidf /= np.maximum(np.linalg.norm(tfidf, axis=1, keepdims=True), 1e-9)
    assert similarities == pytest.approx(tfidf @ tfidf.T, abs=1e-5)
    targets = np.where(second, 1 / second.sum(), -1 / (~second).sum()) * 50
    predicted = np.empty(50)
    for fold in range(5):
        model = Ridge(alpha=1, fit_intercept=False).fit(tfidf[folds != fold], targets[folds != fold])
        predicted[folds == fold] = model.predict(tfidf[folds == fold])
    area = two_sample._CrossFitted(similarities, folds).roc_auc(second[:, None])
    assert area[0] == pytest.approx(roc_auc_score(second, predicted), abs=1e-3)


def test_rows_without_any_words_cannot_be_told_apart() -> None:
    found = classifier_test(csr_array(np.zeros((60, 10), dtype=np.float32)), np.arange(60) >= 30)
    assert found.p_value > 0.5

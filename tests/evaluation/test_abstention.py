"""Abstention with a guarantee, and prediction sets. Also covers results/abstention.py."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import logit

from imdb_sentiment import ConfigError
from imdb_sentiment.evaluation.abstention import Promise, choose_abstention, set_threshold, upper_bound
from imdb_sentiment.evaluation.calibration import fit_temperature
from imdb_sentiment.inference.scorer import softmax


def draw(rows: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Draw calibrated probabilities of the positive label, and labels."""
    odds, labels = draw_odds(rows, seed)
    return 1 / (1 + np.exp(-odds)), labels


def draw_odds(rows: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 6, rows)
    return odds, (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)


@pytest.mark.simulation
@pytest.mark.parametrize("text", ["error<=0.02", "error<=0.05", "precision>=0.95"])
@pytest.mark.parametrize("rows", [400, 1000])
def test_the_promise_holds_in_19_of_20_draws(text: str, rows: int) -> None:
    """Of an overconfident model, whose temperature is fitted to the same rows."""
    promise, kept, made = Promise.of(text), 0, 0
    odds, labels = draw_odds(2_000_000, 99)
    concerned = odds > 0 if promise.metric == "precision" else np.ones(len(odds), dtype=bool)
    odds, labels = odds[concerned], labels[concerned]
    order = np.argsort(-np.abs(odds))
    certain, errors = np.abs(odds)[order], np.cumsum(((odds > 0) != (labels == 1))[order])
    for seed in range(1000):
        odds, labels = draw_odds(rows, seed)
        logits = np.column_stack((-1.5 * odds, 1.5 * odds))
        temperature = fit_temperature(logits, labels.tolist())
        try:
            chosen = choose_abstention(promise, softmax(logits / temperature)[:, 1], labels, threshold=0.5)
        except ConfigError:
            kept += 1  # nothing was promised
            continue
        lowest = logit(chosen.probability) * temperature / 3 if chosen.probability else 0.0
        answered = int(np.searchsorted(-certain, -lowest))
        made += 1
        kept += errors[answered - 1] / answered <= promise.error
    assert made > 100
    assert kept >= 950


@pytest.mark.simulation
def test_prediction_sets_hold_the_true_label_as_often_as_promised() -> None:
    hits = 0
    for seed in range(4000):
        positive, labels = draw(101, seed)
        threshold = set_threshold(0.9, positive[1:], labels[1:])
        hits += (positive[0] if labels[0] == 1 else 1 - positive[0]) >= threshold
    assert 0.885 < hits / 4000 < 0.92


def test_the_lowest_threshold_that_keeps_the_promise_is_chosen() -> None:
    positive = np.concatenate([np.full(200, 0.95), np.full(200, 0.65)])
    labels = np.concatenate([np.ones(200, dtype=int), np.ones(160, dtype=int), np.zeros(40, dtype=int)])
    chosen = choose_abstention(Promise.of("error<=0.02"), positive, labels, threshold=0.5)
    assert chosen.probability == 0.66
    assert (chosen.answered_rows, chosen.errors, chosen.coverage) == (200, 0, 0.5)
    assert chosen.error_bound == pytest.approx(1 - 0.05 ** (1 / 200))
    assert str(chosen) == (
        "error<=0.02 with 95% confidence: abstains below 0.66, answers 50.0% (0 errors in 200 held-out rows)"
    )


def test_nothing_is_abstained_by_a_model_that_makes_no_errors() -> None:
    positive = np.linspace(0.501, 0.999, 300)
    chosen = choose_abstention(Promise.of("error<=.01"), positive, np.ones(300, dtype=int), threshold=0.5)
    assert (chosen.probability, chosen.coverage) == (0.0, 1.0)


def test_precision_concerns_the_positive_label_only() -> None:
    positive = np.concatenate([np.full(100, 0.9), np.full(100, 0.1)])
    labels = np.concatenate([np.ones(100, dtype=int), np.ones(30, dtype=int), np.zeros(70, dtype=int)])
    chosen = choose_abstention(Promise.of("precision>=0.95"), positive, labels, threshold=0.5)
    assert (chosen.promise, chosen.answered_rows, chosen.errors, chosen.coverage) == ("precision>=0.95", 100, 0, 1.0)
    with pytest.raises(ConfigError, match="cannot be promised"):
        choose_abstention(Promise.of("error<=0.05"), positive, labels, threshold=0.5)


def test_too_few_rows_are_refused_with_the_number_that_it_takes() -> None:
    promise = Promise.of("error<=0.02")
    assert (promise.fewest, promise.rows_to_start(744), promise.rows_to_start(745)) == (149, 149, 236)
    with pytest.raises(ConfigError, match=r"error<=0.02 cannot be promised .* by 100 rows held out") as caught:
        choose_abstention(promise, np.full(100, 0.99), np.ones(100, dtype=int), threshold=0.5)
    assert caught.value.expected == "about 149 held-out rows"


def test_a_model_that_is_never_right_enough_is_refused_without_a_number() -> None:
    labels = np.tile([0, 1, 1, 1], 100)
    with pytest.raises(ConfigError, match="however sure it is"):
        choose_abstention(Promise.of("error<=0.02"), np.full(400, 0.9), labels, threshold=0.5)


@pytest.mark.parametrize("text", ["error<=1", "error<0.02", "recall>=0.9", "precision>=0", "0.02", "", None, 0.02])
def test_what_is_no_promise_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a promise"):
        Promise.of(text)


@given(st.integers(0, 40), st.integers(1, 400))
def test_the_bound_is_the_rate_at_which_so_few_errors_have_a_chance_of_5_percent(errors: int, more: int) -> None:
    from scipy.stats import binom

    rows = errors + more
    assert binom.cdf(errors, rows, upper_bound(errors, rows)) == pytest.approx(0.05, abs=1e-6)


@given(st.integers(20, 300), st.integers(0, 5))
def test_a_lower_level_has_smaller_sets(rows: int, seed: int) -> None:
    positive, labels = draw(rows, seed)
    levels = [0.5, 0.8, 0.9]
    thresholds = [set_threshold(level, positive, labels) for level in levels]
    assert thresholds == sorted(thresholds, reverse=True)
    of_true = np.where(labels == 1, positive, 1 - positive)
    for level, threshold in zip(levels, thresholds, strict=True):
        assert (of_true >= threshold).mean() >= level


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.1, True, "0.9"])
def test_a_level_is_a_share(level: float) -> None:
    with pytest.raises(ConfigError, match="is not a share"):
        set_threshold(level, *draw(100, 0))


def test_a_level_takes_as_many_rows_as_it_says() -> None:
    with pytest.raises(ConfigError, match="would hold both labels") as caught:
        set_threshold(0.95, *draw(18, 0))
    assert caught.value.expected == "19 held-out rows or more"
    set_threshold(0.95, *draw(19, 0))

"""The best of several trials: its selection bias."""

import numpy as np
import pytest
from numpy.typing import NDArray

from imdb_sentiment.evaluation import selection
from imdb_sentiment.evaluation.calibration import calibrated_log_loss
from imdb_sentiment.evaluation.selection import (
    correct_for_choice,
    cross_fitted_positive,
    lower_is_better,
    positive_of,
    value_of,
)
from imdb_sentiment.results.metrics import CustomMetrics

ROWS, TRIALS = 150, 20


def equally_good(
    rng: np.random.Generator, rows: int, trials: int
) -> tuple[NDArray[np.int64], list[NDArray[np.float64]]]:
    """Return labels, and probabilities of trials that share what is hard about a row and differ by noise alone."""
    labels = np.arange(rows) % 2
    shared = rng.normal(size=rows) + 2 * labels - 1
    return labels, [1 / (1 + np.exp(-2 * shared - rng.normal(size=rows))) for _ in range(trials)]


def naive_and_corrected(metric: str, searches: int, epochs: int = 1) -> tuple[float, float, float]:
    """Return the mean value of the best trial, the mean corrected one, and that of new rows."""
    rng = np.random.default_rng(3)
    best, corrected = [], []
    for _ in range(searches):
        labels, trials = equally_good(rng, ROWS, TRIALS)
        values = [value_of(metric, positive, labels) for positive in trials]
        best.append(min(values) if lower_is_better(metric) else max(values))
        groups = [trials[start : start + epochs] for start in range(0, TRIALS, epochs)]
        found = correct_for_choice(groups, labels, metric)
        assert found
        assert found.interval.low <= found.value <= found.interval.high
        corrected.append(found.value)
    labels, (positive,) = equally_good(rng, 200_000, 1)
    return float(np.mean(best)), float(np.mean(corrected)), value_of(metric, positive, labels)


@pytest.mark.simulation
@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "roc_auc", "f1"])
@pytest.mark.parametrize("epochs", [1, 4])
def test_of_equally_good_trials_the_corrected_value_is_right_on_average(
    metric: str, epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "_RESAMPLES", 200)
    best, corrected, true = naive_and_corrected(metric, searches=100, epochs=epochs)
    sign = -1 if metric == "log_loss" else 1
    assert sign * (best - true) > 0.015  # about 4 points of accuracy, 2 of ROC-AUC
    assert abs(corrected - true) < 0.25 * abs(best - true)


def test_the_best_of_equal_trials_is_too_good_and_the_correction_takes_most_of_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selection, "_RESAMPLES", 100)
    best, corrected, true = naive_and_corrected("log_loss", searches=12)
    assert best < true - 0.03
    assert abs(corrected - true) < 0.5 * (true - best)


def test_a_trial_that_is_far_better_needs_no_correction() -> None:
    rng = np.random.default_rng(0)
    labels, poor = equally_good(rng, 400, 9)
    good = np.where(labels == 1, 0.95, 0.05) + rng.uniform(-0.04, 0.04, 400)
    found = correct_for_choice([[good], *([positive] for positive in poor)], labels, "log_loss")
    assert found
    assert found.value == pytest.approx(value_of("log_loss", good, labels), abs=0.002)


def test_a_metric_of_the_user_is_corrected_as_one_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "_RESAMPLES", 40)
    monkeypatch.setattr(selection, "_CUSTOM_RESAMPLES", 40)
    labels, trials = equally_good(np.random.default_rng(1), 60, 6)
    groups = [trials[:3], trials[3:]]
    own = CustomMetrics.of({"right": lambda labels, positive: ((positive > 0.5) == labels).mean()})
    expected = correct_for_choice(groups, labels, "accuracy")
    found = correct_for_choice(groups, labels, "right", own)
    assert expected
    assert found
    assert (found.value, *found.interval) == pytest.approx((expected.value, *expected.interval))
    sometimes = CustomMetrics.of({"own": lambda labels, positive: 1.0 if positive[0] > 0.5 else float("nan")})
    defined = correct_for_choice(groups, labels, "own", sometimes)
    assert defined
    assert defined.value == 1
    never = CustomMetrics.of({"own": lambda labels, positive: float("nan")})
    assert correct_for_choice(groups, labels, "own", never) is None


def test_an_epoch_is_chosen_by_log_loss_and_then_a_trial_by_the_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "_RESAMPLES", 50)
    labels = np.arange(60) % 2
    certain = np.where(labels == 1, 0.999, 0.001)
    certain[:3] = 1 - certain[:3]  # accurate, and of a high log loss for its three errors
    careful = np.where(labels == 1, 0.7, 0.3)
    careful[:6] = 1 - careful[:6]
    one_trial = correct_for_choice([[certain, careful]], labels, "accuracy")
    two_trials = correct_for_choice([[certain], [careful]], labels, "accuracy")
    assert one_trial
    assert two_trials
    assert two_trials.value > one_trial.value - 1e-9


def test_too_few_rows_are_no_estimate() -> None:
    assert correct_for_choice([[np.array([0.1, 0.9])]], np.array([0, 1]), "log_loss") is None


def test_a_row_is_calibrated_by_the_others() -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(500) % 2
    logits = np.stack([np.zeros(500), 6 * (2 * labels - 1) + 12 * rng.normal(size=500)], axis=1)  # overconfident
    positive = cross_fitted_positive(logits, labels)
    assert np.array_equal(positive > 0.5, logits[:, 1] > 0)
    fitted_to_all = calibrated_log_loss(logits, labels)
    assert fitted_to_all < value_of("log_loss", positive, labels) < fitted_to_all + 0.01
    assert value_of("log_loss", positive_of(logits), labels) > value_of("log_loss", positive, labels) + 0.5
    changed = logits.copy()
    changed[0] = [0, 50 * (1 - 2 * labels[0])]
    assert cross_fitted_positive(changed, labels)[5] == pytest.approx(positive[5], rel=0.2)

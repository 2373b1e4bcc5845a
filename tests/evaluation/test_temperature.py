"""The temperature that makes a model as sure as it is right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import made_up_rows

from imdb_sentiment.evaluation.calibration import OVERCONFIDENT, expected_calibration_error, fit_temperature
from imdb_sentiment.inference.scorer import softmax


def logits_of(sure: float, rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    probabilities, labels = made_up_rows(rows, np.random.default_rng(4), sure=sure)
    return np.stack([np.zeros(rows) + 3, 3 + np.log(probabilities / (1 - probabilities))], axis=1), labels


@pytest.mark.parametrize("sure", [0.4, 1.0, 2.5])
def test_the_temperature_is_how_much_too_sure_the_model_was(sure: float) -> None:
    logits, labels = logits_of(sure)
    temperature = fit_temperature(logits, labels)
    assert temperature == pytest.approx(sure, rel=0.06)
    after = softmax(logits / temperature)[:, 1]
    assert expected_calibration_error(after, labels) < 0.02
    if sure != 1.0:
        assert expected_calibration_error(softmax(logits)[:, 1], labels) > 0.04


def test_no_other_temperature_has_a_lower_log_loss() -> None:
    logits, labels = logits_of(2.0, rows=2000)
    best = fit_temperature(logits, labels)

    def log_loss(temperature: float) -> float:
        return float(-np.log(softmax(logits / temperature)[np.arange(2000), labels]).mean())

    assert all(log_loss(best) < log_loss(best * factor) for factor in (0.5, 0.9, 1.1, 2))


@pytest.mark.parametrize(("rows", "lowest", "highest"), [(2, 0.88, 0.93), (18, 0.93, 0.98), (2000, 0.999, 0.9999)])
def test_a_few_rows_without_a_mistake_do_not_make_a_model_certain(rows: int, lowest: float, highest: float) -> None:
    labels = np.arange(rows) % 2
    logits = np.stack([1 - labels, labels], axis=1) * 2.0
    assert lowest < softmax(logits / fit_temperature(logits, labels)).max(axis=1).mean() < highest


@settings(deadline=None)
@given(rows=st.lists(st.tuples(st.floats(-20, 20), st.integers(0, 1)), min_size=1, max_size=50))
def test_the_log_loss_on_the_rows_themselves_never_rises(rows: list[tuple[float, int]]) -> None:
    margins, labels = np.array(rows).T
    temperature = fit_temperature(np.stack([np.zeros(len(rows)), margins], axis=1), labels.astype(int))
    before, after = (np.logaddexp(0, -(2 * labels - 1) * margins / t).mean() for t in (1, temperature))
    assert after <= before + 1e-6
    assert 0.05 <= temperature <= 20


@pytest.mark.parametrize(("rows", "lowest", "highest"), [(2, 0.78, 0.86), (18, 0.89, 0.94), (2000, 0.99, 0.9999)])
def test_a_model_of_few_rows_is_taken_to_be_overconfident(rows: int, lowest: float, highest: float) -> None:
    labels = np.arange(rows) % 2
    logits = np.stack([1 - labels, labels], axis=1) * 2.0
    temperature = fit_temperature(logits, labels, OVERCONFIDENT)
    assert lowest < softmax(logits / temperature).max(axis=1).mean() < highest
    assert temperature > fit_temperature(logits, labels)
    assert fit_temperature(np.zeros((2, 2)), [0, 1], OVERCONFIDENT) == pytest.approx(1.4918, abs=1e-3)


def test_where_nothing_is_told_nothing_changes() -> None:
    assert fit_temperature(np.zeros((2, 2)), [0, 1]) == pytest.approx(1, abs=1e-3)

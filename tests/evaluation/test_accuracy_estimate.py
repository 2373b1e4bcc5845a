"""The mean probability of the predicted label is the accuracy of a calibrated model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_sentiment.evaluation.accuracy_estimate import estimated_accuracy, held_out_accuracy
from imdb_sentiment.evaluation.held_out import HeldOutRows


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
def test_it_is_the_accuracy_of_calibrated_probabilities(threshold: float) -> None:
    random = np.random.default_rng(0)
    positive = random.beta(0.5, 0.5, 100_000)
    labels = (random.random(100_000) < positive).astype(np.int8)
    accuracy = held_out_accuracy(HeldOutRows(positive, labels), threshold=threshold)
    assert estimated_accuracy(positive, threshold=threshold) == pytest.approx(accuracy, abs=0.01)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_it_is_a_share(positive: list[float]) -> None:
    assert 0.5 <= estimated_accuracy(np.array(positive), threshold=0.5) <= 1

"""Calibration after training: a temperature, and the decision threshold."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.evaluation.calibration import fit_temperature
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.evaluation.thresholds import Goal, choose_threshold
from imdb_sentiment.inference.scorer import softmax
from imdb_sentiment.results.training import Calibration

if TYPE_CHECKING:
    from imdb_sentiment.config import FineTuneConfig

__all__ = ["calibrate"]


def calibrate(
    logits: NDArray[np.float64], labels: Sequence[int], config: "FineTuneConfig", *, names: tuple[str, str]
) -> Calibration:
    """Fit a temperature to held-out rows, and choose the threshold on the calibrated probabilities.

    Args:
        logits: Logits of held-out rows in fp32, shape (n, 2).
        labels: True labels, 0 or 1.
        config: Its `threshold` is a value or a goal.
        names: Names of the two labels.
    """
    temperature = fit_temperature(logits, labels)
    probabilities = softmax(logits / temperature)
    value, reached = config.threshold, True
    if isinstance(value, str):
        chosen = choose_threshold(Goal.of(value), probabilities[:, 1], labels)
        value, reached = chosen.value, chosen.reached
    before = measure(softmax(logits), labels, names=names)
    after = measure(probabilities, labels, names=names, threshold=value)
    goal = config.threshold if isinstance(config.threshold, str) else None
    return Calibration(
        temperature=temperature,
        threshold=value,
        goal=str(config.threshold),
        reached=reached,
        before=replace(before, numeric_precision="fp32"),
        after=replace(after, numeric_precision="fp32", goal=goal, goal_reached=reached),
    )

"""Choose a decision threshold for a goal."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Goal", "Threshold", "choose_threshold"]


class Goal(NamedTuple):
    """Goal of a decision threshold."""

    metric: Literal["f1", "precision", "recall"]

    at_least: float | None = None
    """Least value of the metric; None to maximise it."""

    @classmethod
    def of(cls, text: str) -> "Goal":
        """Parse `max_f1`, `precision>=0.95` or `recall>=0.95`."""
        metric, _, share = text.partition(">=")
        if metric == "precision":
            return cls("precision", float(share))
        return cls("recall", float(share)) if metric == "recall" else cls("f1")


class Threshold(NamedTuple):
    """A row is called positive if its positive probability is above `value`."""

    value: float

    reached: bool
    """Whether the goal is reached on the rows that it was chosen on."""


def choose_threshold(goal: Goal, positive: ArrayLike, labels: ArrayLike) -> Threshold:
    """Choose the threshold for a goal on held-out rows.

    `max_f1` maximises F1; a precision goal maximises recall among the thresholds that reach it, and vice versa. If none
    reaches the goal, the nearest one is chosen. Candidates are midpoints between consecutive probabilities.

    Args:
        goal: The goal.
        positive: Probability of the positive label, shape (n,).
        labels: 0 or 1, shape (n,), both present.
    """
    scores, true = np.asarray(positive, dtype=np.float64), np.asarray(labels)
    order = np.argsort(-scores, kind="stable")
    scores, true = scores[order], true[order]
    last = np.flatnonzero(np.diff(scores, append=-1.0))  # last row of each distinct probability
    tp, called = np.cumsum(true)[last].astype(np.float64), last + 1.0
    precision, recall = tp / called, tp / true.sum()
    values = (scores[last] + np.append(scores[last[1:]], 0.0)) / 2
    if goal.at_least is None:
        best = int(np.argmax(2 * tp / (called + true.sum())))
        reached = True
    else:
        metric, other = (precision, recall) if goal.metric == "precision" else (recall, precision)
        reached = bool((metric >= goal.at_least).any())
        candidates = np.flatnonzero(metric >= goal.at_least) if reached else np.arange(len(last))
        first, then = (other, metric) if reached else (metric, other)
        best = int(max(candidates, key=lambda i: (first[i], then[i])))
    return Threshold(float(values[best]), reached)

"""Which probability is enough to call a row positive."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from conftest import examples
from imdb_sentiment.evaluation.thresholds import Goal, choose_threshold

GOALS = [Goal("f1"), Goal("precision", 0.7), Goal("recall", 0.9), Goal("precision", 1.0), Goal("recall", 1.0)]
rows = st.lists(st.tuples(st.integers(1, 12).map(lambda k: k / 12), st.booleans()), min_size=2, max_size=40).filter(
    lambda pairs: len({label for _, label in pairs}) == 2
)


class Figures(NamedTuple):
    """What a threshold comes to."""

    precision: float
    recall: float
    f1: float


def figures_at(cut: float, scores: NDArray[np.float64], labels: NDArray[np.int64]) -> Figures:
    called = scores > cut
    right = int(labels[called].sum())
    return Figures(
        right / max(1, int(called.sum())), right / int(labels.sum()), 2 * right / int(called.sum() + labels.sum())
    )


@settings(deadline=None, max_examples=examples(60))
@given(rows)
@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: f"{goal.metric}-{goal.at_least}")
def test_no_other_threshold_serves_the_goal_better(goal: Goal, pairs: list[tuple[float, bool]]) -> None:
    scores, labels = np.array([score for score, _ in pairs]), np.array([int(label) for _, label in pairs])
    tried = [figures_at(cut, scores, labels) for cut in [-0.1, *(k / 24 for k in range(25))] if (scores > cut).any()]
    chosen = choose_threshold(goal, scores, labels)
    got = figures_at(chosen.value, scores, labels)
    if goal.at_least is None:
        assert got.f1 == pytest.approx(max(figures.f1 for figures in tried))
        return
    enough = [figures for figures in tried if getattr(figures, goal.metric) >= goal.at_least]
    assert chosen.reached == bool(enough)
    if enough:
        other = "recall" if goal.metric == "precision" else "precision"
        assert getattr(got, goal.metric) >= goal.at_least
        assert getattr(got, other) == pytest.approx(max(getattr(figures, other) for figures in enough))
    else:
        assert getattr(got, goal.metric) == pytest.approx(max(getattr(figures, goal.metric) for figures in tried))


def test_a_threshold_lies_between_two_rows() -> None:
    assert choose_threshold(Goal("f1"), [0.1, 0.3, 0.7, 0.9], [0, 0, 1, 1]).value == pytest.approx(0.5)


def test_a_goal_reads_as_it_is_written() -> None:
    assert [Goal.of(text) for text in ("max_f1", "precision>=0.7", "recall>=0.9")] == GOALS[:3]


def test_of_thresholds_that_serve_a_goal_alike_the_one_that_finds_more_is_taken() -> None:
    chosen = choose_threshold(Goal("recall", 0.5), [0.1, 0.6, 0.8, 0.9], [0, 1, 1, 1])
    assert chosen.value == pytest.approx(0.35)

"""Which evaluation of a run is best, and what is said of it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_sentiment import FineTuneConfig
from imdb_sentiment.config import Metric
from imdb_sentiment.evaluation.calibration import calibrated_log_loss, fit_temperature
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.inference.scorer import softmax
from imdb_sentiment.training.best_epoch import BestEpochMetric, choose_metric

BY_F1 = choose_metric("f1")
BY_LOSS = choose_metric("auto")


class Evaluation(NamedTuple):
    """What decides between evaluations."""

    f1: float
    loss: float
    error: float = 0.0


shares = st.integers(0, 20).map(lambda part: part / 20)
runs = st.lists(st.builds(Evaluation, shares, shares, shares), min_size=1, max_size=12)


def log_of(evaluations: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """A Trainer's log with evaluations, other entries between them."""
    log: list[dict[str, Any]] = []
    for f1, loss, error in evaluations:
        log += [{"loss": 0.1}, {"eval_f1": f1, "eval_calibrated_log_loss": loss, "eval_standard_error": error}]
    return log


def best_of(metric: BestEpochMetric, evaluations: Sequence[Evaluation]) -> int:
    return len(evaluations) - 1 - metric.since_best(log_of(evaluations))


def test_the_default_is_log_loss_of_the_calibrated_model() -> None:
    metric = choose_metric(FineTuneConfig().metric_for_best_model)
    assert metric == choose_metric("log_loss") == ("calibrated_log_loss",)
    assert not metric.greater_is_better
    assert metric.reason == "lowest calibrated log loss on validation"


@pytest.mark.parametrize("asked", sorted(set(get_args(Metric)) - {"auto", "log_loss"}))
def test_a_metric_that_was_named_is_taken(asked: str) -> None:
    metric = choose_metric(asked)
    assert (metric.name, metric.greater_is_better) == (asked, True)
    expected = f"lowest calibrated log loss within one standard error of the highest {asked}"
    assert metric.reason == expected


@pytest.mark.parametrize("metric", [BY_F1, BY_LOSS])
def test_before_the_first_evaluation_none_came_after_the_best(metric: BestEpochMetric) -> None:
    assert metric.since_best([]) == metric.since_best([{"loss": 0.1}]) == 0


@given(runs)
def test_by_log_loss_the_first_of_the_lowest_is_best(evaluations: list[Evaluation]) -> None:
    losses = [evaluation.loss for evaluation in evaluations]
    assert best_of(BY_LOSS, evaluations) == losses.index(min(losses))


@given(runs)
def test_with_another_metric_the_best_is_within_one_standard_error_of_the_highest(
    evaluations: list[Evaluation],
) -> None:
    highest = max(evaluations, key=lambda evaluation: evaluation.f1)
    assert evaluations[best_of(BY_F1, evaluations)].f1 >= highest.f1 - highest.error


@given(runs, shares)
def test_with_another_metric_a_later_one_within_a_standard_error_has_no_lower_log_loss(
    evaluations: list[Evaluation], error: float
) -> None:
    evaluations = [evaluation._replace(error=error) for evaluation in evaluations]
    highest = max(evaluations, key=lambda evaluation: evaluation.f1)
    best = best_of(BY_F1, evaluations)
    later = [evaluation for evaluation in evaluations[best + 1 :] if evaluation.f1 >= highest.f1 - highest.error]
    assert all(evaluation.loss >= evaluations[best].loss for evaluation in later)


@given(runs)
def test_only_the_newest_evaluation_can_become_the_best(evaluations: list[Evaluation]) -> None:
    """The weights of others are not kept; so a resumed run, which reads the same log, chooses the same."""
    bests = [best_of(BY_F1, evaluations[:number]) for number in range(1, len(evaluations) + 1)]
    for number, (before, after) in enumerate(pairwise(bests), start=1):
        assert after in (before, number)


@pytest.mark.parametrize(
    ("evaluations", "best"),
    [
        ([(0.5, 0.6), (0.7, 0.9)], 1),  # clearly higher, whatever the loss
        ([(0.7, 0.6), (0.5, 0.3), (0.6, 0.2)], 0),
        ([(0.7, 0.6), (0.7, 0.5)], 1),
        ([(0.7, 0.6), (0.7, 0.5), (0.7, 0.5)], 1),
        ([(0.7, 0.6, 0.1), (0.65, 0.5, 0.0)], 1),  # within the standard error of the highest
        ([(0.7, 0.6, 0.0), (0.65, 0.5, 0.1)], 0),
        ([(0.7, 0.5, 0.1), (0.75, 0.6, 0.1)], 0),
        ([(0.9, 0.6, 0.1), (0.82, 0.5, 0.1), (0.74, 0.4, 0.1)], 1),  # the third is too far below the first
        ([(0.8, 0.4, 0.1), (0.75, 0.3, 0.1), (0.86, 0.5, 0.1)], 2),  # the second is too far below the third
    ],
)
def test_examples(evaluations: list[tuple[float, ...]], best: int) -> None:
    assert best_of(BY_F1, [Evaluation(*values) for values in evaluations]) == best


@given(st.lists(st.tuples(st.integers(-30, 30), st.booleans()), min_size=1, max_size=40))
def test_the_calibrated_log_loss_is_that_of_logits_over_the_temperature(rows: list[tuple[int, bool]]) -> None:
    logits = np.array([[0.0, margin / 4] for margin, _ in rows])
    labels = np.array([int(label) for _, label in rows])
    report = measure(softmax(logits / fit_temperature(logits, labels)), labels, names=("ham", "spam"))
    loss = calibrated_log_loss(logits, labels)
    assert loss == pytest.approx(report.log_loss, rel=1e-6, abs=1e-6)
    assert loss <= measure(softmax(logits), labels, names=("ham", "spam")).log_loss + 1e-6


def test_how_sure_a_model_is_does_not_decide_with_hundreds_of_rows() -> None:
    rng = np.random.default_rng(0)
    margins = rng.normal(size=400)
    labels = (margins + rng.logistic(scale=0.5, size=400) > 0).astype(int)
    logits = np.stack([-margins, margins], axis=1)
    loss = calibrated_log_loss(logits, labels)
    assert calibrated_log_loss(logits * 9 + 1, labels) == pytest.approx(loss, abs=0.002)
    assert measure(softmax(logits * 9 + 1), labels, names=("ham", "spam")).log_loss > 2 * loss

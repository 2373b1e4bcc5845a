"""Which metric decides, and what is said of it."""

from collections.abc import Sequence
from typing import Any, get_args

import pytest

from imdb_sentiment import FineTuneConfig
from imdb_sentiment.config import Metric
from imdb_sentiment.training.best_epoch import BALANCED_FROM, choose_metric

BALANCED = {"ham": 60, "spam": 40}
RARE = {"ham": 4825, "spam": 747}


def test_the_default_is_left_to_the_training_rows() -> None:
    assert FineTuneConfig().metric_for_best_model == "auto"


@pytest.mark.parametrize("rows", [{"ham": 50, "spam": 50}, BALANCED, {"ham": 40, "spam": 60}])
def test_f1_where_neither_label_is_rare(rows: dict[str, int]) -> None:
    assert choose_metric("auto", rows) == ("f1", True, "highest f1 on validation")


def test_the_limit_is_where_the_docs_say() -> None:
    assert BALANCED_FROM == 0.4
    assert choose_metric("auto", {"ham": 601, "spam": 399}).name == "matthews_correlation"


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (RARE, "spam makes up 13 %"),
        ({"spam": 4825, "ham": 747}, "ham makes up 13 %"),
        ({"ham": 9957, "spam": 43}, "spam makes up 0.43 %"),
    ],
)
def test_matthews_correlation_where_a_label_is_rare(rows: dict[str, int], why: str) -> None:
    reason = f"highest matthews_correlation on validation, as {why} of the training rows"
    assert choose_metric("auto", rows) == ("matthews_correlation", True, reason)


@pytest.mark.parametrize("rows", [BALANCED, RARE])
@pytest.mark.parametrize("asked", sorted(set(get_args(Metric)) - {"auto"}))
def test_a_metric_that_was_named_is_taken_whatever_the_rows(asked: str, rows: dict[str, int]) -> None:
    better = "lowest" if asked == "log_loss" else "highest"
    assert choose_metric(asked, rows) == (asked, better == "highest", f"{better} {asked} on validation")


def log_of(evaluations: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    """A Trainer's log with evaluations by their F1 and log loss, other entries between them."""
    log: list[dict[str, Any]] = []
    for f1, log_loss in evaluations:
        log += [{"loss": 0.1}, {"eval_f1": f1, "eval_log_loss": log_loss}]
    return log


@pytest.mark.parametrize(
    ("metric", "evaluations", "since"),
    [
        ("f1", [], 0),
        ("f1", [(0.5, 0.6)], 0),
        ("f1", [(0.5, 0.6), (0.7, 0.9)], 0),
        ("f1", [(0.7, 0.6), (0.5, 0.3), (0.6, 0.2)], 2),
        ("f1", [(0.7, 0.6), (0.7, 0.5)], 0),
        ("f1", [(0.7, 0.6), (0.7, 0.5), (0.7, 0.5)], 1),
        ("f1", [(0.7, 0.5), (0.7, 0.6)], 1),
        ("log_loss", [(0.5, 0.6), (0.4, 0.3), (0.9, 0.4)], 1),
    ],
)
def test_of_equal_evaluations_that_with_the_lowest_log_loss_is_best_and_then_the_first(
    metric: str, evaluations: Sequence[tuple[float, float]], since: int
) -> None:
    assert choose_metric(metric, BALANCED).since_best(log_of(evaluations)) == since

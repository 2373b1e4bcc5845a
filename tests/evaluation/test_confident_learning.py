"""Which labels are probably wrong."""

import numpy as np
import pytest
from made_up import made_up_rows
from numpy.typing import NDArray

from imdb_sentiment.evaluation.confident_learning import average_of, rank_label_issues, reason_not_to_tell


def test_labels_that_were_flipped_come_first() -> None:
    rng = np.random.default_rng(2)
    positive, labels = made_up_rows(2000, rng, apart=1.5)
    flipped = rng.choice(2000, 60, replace=False)
    given = labels.copy()
    given[flipped] = 1 - given[flipped]
    ranked = rank_label_issues(positive, given)
    assert len(set(ranked[:120]) & set(flipped)) > 40
    assert len(ranked) < 200


def test_the_most_suspicious_is_the_one_of_which_the_model_is_surest() -> None:
    ranked = rank_label_issues([0.95, 0.9, 0.99, 0.2, 0.1, 0.05], [1, 0, 0, 0, 0, 1])
    assert ranked.tolist() == [2, 5, 1]


def test_a_row_on_which_the_model_is_less_sure_than_usual_is_not_suspected() -> None:
    # of the positive rows it is 0.95 sure on average: 0.6 against the label is nothing
    assert rank_label_issues([0.95, 0.95, 0.6, 0.1], [1, 1, 0, 0]).tolist() == []


@pytest.mark.parametrize("positive", [[0.9, 0.8, 0.1, 0.2], [0.5, 0.5, 0.5, 0.5]])
def test_rows_that_are_right_or_of_which_nothing_is_known_are_not_suspected(positive: list[float]) -> None:
    assert rank_label_issues(positive, [1, 1, 0, 0]).tolist() == []


def test_two_models_that_err_in_different_rows_find_more_together() -> None:
    rng = np.random.default_rng(4)
    truth = np.arange(2000) % 2
    given = truth.copy()
    flipped = rng.choice(2000, 60, replace=False)
    given[flipped] = 1 - given[flipped]
    first, second = (
        1 / (1 + np.exp(-sure * (1.4 * (2 * truth - 1) + rng.normal(size=2000)))) for sure in (3.0, 0.5)
    )  # one too sure, the other not sure enough

    def found(positive: NDArray[np.float64]) -> int:
        other = np.where(given == 1, 1 - positive, positive)
        return len(set(np.argsort(-other)[:120]) & set(flipped))

    assert found(average_of(first, second, given)) > max(found(first), found(second)) + 5


def test_a_model_that_knows_nothing_changes_little() -> None:
    rng = np.random.default_rng(0)
    positive, labels = made_up_rows(400, rng, sure=4.0)
    together = average_of(positive, rng.uniform(size=400), labels)
    assert np.corrcoef(np.argsort(np.argsort(together)), np.argsort(np.argsort(positive)))[0, 1] > 0.98
    assert np.isfinite(average_of(labels.astype(float), labels.astype(float), labels)).all()


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_models_that_know_nothing_do_not_tell(share: float) -> None:
    rng = np.random.default_rng(3)
    _, labels = made_up_rows(400, rng, share=share)
    positive = rng.uniform(size=400) if share == 0.5 else np.full(400, 0.1)
    suspected = len(rank_label_issues(positive, labels))
    assert "not better than the more frequent label" in str(reason_not_to_tell(positive, labels, suspected=suspected))


def test_a_list_of_a_third_of_the_rows_is_not_one_of_wrong_labels() -> None:
    positive, labels = made_up_rows(400, np.random.default_rng(1), apart=0.3, sure=6.0)
    suspected = len(rank_label_issues(positive, labels))
    assert suspected > 100
    assert "most of which are their own errors" in str(reason_not_to_tell(positive, labels, suspected=suspected))


def test_models_that_are_usually_right_tell() -> None:
    positive, labels = made_up_rows(400, np.random.default_rng(1), apart=1.5)
    suspected = len(rank_label_issues(positive, labels))
    assert reason_not_to_tell(positive, labels, suspected=suspected) is None
    # ten of forty are not beyond chance more than a fifth
    assert reason_not_to_tell([0.9] * 20 + [0.1] * 20, [1] * 20 + [0] * 20, suspected=10) is None

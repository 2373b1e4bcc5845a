"""Which labels are probably wrong."""

import numpy as np
import pytest
from made_up import made_up_rows

from imdb_sentiment.label_issues import rank_label_issues


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

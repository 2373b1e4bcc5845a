from collections import Counter

import datasets
import pytest
from dividing import Pair, by_split, keys, reviews
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples, make_reviews
from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.folds import Folds, load_folds
from imdb_sentiment.errors import DataError

TEMPLATE = "Congratulations, you have won a prize of {} pounds, call this number within the day to claim it now"


def folds_of(rows: list[Pair], folds: int = 3, config: DataConfig | None = None) -> Folds:
    return load_folds(config or DataConfig(), folds, ([text for text, _ in rows], [label for _, label in rows]))


def held_out(folds: Folds, config: DataConfig | None = None) -> list[list[Pair]]:
    return [by_split(splits)["test"] for splits in folds.splits(config or DataConfig())]


def test_every_row_is_held_out_once_and_the_classes_keep_their_shares() -> None:
    rows = reviews(30, 60)
    sides = held_out(folds_of(rows))
    assert Counter(row for side in sides for row in side) == Counter(rows)
    assert [sum(label for _, label in side) for side in sides] == [20, 20, 20]
    assert [len(side) for side in sides] == [30, 30, 30]


def test_each_round_learns_from_the_other_folds_and_chooses_on_a_part_of_them() -> None:
    rows = reviews(30, 30)
    for splits in folds_of(rows).splits(DataConfig()):
        sides = by_split(splits)
        assert Counter(row for side in sides.values() for row in side) == Counter(rows)
        assert [len(sides[split]) for split in ("train", "validation", "test")] == [36, 4, 20]


def test_equal_and_nearly_equal_texts_are_in_one_fold() -> None:
    rows = reviews(30, 30)
    rows += [(TEMPLATE.format(amount), amount % 2) for amount in range(1000, 1008)]
    rows += [(text.upper() + "<br />", label) for text, label in rows[:20]]
    sides = held_out(folds_of(rows))
    assert sum(len(keys(side)) for side in sides) == len(keys(rows))
    assert sorted(sum("won a prize" in text.lower() for text, _ in side) for side in sides) == [0, 0, 8]
    apart = held_out(folds_of(rows, config=DataConfig(near_duplicates="ignore")))
    assert sum(any("won a prize" in text for text, _ in side) for side in apart) > 1


@pytest.mark.integration
@settings(deadline=None, max_examples=examples(20))
@given(data=st.data())
def test_the_order_of_the_rows_does_not_matter(data: st.DataObject) -> None:
    rows = [*reviews(9, 9), *reviews(4, 4)]
    again = data.draw(st.permutations(rows))
    first, second = (held_out(folds_of(list(order))) for order in (rows, again))
    assert [Counter(side) for side in first] == [Counter(side) for side in second]


def test_another_seed_gives_other_folds() -> None:
    rows = reviews(30, 30)
    first, second = (folds_of(rows, config=DataConfig(split_seed=seed)) for seed in (1, 2))
    assert first.fingerprint != second.fingerprint
    assert folds_of(rows, config=DataConfig(split_seed=1)).fingerprint == first.fingerprint


def test_a_test_split_is_left_alone_with_what_belongs_to_it() -> None:
    train, validation, test = reviews(20, 20), reviews(4, 4, 100), reviews(4, 4, 200)
    raw = {
        split: ([text for text, _ in rows], [label for _, label in rows])
        for split, rows in {"train": [*train, *test[:3]], "validation": validation, "test": test}.items()
    }
    tables = {split: datasets.Dataset.from_dict({"text": t, "label": label}) for split, (t, label) in raw.items()}
    folds = load_folds(DataConfig(), 4, tables)
    assert Counter(row for side in held_out(folds) for row in side) == Counter(train + validation)
    assert [(part.reason, part.rows) for part in folds.left_out if part.rows] == [("text also occurs in test", 3)]
    assert folds.notes == ("the 8 rows of the test split were not used",)


def test_a_limit_holds_for_all_folds_together() -> None:
    folds = folds_of(reviews(50, 50), config=DataConfig(max_train_samples=30))
    assert sum(map(len, held_out(folds))) == 30


@pytest.mark.parametrize("rows", [reviews(2, 50), [*reviews(1, 20), (reviews(1, 0)[0][0].upper(), 0)] * 2])
def test_too_few_rows_for_so_many_folds(rows: list[Pair]) -> None:
    with pytest.raises(DataError, match="too few rows for 3 folds") as caught:
        folds_of(rows)
    assert caught.value.hint == "fewer folds, or more rows"


def test_a_source_without_training_rows_is_refused() -> None:
    table = datasets.Dataset.from_dict({"text": ["good", "bad"], "label": [1, 0]})
    with pytest.raises(DataError, match="has no training rows"):
        load_folds(DataConfig(), 3, {"test": table, "validation": table})


def test_of_the_rows_outside_a_fold_a_larger_number_takes_the_same_and_more() -> None:
    config = DataConfig(near_duplicates="ignore")
    divided = load_folds(config, 3, make_reviews(90))
    sizes = (12, 30, divided.fewest)
    for parts in zip(*(divided.splits(config, cross_below=500, size=size) for size in sizes), strict=True):
        taken = [set(splits.train["text"]) for splits in parts]
        assert [len(texts) for texts in taken] == list(sizes)
        assert taken[0] < taken[1] < taken[2]
        assert all(sum(splits.train["label"]) == len(splits.train) // 2 for splits in parts)
        assert len({tuple(splits.test["text"]) for splits in parts}) == 1
        assert not taken[2] & set(parts[0].test["text"])
        assert all(len(splits.validation) == 0 and len(set(splits.folds)) >= 3 for splits in parts)

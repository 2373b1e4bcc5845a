"""Splits of rows that belong together: near duplicates, and rows with a group column in common."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dividing import SPLITS, Pair, by_split, left_out, review, reviews, split_rows, split_tables
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.near_duplicates import NEAR_THRESHOLD
from imdb_sentiment.data.splits import load_splits
from imdb_sentiment.errors import DataError, MissingExtraError

STORY = (
    "The lighthouse keeper counts the ships each night and writes their names into a ledger that nobody will ever "
    "read, until a stranger arrives with a name that is on none of its pages and asks to stay for one winter."
)


def altered(number: int) -> str:
    """A text that differs from `STORY` in one of its 38 words."""
    words = STORY.split()
    words[number % len(words)] = f"word{number}"
    return " ".join(words)


def similarity(first: str, second: str) -> float:
    """Jaccard similarity of the runs of five characters, by the definition."""
    runs = [{text[i : i + 5] for i in range(len(text) - 4)} for text in (first.casefold(), second.casefold())]
    return len(runs[0] & runs[1]) / len(runs[0] | runs[1])


def sides_of(rows: list[Pair], config: DataConfig | None = None) -> dict[str, list[Pair]]:
    return by_split(split_rows(rows, config))


def test_near_duplicates_stay_on_one_side() -> None:
    rows = [*reviews(60, 60), *[(altered(i), i % 2) for i in range(12)]]
    assert all(similarity(STORY, altered(i)) >= NEAR_THRESHOLD for i in range(12))
    for seed in range(5):
        sides = sides_of(rows, DataConfig(split_seed=seed))
        assert sorted(sum("lighthouse" in text or "ledger" in text for text, _ in side) for side in sides.values())[
            :2
        ] == [0, 0]
        assert Counter(row for side in sides.values() for row in side) == Counter(rows)


def test_near_duplicates_may_be_divided_on_request() -> None:
    rows = [*reviews(60, 60), *[(altered(i), i % 2) for i in range(12)]]
    where = [sides_of(rows, DataConfig(split_seed=seed, near_duplicates="ignore")) for seed in range(5)]
    assert any(sum(any("ships" in text for text, _ in side) for side in sides.values()) > 1 for sides in where)


def test_training_rows_that_are_nearly_test_rows_are_left_out_and_counted() -> None:
    train, test = reviews(20, 20), reviews(4, 4, 200)
    tables = {"train": [*train, (altered(1), 1), (STORY.upper(), 0), test[0]], "test": [*test, (STORY, 1)]}
    splits = split_tables(tables)
    assert left_out(splits) == {
        ("train", "text also occurs in test"): 2,
        ("train", "near duplicate in test"): 1,
    }
    assert splits.summary.test_overlap_rows == 3
    kept = split_tables(tables, DataConfig(test_overlap="keep"))
    assert (left_out(kept), kept.summary.test_overlap_rows) == ({}, 3)
    ignored = split_tables(tables, DataConfig(near_duplicates="ignore"))
    assert ignored.summary.test_overlap_rows == 2


def test_training_rows_that_are_nearly_validation_rows_are_left_out_even_if_test_overlap_is_kept() -> None:
    tables = {
        "train": [*reviews(20, 20), (altered(1), 1)],
        "validation": [*reviews(4, 4, 100), (STORY, 1)],
        "test": reviews(4, 4, 200),
    }
    splits = split_tables(tables, DataConfig(test_overlap="keep"))
    assert left_out(splits) == {("train", "near duplicate in validation"): 1}


def grouped(rows: list[Pair], groups: list[object], config: DataConfig | None = None) -> dict[str, list[str]]:
    """Divide rows with a column of groups; return the groups of each side's rows."""
    texts, labels = zip(*rows, strict=True)
    frame = pd.DataFrame({"text": texts, "label": labels, "who": pd.Series(groups, dtype=object)})
    config = (config or DataConfig()).replace(group_column="who")
    splits = load_splits(config, frame).splits
    group_of = dict(zip(frame["text"], groups, strict=True))
    return {split: [str(group_of[text]) for text in getattr(splits, split)["text"]] for split in SPLITS}


@settings(deadline=None, max_examples=examples(25))
@given(st.lists(st.integers(0, 14), min_size=60, max_size=60), st.integers(0, 100))
def test_a_group_is_never_divided_and_no_row_is_lost(groups: list[int], seed: int) -> None:
    rows = [(review(i), i % 2) for i in range(60)]
    try:
        sides = grouped(rows, list(groups), DataConfig(split_seed=seed, validation_fraction=0.2))
    except DataError as error:
        if "too few rows" in error.summary or "lacks a class" in error.summary:
            return
        raise
    assert sum(map(len, sides.values())) == 60
    for first in SPLITS:
        for second in SPLITS:
            assert first == second or not set(sides[first]) & set(sides[second])


def test_large_groups_still_leave_a_test_split_of_about_its_share() -> None:
    sides = grouped([(review(i), i // 4 % 2) for i in range(400)], [i // 40 for i in range(400)])
    assert 60 <= len(sides["test"]) <= 100
    assert sides["validation"]


def test_rows_without_a_group_are_held_together_by_nothing() -> None:
    rows = [(review(i), i % 2) for i in range(60)]
    sides = grouped(rows, [None, float("nan")] * 30)
    assert [len(sides[split]) for split in SPLITS] == [44, 4, 12]


def test_a_group_and_a_near_duplicate_make_one_chain() -> None:
    rows = [*reviews(30, 30), (STORY, 1), (altered(3), 0), (review(900), 0)]
    groups: list[object] = [f"own {i}" for i in range(60)]
    for seed in range(4):
        sides = grouped(rows, [*groups, "a", "b", "b"], DataConfig(split_seed=seed))
        assert sum("a" in side or "b" in side for side in sides.values()) == 1


def test_training_rows_whose_group_stands_in_test_are_left_out_and_counted(tmp_path: Path) -> None:
    for name, start, critics in (("train", 0, "abcdefghijkl"), ("test", 200, "c")):
        lines = [f"{review(start + i)},{i // 12 % 2},{critics[i % len(critics)]}" for i in range(120)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["text,label,critic", *lines]))
    splits = load_splits(DataConfig(source=str(tmp_path), group_column="critic")).splits
    assert left_out(splits) == {("train", "critic also occurs in test"): 10}
    assert splits.summary.test_overlap_rows == 10


def test_numbers_and_text_in_the_group_column_are_compared_as_text() -> None:
    rows = [(review(i), i % 2) for i in range(60)]
    groups: list[object] = [1, "1", np.int64(1), *(f"own {i}" for i in range(57))]
    for seed in range(4):
        sides = grouped(rows, groups, DataConfig(split_seed=seed))
        assert sorted(side.count("1") for side in sides.values()) == [0, 0, 3]


def test_rows_that_are_all_alike_cannot_be_divided_and_the_message_says_why() -> None:
    with pytest.raises(DataError, match="too few rows to hold out a test split") as caught:
        split_rows([(altered(i), i % 2) for i in range(30)])
    assert caught.value.found == "15 negative, 15 positive rows; different texts: 30, in 1 group that stays together"
    assert "near_duplicates='ignore'" in str(caught.value.hint)


def test_without_the_extra_the_error_names_it_before_the_source_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rensa", None)
    with pytest.raises(MissingExtraError, match="rensa") as caught:
        load_splits(DataConfig(source="nowhere.csv"))
    assert "imdb-sentiment[audit]" in str(caught.value.hint)
    rows = reviews(10, 10)
    data = ([text for text, _ in rows], [label for _, label in rows])
    assert len(load_splits(DataConfig(near_duplicates="ignore"), data).splits.test) == 4

"""Covers data/sampling.py."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from dividing import (
    SPLITS,
    Pair,
    by_split,
    divided,
    keys,
    left_out,
    pairs,
    raw_rows,
    review,
    reviews,
    split_rows,
    split_tables,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.data_like import DataSplits
from imdb_sentiment.data.raw_rows import RawData
from imdb_sentiment.data.splits import load_splits
from imdb_sentiment.errors import DataError


@st.composite
def tables(draw: st.DrawFn) -> list[Pair]:
    """20 to 60 rows, at least six different texts a class, with duplicates that differ in case and white space."""
    rows = reviews(6, 6)
    dresses: list[Callable[[str], str]] = [str, str.upper, "{}<br />".format, " {} ".format, "\u200b{}".format]
    extra = draw(
        st.lists(
            st.tuples(st.integers(0, 25), st.sampled_from([0, 1]), st.sampled_from(dresses)), min_size=8, max_size=48
        )
    )
    # texts up to 11 are those above: a duplicate may then carry the other label
    return rows + [(dress(review(number)), label) for number, label, dress in extra]


fractions = st.sampled_from([0.2, 0.25, 0.3])


def try_split(rows: Sequence[Pair], config: DataConfig) -> DataSplits | None:
    """Divide, or return None where large groups of duplicates leave too little, which is an error."""
    try:
        return split_rows(rows, config)
    except DataError as error:
        if any(words in error.summary for words in ("too few rows", "lacks a class", "max_train_samples=")):
            return None
        raise


@settings(deadline=None, max_examples=examples(60))
@given(rows=tables(), fraction=fractions, seed=st.integers(0, 2**32 - 1))
def test_no_text_stands_on_two_sides_and_every_row_on_one(rows: list[Pair], fraction: float, seed: int) -> None:
    splits = try_split(rows, DataConfig(test_fraction=fraction, validation_fraction=fraction, split_seed=seed))
    if splits is None:
        return
    sides = by_split(splits)
    assert not keys(sides["train"]) & keys(sides["validation"])
    assert not keys(sides["train"]) & keys(sides["test"])
    assert not keys(sides["validation"]) & keys(sides["test"])
    assert Counter(row for side in sides.values() for row in side) == Counter(rows)
    assert splits.summary.left_out == ()


@settings(deadline=None, max_examples=examples(40))
@given(rows=tables(), limit=st.none() | st.integers(10, 20), data=st.data())
def test_the_same_rows_in_another_order_give_the_same_splits(
    rows: list[Pair], limit: int | None, data: st.DataObject
) -> None:
    config = DataConfig(test_fraction=0.25, validation_fraction=0.25, max_train_samples=limit)
    first, second = try_split(rows, config), try_split(data.draw(st.permutations(rows)), config)
    if first is None or second is None:
        assert first is second
        return
    for name in SPLITS:
        assert Counter(by_split(first)[name]) == Counter(by_split(second)[name])
    assert first.summary.fingerprint == second.summary.fingerprint


def test_a_limit_among_duplicates_does_not_depend_on_the_order_of_the_rows() -> None:
    spellings = [
        (spelling, label) for label in (0, 1) for spelling in (f"Film {label}", f"FILM {label}", f"film  {label}")
    ]
    fixed = {"validation": reviews(1, 1), "test": reviews(1, 1, 10)}
    config = DataConfig(max_train_samples=4)
    there = split_tables({"train": spellings, **fixed}, config)
    back = split_tables({"train": spellings[::-1], **fixed}, config)
    assert sorted(pairs(there.train)) == sorted(pairs(back.train))


@settings(deadline=None, max_examples=examples(60))
@given(
    negative=st.integers(5, 60), positive=st.integers(5, 60), fraction=st.floats(0.1, 0.5), seed=st.integers(0, 1000)
)
def test_splits_of_different_texts_are_stratified_exactly(
    negative: int, positive: int, fraction: float, seed: int
) -> None:
    config = DataConfig(test_fraction=fraction, validation_fraction=fraction, split_seed=seed)
    splits = split_rows(reviews(negative, positive), config)
    for label, total in ((0, negative), (1, positive)):
        in_test = splits.test["label"][:].count(label)
        assert in_test == max(1, round(fraction * total))
        assert splits.validation["label"][:].count(label) == max(1, round(fraction * (total - in_test)))


@settings(deadline=None, max_examples=examples(30))
@given(sizes=st.lists(st.tuples(st.integers(1, 6), st.sampled_from([0, 1])), min_size=30, max_size=60))
def test_splits_with_duplicates_are_stratified_within_one_group(sizes: list[tuple[int, int]]) -> None:
    rows = [(review(i), label) for i, (size, label) in enumerate(sizes) for _ in range(size)]
    rows += reviews(6, 6, start=1000)
    splits = split_rows(rows, DataConfig(test_fraction=0.25))
    for label in (0, 1):
        target = round(0.25 * sum(own == label for _, own in rows))
        largest = max(Counter(text for text, own in rows if own == label).values())
        assert abs(splits.test["label"][:].count(label) - target) < largest


def test_a_duplicate_text_never_straddles_train_and_validation() -> None:
    rows = [(text, label) for text, label in reviews(20, 20) for text in (text, text.upper(), f" {text}<br />")]
    sides = by_split(split_rows(rows, DataConfig(validation_fraction=0.3)))
    assert not keys(sides["train"]) & keys(sides["validation"])
    assert all(len(side) == 3 * len(keys(side)) for side in sides.values())


def test_a_text_with_both_labels_stays_on_one_side() -> None:
    rows = [*reviews(30, 30), *[(review(200 + i), label) for i in range(20) for label in (0, 1)]]
    sides = by_split(split_rows(rows))
    assert sum(len(keys(side)) for side in sides.values()) == len(keys(rows))


def test_the_same_seed_gives_the_same_splits() -> None:
    rows = reviews(40, 40)
    assert by_split(split_rows(rows)) == by_split(split_rows(rows))


def test_another_seed_gives_another_split() -> None:
    rows = reviews(40, 40)
    first, second = (by_split(split_rows(rows, DataConfig(split_seed=seed))) for seed in (1, 2))
    assert set(first["test"]) != set(second["test"])
    assert set(first["validation"]) != set(second["validation"])
    assert Counter(len(side) for side in first.values()) == Counter(len(side) for side in second.values())


def test_the_splits_of_yesterday_are_those_of_today() -> None:
    splits = split_rows(reviews(10, 10), DataConfig(max_train_samples=12, validation_fraction=0.25))
    assert splits.summary.fingerprint == "82c5f97776485f471175ea9ef4b9410912d9b8411d208482f7239abf9d965719"


def test_the_format_does_not_matter_for_the_splits() -> None:
    rows = reviews(20, 20)
    frame = pd.DataFrame({"text": [text for text, _ in rows], "label": [float(label) for _, label in rows]})
    from_frame = load_splits(DataConfig(), frame).splits
    assert from_frame.summary.fingerprint == split_rows(rows).summary.fingerprint


def test_more_rows_leave_most_test_rows_where_they_are() -> None:
    before = keys(by_split(split_rows(reviews(100, 100)))["test"])
    after = keys(by_split(split_rows([*reviews(100, 100), *reviews(10, 10, start=1000)]))["test"])
    assert len(before & after) > 0.8 * len(before)


def test_the_columns_are_text_and_class_label_with_the_users_names() -> None:
    config = DataConfig(positive_label="spam")
    rows = [(text, ("ham", "spam")[label]) for text, label in reviews(20, 20)]
    splits, names, *_ = load_splits(config, ([text for text, _ in rows], [label for _, label in rows]))
    assert names == ("ham", "spam")
    for name in SPLITS:
        assert getattr(splits, name).column_names == ["text", "label"]
        assert getattr(splits, name).features["label"].names == ["ham", "spam"]
    assert {(text, names[label]) for side in by_split(splits).values() for text, label in side} == set(rows)


def test_the_summary_counts_every_split_and_class() -> None:
    splits = split_rows(reviews(50, 100))
    assert splits.summary.rows == {
        "train": {"negative": 36, "positive": 72},
        "validation": {"negative": 4, "positive": 8},
        "test": {"negative": 10, "positive": 20},
    }
    assert splits.summary.test_overlap_rows == 0


def test_splits_that_the_source_brings_are_taken_as_they_are() -> None:
    given_splits = {"train": reviews(10, 5), "validation": reviews(2, 3, 100), "test": reviews(4, 4, 200)}
    assert by_split(split_tables(given_splits)) == given_splits


def test_a_given_test_split_stays_whole_and_validation_comes_from_train() -> None:
    train, test = reviews(20, 20), reviews(4, 4, 200)
    sides = by_split(split_tables({"train": train, "test": test}))
    assert sides["test"] == test
    assert sorted(sides["train"] + sides["validation"]) == sorted(train)


def test_a_given_validation_split_stays_whole_and_test_comes_from_train() -> None:
    train, validation = reviews(20, 20), reviews(4, 4, 200)
    sides = by_split(split_tables({"train": train, "validation": validation}))
    assert sides["validation"] == validation
    assert sorted(sides["train"] + sides["test"]) == sorted(train)


def test_training_rows_that_also_stand_in_test_are_left_out_and_counted() -> None:
    train, test = reviews(20, 20), reviews(4, 4, 200)
    leaked = [(text.upper() + "<br />", label) for text, label in test[:3]]
    splits = split_tables({"train": [*leaked, *train], "test": [*test, test[0]]})
    sides = by_split(splits)
    assert sorted(sides["train"] + sides["validation"]) == sorted(train)
    assert sides["test"] == [*test, test[0]]
    assert left_out(splits) == {("train", "text also occurs in test"): 3}
    assert splits.summary.test_overlap_rows == 3


def test_validation_rows_that_also_stand_in_test_are_left_out_and_counted() -> None:
    train, validation, test = reviews(20, 20), reviews(4, 4, 100), reviews(4, 4, 200)
    splits = split_tables({"train": train, "validation": [*validation, *test[:2]], "test": test})
    assert by_split(splits) == {"train": train, "validation": validation, "test": test}
    assert left_out(splits) == {("validation", "text also occurs in test"): 2}
    assert splits.summary.test_overlap_rows == 2


def test_a_text_with_the_other_label_in_test_leaves_train_too() -> None:
    train, test = reviews(20, 20), reviews(4, 4, 200)
    leaked = [(text, 1 - label) for text, label in test]
    assert left_out(split_tables({"train": train + leaked, "test": test})) == {("train", "text also occurs in test"): 8}


def test_rows_that_also_stand_in_test_are_kept_on_request_and_counted() -> None:
    train, validation, test = reviews(20, 20), reviews(4, 4, 100), reviews(4, 4, 200)
    given_splits = {"train": [*train, *test[:3]], "validation": [*validation, test[5]], "test": test}
    splits = split_tables(given_splits, DataConfig(test_overlap="keep"))
    assert by_split(splits) == given_splits
    assert splits.summary.left_out == ()
    assert splits.summary.test_overlap_rows == 4


@pytest.mark.parametrize("overlap", ["drop", "keep"])
def test_training_rows_that_also_stand_in_a_given_validation_split_are_left_out(overlap: Any) -> None:
    train, validation, test = reviews(20, 20), reviews(4, 4, 100), reviews(4, 4, 200)
    given_splits = {"train": train + validation[:2], "validation": validation, "test": test}
    splits = split_tables(given_splits, DataConfig(test_overlap=overlap))
    assert by_split(splits) == {"train": train, "validation": validation, "test": test}
    assert left_out(splits) == {("train", "text also occurs in validation"): 2}
    assert splits.summary.test_overlap_rows == 0


@settings(deadline=None, max_examples=examples(30))
@given(limit=st.integers(8, 90), larger=st.integers(0, 90), seed=st.integers(0, 1000))
def test_a_limit_is_exact_stratified_nested_and_leaves_test_whole(limit: int, larger: int, seed: int) -> None:
    rows, test = reviews(30, 60), reviews(5, 5, 500)
    larger = min(90, limit + larger)
    small, large = (
        by_split(split_tables({"train": rows, "test": test}, DataConfig(max_train_samples=size, split_seed=seed)))
        for size in (limit, larger)
    )
    learnt = small["train"] + small["validation"]
    assert len(learnt) == limit
    assert abs(sum(label for _, label in learnt) - limit * 2 / 3) <= 0.5
    assert set(learnt) <= set(large["train"] + large["validation"])
    assert small["test"] == large["test"] == test


def test_a_limit_says_how_many_rows_it_leaves_out() -> None:
    splits = split_rows(reviews(100, 100), DataConfig(max_train_samples=50))
    assert left_out(splits) == {("train", "above max_train_samples=50"): 110}
    assert sum(sum(counts.values()) for counts in splits.summary.rows.values()) == 200 - 110


def test_a_limit_leaves_a_carved_test_split_as_it_is() -> None:
    rows = reviews(100, 100)
    limited = by_split(split_rows(rows, DataConfig(max_train_samples=20)))
    assert limited["test"] == by_split(split_rows(rows))["test"]


def test_a_limit_leaves_a_given_validation_split_whole() -> None:
    tables = {"train": reviews(20, 20), "validation": reviews(4, 4, 100), "test": reviews(4, 4, 200)}
    sides = by_split(split_tables(tables, DataConfig(max_train_samples=10)))
    assert len(sides["train"]) == 10
    assert sides["validation"] == tables["validation"]


def test_a_limit_counts_only_rows_that_remain_after_the_overlap() -> None:
    train, test = reviews(20, 20), reviews(4, 4, 200)
    splits = split_tables({"train": train + test, "test": test}, DataConfig(max_train_samples=40))
    assert left_out(splits) == {("train", "text also occurs in test"): 8}
    assert len(splits.train) + len(splits.validation) == 40


def test_three_rows_a_class_are_enough() -> None:
    sides = by_split(split_rows(reviews(3, 3)))
    assert all(sorted(label for _, label in side) == [0, 1] for side in sides.values())


def test_the_fingerprint_tells_any_change_of_a_text_a_label_or_a_side() -> None:
    tables = {"train": reviews(10, 10), "validation": reviews(2, 2, 100), "test": reviews(2, 2, 200)}
    seen = {split_tables(tables).summary.fingerprint}
    text, label = tables["test"][0]
    seen.add(split_tables({**tables, "test": [(text + ".", label), *tables["test"][1:]]}).summary.fingerprint)
    seen.add(split_tables({**tables, "test": [(text, 1 - label), *tables["test"][1:]]}).summary.fingerprint)
    swapped = {"train": tables["train"], "validation": tables["test"], "test": tables["validation"]}
    seen.add(split_tables(swapped).summary.fingerprint)
    assert len(seen) == 4


def test_notes_on_the_source_reach_the_summary() -> None:
    rows = raw_rows([f"text {i}" for i in range(20)], [0, 1] * 10, "here")
    raw = RawData("here", {"train": rows}, ("read upside down",))
    assert divided(raw, DataConfig()).summary.notes == ("read upside down",)


def test_arrow_chunks_make_no_difference() -> None:
    rows = reviews(20, 20)
    whole = raw_rows([text for text, _ in rows], [label for _, label in rows], "here")
    pieces = raw_rows(
        pa.chunked_array([whole.table["text"].slice(i, 7).combine_chunks() for i in range(0, 40, 7)]),
        pa.chunked_array([whole.table["label"].slice(i, 9).combine_chunks() for i in range(0, 40, 9)]),
    )
    first, second = (divided(RawData("here", {"train": part}, ()), DataConfig()) for part in (whole, pieces))
    assert by_split(first) == by_split(second)

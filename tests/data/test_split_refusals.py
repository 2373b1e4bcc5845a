from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from dividing import Pair, by_split, left_out, review, reviews, split_rows, split_tables

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.splits import load_splits
from imdb_sentiment.errors import DataError


def test_a_limit_above_what_there_is_is_refused() -> None:
    with pytest.raises(DataError, match="max_train_samples=1,000 exceeds the number of training rows") as caught:
        split_rows(reviews(50, 50), DataConfig(max_train_samples=1000))
    assert (caught.value.found, caught.value.hint) == ("80 training rows", "DataConfig(max_train_samples=80)")


def test_a_limit_that_leaves_a_class_without_rows_is_refused() -> None:
    with pytest.raises(DataError, match="max_train_samples=3 leaves one class without rows") as caught:
        split_rows(reviews(10, 990), DataConfig(max_train_samples=3))
    assert caught.value.found == "8 negative, 792 positive"


@pytest.mark.parametrize(
    ("rows", "split"),
    [
        (reviews(1, 1), "test"),
        (reviews(1, 50), "test"),
        (reviews(2, 50), "validation"),
        ([("same", 0), ("Same", 1)], "test"),
    ],
)
def test_fewer_rows_than_a_split_needs_are_refused(rows: list[Pair], split: str) -> None:
    with pytest.raises(DataError, match=f"too few rows to hold out a {split} split") as caught:
        split_rows(rows)
    assert "different texts" in str(caught.value.found)
    assert f"{split}_fraction" in str(caught.value.hint)


def test_a_given_split_that_lacks_a_class_is_refused() -> None:
    with pytest.raises(DataError, match="the test split lacks a class") as caught:
        split_tables({"train": reviews(20, 20), "test": reviews(0, 5, 200)})
    assert (caught.value.found, caught.value.expected) == ("0 negative, 5 positive", "rows of both classes")


def test_training_rows_that_all_stand_in_test_are_refused() -> None:
    rows = reviews(5, 5)
    with pytest.raises(DataError, match="too few rows to hold out a validation split"):
        split_tables({"train": rows, "test": rows})


def test_a_source_without_training_rows_is_refused() -> None:
    columns = {"text": ["dull", "fine"], "label": [0, 1]}
    with pytest.raises(DataError, match="the given data has no training rows") as caught:
        load_splits(DataConfig(), {"test": pa.table(columns), "dev": pa.table(columns)})
    assert caught.value.found == "splits test, validation"


INVALID: list[tuple[object, object]] = [
    ("fine", 1),
    (None, 0),
    ("", 1),
    (" <br />\u200b\x00\n", 0),
    (float("nan"), 0),
    (5, 0),
    ("no label", None),
    ("fine too", 0),
]


def test_rows_that_cannot_be_used_are_counted_and_listed() -> None:
    with pytest.raises(DataError, match="the given data has rows that cannot be used") as caught:
        split_rows(INVALID)
    assert caught.value.rows == (2, 3, 4, 5, 6, 7)
    found = str(caught.value.found)
    assert "text is null in 2 rows (2, 5)" in found
    assert "text is blank in 2 rows (3, 4)" in found
    assert "text is not a string in 1 row (6)" in found
    assert "label is null in 1 row (7)" in found
    assert "DataConfig(invalid_rows='drop')" in str(caught.value.hint)


def test_rows_that_cannot_be_used_are_left_out_on_request_and_counted() -> None:
    splits = split_rows([*INVALID, *reviews(20, 20)], DataConfig(invalid_rows="drop"))
    assert left_out(splits) == {
        ("train", "text is null"): 2,
        ("train", "text is blank"): 2,
        ("train", "text is not a string"): 1,
        ("train", "label is null"): 1,
    }
    rows = [("fine", 1), ("fine too", 0), *reviews(20, 20)]
    assert Counter(row for side in by_split(splits).values() for row in side) == Counter(rows)


def test_rows_that_cannot_be_used_are_counted_in_their_own_split() -> None:
    tables: dict[str, Any] = {"train": reviews(20, 20), "test": [*reviews(4, 4, 200), ("", 1)]}
    with pytest.raises(DataError, match="test has rows that cannot be used") as caught:
        split_tables(tables)
    assert caught.value.rows == (9,)
    splits = split_tables(tables, DataConfig(invalid_rows="drop"))
    assert left_out(splits) == {("test", "text is blank"): 1}


def test_many_rows_that_cannot_be_used_do_not_flood_the_message() -> None:
    with pytest.raises(DataError) as caught:
        split_rows([*[("", 1)] * 2000, *reviews(5, 5)])
    assert caught.value.found == "text is blank in 2,000 rows (1, 2, 3, 4, 5, ...)"
    assert len(caught.value.rows) == 2000


def test_a_label_that_only_stands_on_rows_left_out_does_no_harm() -> None:
    splits = split_rows([*reviews(20, 20), ("", 7), (None, "?")], DataConfig(invalid_rows="drop"))
    assert left_out(splits) == {("train", "text is blank"): 1, ("train", "text is null"): 1}


@pytest.mark.parametrize("invalid_rows", ["error", "drop"])
@pytest.mark.parametrize(
    ("rows", "found"), [([], "no rows at all"), ([("", 1)] * 3, "text is blank in 3 rows (1, 2, 3)")]
)
def test_a_source_without_one_row_to_use_is_refused(rows: list[Pair], found: str, invalid_rows: str) -> None:
    with pytest.raises(DataError, match="the given data has no rows that can be used") as caught:
        split_rows(rows, DataConfig().replace(invalid_rows=invalid_rows))
    assert caught.value.found == found


@pytest.mark.parametrize("text", ["None", "NA", "123", "nan", "true", "\u200d", "\U0001f600", "."])
def test_a_short_text_is_a_text(text: str) -> None:
    rows = [*reviews(20, 20), (text, 1)]
    assert (text, 1) in [row for side in by_split(split_rows(rows)).values() for row in side]


@pytest.mark.parametrize("labels", [[1] * 10, [0] * 10])
def test_one_class_only_is_refused(labels: list[int]) -> None:
    with pytest.raises(DataError, match="the given data has only one class") as caught:
        split_rows([(f"text {i}", label) for i, label in enumerate(labels)])
    assert caught.value.found == f"'{labels[0]}' (10 rows)"


def test_labels_are_understood_over_all_splits_together() -> None:
    with pytest.raises(DataError, match="labels of the given data are not understood") as caught:
        split_tables({"train": reviews(20, 20), "test": [("a", 0), ("b", -1)]})
    assert "'-1' (1 row)" in str(caught.value.found)


def test_labels_that_are_one_too_many_are_named_with_their_rows(tmp_path: Path) -> None:
    for name, odd in (("a", {2: "maybe"}), ("b", {1: "maybe", 4: "?"})):
        lines = [f"{review(i)},{odd.get(i, ('ham', 'spam')[i % 2])}" for i in range(1, 9)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["text,label", *lines]))
    config = DataConfig(source=str(tmp_path), positive_label="spam")
    with pytest.raises(DataError, match="has 4 different labels") as caught:
        load_splits(config)
    a, b = (tmp_path / f"{name}.csv" for name in "ab")
    assert caught.value.found == (
        "'spam' (7 rows), 'ham' (6 rows), 'maybe' (2 rows), '?' (1 row); "
        f"'maybe' in {a}: 1 row (2); {b}: 1 row (1); '?' in {b}: 1 row (4)"
    )
    assert caught.value.rows == (2, 9, 12)


def test_two_labels_that_are_not_understood_stand_in_too_many_rows_to_name() -> None:
    with pytest.raises(DataError, match="are not understood") as caught:
        split_rows([(review(i), "ab"[i % 2]) for i in range(20)])
    assert (caught.value.found, caught.value.rows) == ("'a' (10 rows), 'b' (10 rows)", ())

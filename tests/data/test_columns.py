from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imdb_sentiment.data.columns import check_columns, concatenate, rows_from_arrow, rows_from_values
from imdb_sentiment.errors import DataError

WANTED = (("text", "text_column"), ("label", "label_column"))


def chunked(values: list[Any], kind: Any = None) -> Any:
    return pa.chunked_array([pa.array(values, kind)])


def broken_utf8() -> Any:
    """An Arrow string column, as a careless program writes it, whose second value is not UTF-8."""
    offsets = np.array([0, 2, 4], dtype=np.int32)
    return pa.chunked_array([pa.StringArray.from_buffers(2, pa.py_buffer(offsets), pa.py_buffer(b"ok\xff\xfe"))])


def test_other_columns_may_stand_anywhere_and_even_twice() -> None:
    names = ["id", "label", "stars", "text", "stars"]
    check_columns(names, WANTED, "reviews.csv")
    with pytest.raises(DataError, match="column 'stars' stands 2 times"):
        check_columns(names, [*WANTED, ("stars", "text_column")], "reviews.csv")


def test_a_missing_text_column_is_named_with_the_nearest_one() -> None:
    with pytest.raises(DataError) as caught:
        check_columns(["id", "Texts", "label"], WANTED, "reviews.csv")
    assert str(caught.value).splitlines() == [
        "column 'text' is not in reviews.csv",
        "  found:    id, Texts, label",
        "  expected: the column that holds the text to classify",
        "  try:      --text-column Texts",
    ]


def test_a_missing_label_column_is_named_with_the_nearest_one() -> None:
    with pytest.raises(DataError, match=r"column 'label' is not in reviews\.csv") as caught:
        check_columns(["text", "lable"], WANTED, "reviews.csv")
    assert caught.value.expected == "the column that holds the label"
    assert caught.value.hint == "--label-column lable"


def test_without_a_near_name_the_hint_tells_the_option() -> None:
    with pytest.raises(DataError) as caught:
        check_columns(["text", "zzz"], WANTED, "reviews.csv")
    assert caught.value.hint == "--label-column NAME (label_column=... in Python)"


def test_a_table_without_columns_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        check_columns([], WANTED, "reviews.csv")
    assert caught.value.found == "no columns"


@pytest.mark.parametrize("twice", ["text", "label"])
def test_a_wanted_column_that_stands_twice_is_refused(twice: str) -> None:
    with pytest.raises(DataError, match=f"column '{twice}' stands 2 times in reviews.csv") as caught:
        check_columns(["text", "label", twice], WANTED, "reviews.csv")
    assert caught.value.found == f"text, label, {twice}"


@pytest.mark.parametrize("text", ["None", "NA", "NaN", "123", "true", "", " ", "\x00", "\U0001f600", "a" * 1_000_000])
def test_a_text_stays_as_it_is(text: str) -> None:
    rows = rows_from_values([text], ["pos"], "here")
    assert rows.texts.to_pylist() == [text]
    assert rows.not_text == ()


@settings(deadline=None, max_examples=100)
@given(texts=st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_texts_arrive_unchanged_and_in_order(texts: list[str | None]) -> None:
    from_values = rows_from_values(texts, ["pos"] * len(texts), "here")
    from_arrow = rows_from_arrow(chunked(texts, pa.string()), chunked(["pos"] * len(texts), pa.string()), "here")
    assert from_values.texts.to_pylist() == from_arrow.texts.to_pylist() == texts
    assert from_values.not_text == from_arrow.not_text == ()


@pytest.mark.parametrize("null", [None, float("nan"), pd.NA, pd.NaT, np.float64("nan"), np.float32("nan")])
def test_what_means_missing_becomes_null(null: object) -> None:
    rows = rows_from_values([null], [null], "here")
    assert (rows.texts.to_pylist(), rows.labels.to_pylist(), rows.not_text) == ([None], [None], ())


@pytest.mark.parametrize("value", [1, 0, 1.5, True, b"bytes", ["a"], {"a": 1}, pd.Timestamp(0), "\ud83d", float("inf")])
def test_a_text_that_is_no_text_is_listed_by_its_row(value: object) -> None:
    rows = rows_from_values(["fine", value, None, value], ["pos"] * 4, "here")
    assert rows.not_text == (2, 4)
    assert rows.texts.to_pylist() == ["fine", None, None, None]


@pytest.mark.parametrize(
    ("label", "written"),
    [
        ("pos", "pos"),
        (" Pos ", " Pos "),
        (1, "1"),
        (0, "0"),
        (-1, "-1"),
        (1.0, "1"),
        (1.5, "1.5"),
        (True, "true"),
        (False, "false"),
        (np.int64(1), "1"),
        (np.bool_(True), "true"),
        (np.float64(0.0), "0"),
        (np.float32(1.0), "1"),
        (np.str_("neg"), "neg"),
    ],
)
def test_a_label_of_any_type_is_written_out(label: object, written: str) -> None:
    assert rows_from_values(["fine"], [label], "here").labels.to_pylist() == [written]


@pytest.mark.parametrize(
    ("values", "kind", "written"),
    [
        ([1, 0, None], pa.int8(), ["1", "0", None]),
        ([1, 0, None], pa.uint64(), ["1", "0", None]),
        ([1.0, 0.0, float("nan")], pa.float64(), ["1", "0", None]),
        ([1.0, None, float("nan")], pa.float32(), ["1", None, None]),
        ([True, False, None], pa.bool_(), ["true", "false", None]),
        (["pos", "neg", None], pa.large_string(), ["pos", "neg", None]),
        (["pos", "neg", None], pa.string_view(), ["pos", "neg", None]),
        ([None, None, None], pa.null(), [None, None, None]),
    ],
)
def test_an_arrow_label_of_any_type_is_written_out(values: list[Any], kind: Any, written: list[str | None]) -> None:
    rows = rows_from_arrow(chunked(["a", "b", "c"]), chunked(values, kind), "here")
    assert rows.labels.to_pylist() == written
    assert rows.labels.type == pa.string()


def test_dictionary_encoded_columns_are_read_like_plain_ones() -> None:
    texts = pa.chunked_array([pa.array(["a", "b", None, "a"]).dictionary_encode()])
    labels = pa.chunked_array([pa.array([1, 0, None, 1]).dictionary_encode()])
    rows = rows_from_arrow(texts, labels, "here")
    assert rows.texts.to_pylist() == ["a", "b", None, "a"]
    assert rows.labels.to_pylist() == ["1", "0", None, "1"]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.string()])
def test_texts_of_any_string_type_are_read(kind: Any) -> None:
    rows = rows_from_arrow(chunked(["a", None], kind), chunked(["pos", "neg"]), "here")
    assert rows.texts.to_pylist() == ["a", None]
    assert rows.texts.type == pa.large_string()


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1, None, 3], pa.int64()), ([b"a", None, b"c"], pa.binary()), ([["a"], None, ["c"]], pa.list_(pa.string()))],
)
def test_an_arrow_column_that_holds_no_texts_lists_its_rows(values: list[Any], kind: Any) -> None:
    rows = rows_from_arrow(chunked(values, kind), chunked(["pos", "neg", "pos"]), "here")
    assert rows.not_text == (1, 3)
    assert rows.texts.to_pylist() == [None, None, None]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([["pos"]], pa.list_(pa.string())),
        ([{"a": 1}], pa.struct([("a", pa.int64())])),
        ([b"pos"], pa.binary()),
        ([b"pos\xff"], pa.large_binary()),
        ([b"pos\xff"], pa.binary(4)),
    ],
)
def test_labels_of_a_type_that_cannot_be_one_are_refused(values: list[Any], kind: Any) -> None:
    with pytest.raises(DataError, match="label column of here") as caught:
        rows_from_arrow(chunked(["a"]), chunked(values, kind), "here")
    assert caught.value.expected == "text, numbers or booleans"


def test_an_arrow_text_that_is_not_utf8_is_listed_by_its_row() -> None:
    rows = rows_from_arrow(broken_utf8(), chunked(["pos", "neg"]), "here")
    assert rows.texts.to_pylist() == ["ok", None]
    assert rows.not_text == (2,)


def test_an_arrow_label_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(DataError, match="here has labels that are not valid Unicode") as caught:
        rows_from_arrow(chunked(["a", "b"]), broken_utf8(), "here")
    assert caught.value.rows == (2,)


def test_a_label_with_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(DataError, match="here has labels that are not valid Unicode") as caught:
        rows_from_values(["a", "b"], ["pos", "\ud83d"], "here")
    assert caught.value.rows == (2,)


def test_texts_and_labels_must_be_equally_many() -> None:
    with pytest.raises(DataError, match="the given data has not one label for each text") as caught:
        rows_from_values(["text"] * 1234, ["pos"], "the given data")
    assert caught.value.found == "1,234 texts and 1 labels"


def test_parts_are_put_one_after_the_other_with_their_row_numbers() -> None:
    first = rows_from_values(["a", 1], ["pos", "neg"], "first")
    second = rows_from_arrow(chunked([2, 3]), chunked([0, 1]), "second")
    third = rows_from_values(["b"], [True], "third")
    rows = concatenate([first, second, third], "all")
    assert rows.origin == "all"
    assert rows.texts.to_pylist() == ["a", None, None, None, "b"]
    assert rows.labels.to_pylist() == ["pos", "neg", "0", "1", "true"]
    assert rows.not_text == (2, 3, 4)


def test_a_single_part_keeps_its_own_name() -> None:
    part = rows_from_values(["a"], ["pos"], "train.csv")
    assert concatenate([part], "folder (train)") is part

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from dividing import raw_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.formats.columns import column_specs
from imdb_sentiment.data.raw_rows import RawRows, batches_from_rows, batches_from_tables, collect, rows_from_columns
from imdb_sentiment.errors import DataError

WANTED = column_specs(DataConfig())


def chunked(values: list[Any], kind: Any = None) -> Any:
    return pa.chunked_array([pa.array(values, kind)])


def broken_utf8() -> Any:
    """An Arrow string column, as a careless program writes it, whose second value is not UTF-8."""
    offsets = np.array([0, 2, 4], dtype=np.int32)
    return pa.chunked_array([pa.StringArray.from_buffers(2, pa.py_buffer(offsets), pa.py_buffer(b"ok\xff\xfe"))])


@pytest.mark.parametrize("text", ["None", "NA", "NaN", "123", "true", "", " ", "\x00", "\U0001f600", "a" * 1_000_000])
def test_a_text_stays_as_it_is(text: str) -> None:
    rows = raw_rows([text], ["pos"], "here")
    assert rows.table["text"].to_pylist() == [text]
    assert rows.not_text == ()


@settings(deadline=None, max_examples=examples(100))
@given(texts=st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_texts_arrive_unchanged_and_in_order(texts: list[str | None]) -> None:
    from_values = raw_rows(texts, ["pos"] * len(texts), "here")
    from_arrow = raw_rows(chunked(texts, pa.string()), chunked(["pos"] * len(texts), pa.string()), "here")
    assert from_values.table["text"].to_pylist() == from_arrow.table["text"].to_pylist() == texts
    assert from_values.not_text == from_arrow.not_text == ()


@pytest.mark.parametrize("null", [None, float("nan"), pd.NA, pd.NaT, np.float64("nan"), np.float32("nan")])
def test_what_means_missing_becomes_null(null: object) -> None:
    rows = raw_rows([null], [null], "here")
    assert (rows.table["text"].to_pylist(), rows.table["label"].to_pylist(), rows.not_text) == ([None], [None], ())


@pytest.mark.parametrize("value", [1, 0, 1.5, True, b"bytes", ["a"], {"a": 1}, pd.Timestamp(0), "\ud83d", float("inf")])
def test_a_text_that_is_no_text_is_listed_by_its_row(value: object) -> None:
    rows = raw_rows(["fine", value, None, value], ["pos"] * 4, "here")
    assert rows.not_text == (2, 4)
    assert rows.table["text"].to_pylist() == ["fine", None, None, None]


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
        (np.array(1), "1"),
        (torch.tensor(0), "0"),
        (torch.tensor(1.0), "1"),
        (torch.tensor(True), "true"),
    ],
)
def test_a_label_of_any_type_is_written_out(label: object, written: str) -> None:
    assert raw_rows(["fine"], [label], "here").table["label"].to_pylist() == [written]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"pos", "bytes"),
        (np.bytes_(b"pos"), "bytes"),
        (bytearray(b"pos"), "bytearray"),
        ([1], "list"),
        ((0, 1), "tuple"),
        ({"value": 1}, "dict"),
        ({1}, "set"),
        (np.array([1]), "ndarray"),
        (torch.tensor([1.0]), "Tensor"),
    ],
)
@pytest.mark.parametrize("role", ["label", "group", "slice:source"])
def test_what_holds_several_values_names_nothing(value: object, kind: str, role: str) -> None:
    given: dict[str, Any] = {"label": [1, 1, 1], role: [1, value, None]}
    what = role.partition(":")[0]
    with pytest.raises(DataError, match=f"the {what} column of here does not hold {what}s") as caught:
        raw_rows(["a", "b", "c"], given.pop("label"), before=10, **given)
    assert caught.value.rows == (12,)
    assert caught.value.found == f"{kind} in 1 row (12)"


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
    rows = raw_rows(chunked(["a", "b", "c"]), chunked(values, kind), "here")
    assert rows.table["label"].to_pylist() == written
    assert rows.table["label"].type == pa.string()


def test_dictionary_encoded_columns_are_read_like_plain_ones() -> None:
    texts = pa.chunked_array([pa.array(["a", "b", None, "a"]).dictionary_encode()])
    labels = pa.chunked_array([pa.array([1, 0, None, 1]).dictionary_encode()])
    rows = raw_rows(texts, labels, "here")
    assert rows.table["text"].to_pylist() == ["a", "b", None, "a"]
    assert rows.table["label"].to_pylist() == ["1", "0", None, "1"]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.string()])
def test_texts_of_any_string_type_are_read(kind: Any) -> None:
    rows = raw_rows(chunked(["a", None], kind), chunked(["pos", "neg"]), "here")
    assert rows.table["text"].to_pylist() == ["a", None]
    assert rows.table["text"].type == pa.string()


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1, None, 3], pa.int64()), ([b"a", None, b"c"], pa.binary()), ([["a"], None, ["c"]], pa.list_(pa.string()))],
)
def test_an_arrow_column_that_holds_no_texts_lists_its_rows(values: list[Any], kind: Any) -> None:
    rows = raw_rows(chunked(values, kind), chunked(["pos", "neg", "pos"]), "here")
    assert rows.not_text == (1, 3)
    assert rows.table["text"].to_pylist() == [None, None, None]


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
        raw_rows(chunked(["a"]), chunked(values, kind), "here")
    assert caught.value.expected == "text, numbers or booleans"


def test_an_arrow_text_that_is_not_utf8_is_listed_by_its_row() -> None:
    rows = raw_rows(broken_utf8(), chunked(["pos", "neg"]), "here")
    assert rows.table["text"].to_pylist() == ["ok", None]
    assert rows.not_text == (2,)


def test_an_arrow_label_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(DataError, match="here has labels that are not valid Unicode") as caught:
        raw_rows(chunked(["a", "b"]), broken_utf8(), "here")
    assert caught.value.rows == (2,)


def test_a_label_with_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(DataError, match="here has labels that are not valid Unicode") as caught:
        raw_rows(["a", "b"], ["pos", "\ud83d"], "here")
    assert caught.value.rows == (2,)


@pytest.mark.parametrize("role", ["label", "group"])
def test_row_numbers_of_a_later_piece_count_through(role: str) -> None:
    broken = {"label": ["pos"] * 2, "group": ["pos"] * 2} | {role: ["a", "\ud83d"]}
    with pytest.raises(DataError, match=f"here has {role}s that are not valid Unicode") as caught:
        raw_rows(["a", "b"], broken["label"], "here", group=broken["group"], before=1000)
    assert caught.value.rows == (1002,)


def test_groups_are_written_out_like_labels() -> None:
    rows = raw_rows(["a", "b", "c"], ["pos"] * 3, "here", group=[7, None, "Heat"])
    assert rows.table["group"].to_pylist() == ["7", None, "Heat"]
    of_arrow = raw_rows(chunked(["a", "b"]), chunked(["pos"] * 2), "here", group=chunked([7.0, None]))
    assert of_arrow.table["group"].to_pylist() == ["7", None]


@pytest.mark.parametrize("made", [list, chunked])
def test_one_of_two_texts_may_be_null(made: Any) -> None:
    first, second = ["a", None, "c", None], ["A", "B", None, None]
    rows = raw_rows(made(first), made(["pos"] * 4), text_pair=made(second))
    assert rows.table["text"].to_pylist() == ["a", "", "c", None]
    assert rows.table["text_pair"].to_pylist() == ["A", "B", "", None]
    assert rows.not_text == ()


def test_a_row_with_a_second_text_that_is_no_text_is_listed() -> None:
    assert raw_rows(["a", 2, 3], ["pos"] * 3, text_pair=[1, "b", 3]).not_text == (1, 2, 3)
    assert raw_rows(chunked(["a", "b"]), chunked(["pos"] * 2), text_pair=chunked([1, None])).not_text == (1,)


def test_the_table_has_the_columns_that_there_are() -> None:
    assert raw_rows(["a"], ["pos"]).table.to_pydict() == {"text": ["a"], "label": ["pos"]}
    columns: Any = {"text": ["a"], "label": ["pos"], "text_pair": ["b"], "group": ["c"]}
    rows = rows_from_columns(columns, "here")
    assert rows.table.to_pydict() == columns
    assert rows_from_columns({role: chunked(values) for role, values in columns.items()}, "here").table == rows.table


def test_pieces_are_put_one_after_the_other_with_their_row_numbers() -> None:
    first = raw_rows(["a", 1], ["pos", "neg"], "first")
    second = raw_rows(chunked([2, 3]), chunked([0, 1]), "second")
    third = raw_rows(["b"], [True], "third")
    rows = collect(iter([first, second, third]), "all")
    assert rows.origin == "all"
    assert rows.table["text"].to_pylist() == ["a", None, None, None, "b"]
    assert rows.table["label"].to_pylist() == ["pos", "neg", "0", "1", "true"]
    assert rows.not_text == (2, 3, 4)
    assert rows.parts == (("first", 2), ("second", 2), ("third", 1))


def test_no_pieces_and_empty_ones_make_no_rows() -> None:
    empty = raw_rows(chunked([], pa.string()), chunked([], pa.string()), "here")
    for pieces in ([], [empty], [empty, empty], [raw_rows([], [], "here")]):
        rows = collect(pieces, "here")
        assert (len(rows), rows.table.column_names, list(rows.batches())) == (0, ["text", "label"], [])


def test_an_empty_piece_among_others_changes_nothing() -> None:
    empty = raw_rows([], [], "none")
    rows = collect([empty, raw_rows(["a"], ["pos"], "some"), empty], "all")
    assert rows.table["text"].to_pylist() == ["a"]


def test_rows_are_told_by_the_files_they_are_in() -> None:
    pieces = [raw_rows(["x"] * length, ["pos"] * length, name) for name, length in (("a", 3), ("a", 2), ("b", 4))]
    rows = collect(pieces, "all")
    assert rows.parts == (("a", 5), ("b", 4))
    assert rows.locate([2, 5, 6, 9]) == "a: 2 rows (2, 5); b: 2 rows (1, 4)"
    assert rows.locate([6]) == "b: 1 row (1)"
    assert collect(pieces[:2], "all").locate([2, 5]) == "2 rows (2, 5)"


def test_of_many_files_the_first_are_told() -> None:
    rows = collect([raw_rows(["x"], ["pos"], name) for name in "abcde"], "all")
    assert rows.locate([1, 2, 3, 4, 5]) == "a: 1 row (1); b: 1 row (1); c: 1 row (1); and 2 more files"


@given(positions=st.lists(st.integers(0, 9), max_size=20))
def test_texts_are_fetched_by_their_positions(positions: list[int]) -> None:
    pieces = [raw_rows([f"text {i}" for i in part], ["pos"] * len(part), "here") for part in ((0, 1), (), range(2, 10))]
    rows = collect(pieces, "here")
    assert rows.texts_at(np.array(positions, dtype=np.int64)) == [(f"text {i}",) for i in positions]


def test_pairs_of_texts_are_fetched_together() -> None:
    rows = raw_rows(["a", "b"], ["pos"] * 2, "here", text_pair=["A", "B"])
    assert rows.texts_at(np.array([1, 0, 1])) == [("b", "B"), ("a", "A"), ("b", "B")]


def lengths(pieces: list[RawRows]) -> list[int]:
    return [len(piece) for piece in pieces]


def test_short_rows_come_in_pieces_of_ten_thousand() -> None:
    pieces = list(batches_from_rows(((f"text {i}", i) for i in range(25_000)), WANTED, "here"))
    assert lengths(pieces) == [10_000, 10_000, 5_000]
    assert pieces[2].table["text"].to_pylist() == [f"text {i}" for i in range(20_000, 25_000)]
    assert collect(pieces, "here").table["label"].to_pylist() == [str(i) for i in range(25_000)]


def test_long_rows_come_in_small_pieces() -> None:
    long = "a" * 1_000_000
    assert max(lengths(list(batches_from_rows([(long, "pos")] * 100, WANTED, "here")))) <= 25
    assert max(lengths(list(batches_from_rows([(None, "pos"), (5, "neg"), (long, "pos")] * 50, WANTED, "here")))) <= 25


def test_no_rows_make_no_pieces() -> None:
    empty = pa.record_batch({"text": pa.array([], pa.string()), "label": pa.array([], pa.string())})
    assert list(batches_from_rows([], WANTED, "here")) == []
    assert list(batches_from_tables([], WANTED, "here")) == []
    assert list(batches_from_tables([empty, empty], WANTED, "here")) == []


def test_rows_are_taken_only_when_they_are_needed() -> None:
    def rows() -> Any:
        yield from [("a", "pos")] * 20_000
        raise AssertionError

    pieces = batches_from_rows(rows(), WANTED, "here")
    assert [len(next(pieces)), len(next(pieces))] == [10_000, 10_000]


@pytest.mark.parametrize("size", [1, 7, 10_000, 25_000])
def test_batches_of_any_size_come_in_pieces_of_about_ten_thousand(size: int) -> None:
    table = pa.table({"label": range(25_000), "more": [0] * 25_000, "text": [f"text {i}" for i in range(25_000)]})
    pieces = list(batches_from_tables(table.to_batches(size), WANTED, "here"))
    assert len(pieces) == 3
    assert all(10_000 <= length < 10_000 + size for length in lengths(pieces)[:-1])
    assert {piece.table["text"].num_chunks for piece in pieces} == {1}
    rows = collect(pieces, "here")
    assert rows.table["text"].to_pylist() == table["text"].to_pylist()
    assert rows.table["label"].to_pylist() == list(map(str, range(25_000)))


def test_a_batch_of_long_texts_is_cut() -> None:
    batch = pa.record_batch({"text": ["a" * 1_000_000] * 30, "label": ["pos"] * 30})
    assert max(lengths(list(batches_from_tables([batch], WANTED, "here")))) <= 10


@pytest.mark.parametrize("kind", [pa.string_view(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_small_batches_of_any_strings_are_joined(kind: Any) -> None:
    texts: list[list[str | None]] = [["a", None], ["b", "c" * 50], ["a", "d"]]
    batches = [pa.record_batch({"text": pa.array(part, kind), "label": pa.array(["x", "y"], kind)}) for part in texts]
    (piece,) = batches_from_tables(batches, WANTED, "here")
    assert piece.table["text"].to_pylist() == [text for part in texts for text in part]
    assert piece.table["label"].to_pylist() == ["x", "y"] * 3


def test_errors_count_rows_through_all_pieces() -> None:
    rows = [("a", "pos")] * 12_000 + [("a", "\ud83d")]
    with pytest.raises(DataError) as caught:
        list(batches_from_rows(rows, WANTED, "here"))
    assert caught.value.rows == (12_001,)
    assert collect(batches_from_rows([*rows[:12_000], (5, "pos")], WANTED, "here"), "here").not_text == (12_001,)

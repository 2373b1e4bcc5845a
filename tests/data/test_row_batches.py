"""Covers data/batches.py."""

from typing import Any

import pyarrow as pa
import pytest

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.batches import batches_from_rows, batches_from_tables
from imdb_sentiment.data.formats.columns import column_specs
from imdb_sentiment.data.raw_rows import RawRows, collect
from imdb_sentiment.errors import DataError

WANTED = column_specs(DataConfig())


def lengths(pieces: list[RawRows]) -> list[int]:
    return [len(piece) for piece in pieces]


def test_short_rows_come_in_pieces_of_ten_thousand() -> None:
    pieces = list(batches_from_rows(((f"text {i}", i) for i in range(25_000)), WANTED, "here"))
    assert lengths(pieces) == [10_000, 10_000, 5_000]
    assert pieces[2].texts.to_pylist() == [f"text {i}" for i in range(20_000, 25_000)]
    assert collect(pieces, "here").labels.to_pylist() == [str(i) for i in range(25_000)]


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
    assert {piece.texts.num_chunks for piece in pieces} == {1}
    rows = collect(pieces, "here")
    assert rows.texts.to_pylist() == table["text"].to_pylist()
    assert rows.labels.to_pylist() == list(map(str, range(25_000)))


def test_a_batch_of_long_texts_is_cut() -> None:
    batch = pa.record_batch({"text": ["a" * 1_000_000] * 30, "label": ["pos"] * 30})
    assert max(lengths(list(batches_from_tables([batch], WANTED, "here")))) <= 10


@pytest.mark.parametrize("kind", [pa.string_view(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_small_batches_of_any_strings_are_joined(kind: Any) -> None:
    texts: list[list[str | None]] = [["a", None], ["b", "c" * 50], ["a", "d"]]
    batches = [pa.record_batch({"text": pa.array(part, kind), "label": pa.array(["x", "y"], kind)}) for part in texts]
    (piece,) = batches_from_tables(batches, WANTED, "here")
    assert piece.texts.to_pylist() == [text for part in texts for text in part]
    assert piece.labels.to_pylist() == ["x", "y"] * 3


def test_errors_count_rows_through_all_pieces() -> None:
    rows = [("a", "pos")] * 12_000 + [("a", "\ud83d")]
    with pytest.raises(DataError) as caught:
        list(batches_from_rows(rows, WANTED, "here"))
    assert caught.value.rows == (12_001,)
    assert collect(batches_from_rows([*rows[:12_000], (5, "pos")], WANTED, "here"), "here").not_text == (12_001,)

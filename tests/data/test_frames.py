"""Covers data/data_like.py."""

import datetime as dt
import gc
import tempfile
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.raw_rows import RawRows
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.errors import DataError

COLUMNS: dict[str, list[Any]] = {
    "title": ["one", None, "three"],
    "id": [1, 2, 3],
    "body": ["ONE", "TWO", None],
    "label": [1, 0, None],
    "film": ["Heat", None, "Ran"],
}


class Stream:
    """A table of a library that is not known here, but speaks Arrow."""

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self._table = pa.table(columns)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


MAKERS: dict[str, Any] = {
    "pandas": pd.DataFrame,
    "pandas with Arrow": lambda columns: pd.DataFrame(columns).convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.DataFrame,
    "Arrow": pa.table,
    "Arrow batch": pa.record_batch,
    "Arrow reader": lambda columns: pa.table(columns).to_reader(max_chunksize=2),
    "datasets": datasets.Dataset.from_dict,
    "other": Stream,
}

every_table = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def read(data: object, **fields: Any) -> RawRows:
    return load_source(DataConfig(**fields), data).splits["train"]


@every_table
def test_a_table_of_any_library_is_read_the_same(make: Any) -> None:
    rows = read(make(COLUMNS), text_columns=("title", "body"), group_column="film")
    assert rows.table.to_pydict() == {
        "text": ["one", "", "three"],
        "text_pair": ["ONE", "TWO", ""],
        "label": ["1", "0", None],
        "group": ["Heat", None, "Ran"],
    }
    assert (rows.origin, rows.not_text) == ("the given data", ())


@every_table
def test_a_missing_column_is_told(make: Any) -> None:
    with pytest.raises(DataError, match="column 'text' is not in the given data") as caught:
        read(make(COLUMNS))
    assert caught.value.found == "title, id, body, label, film"


@every_table
def test_a_table_without_rows_has_none(make: Any) -> None:
    if make is not pa.record_batch:
        assert len(read(make({"text": [], "label": []}))) == 0


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, Stream])
def test_a_mapping_of_tables_of_any_library_is_read(make: Any) -> None:
    raw = load_source(
        DataConfig(text_column="title"), {name: make(COLUMNS) for name in ("train", "validation", "test")}
    )
    assert [rows.table["text"].to_pylist() for rows in raw.splits.values()] == [COLUMNS["title"]] * 3
    assert raw.splits["test"].origin == "the given data (test)"


@pytest.mark.parametrize(
    ("labels", "written"),
    [
        (pl.Series(["pos", None], dtype=pl.Categorical), ["pos", None]),
        (pl.Series(["pos", None], dtype=pl.Enum(["pos", "neg"])), ["pos", None]),
        (pl.Series([1, None], dtype=pl.Int128), ["1", None]),
        (pl.Series([1.0, float("nan")]), ["1", None]),
        (pl.Series([True, None]), ["true", None]),
        (pl.Series(["pos", 1], dtype=pl.Object), ["pos", "1"]),
        (pl.Series([dt.date(2020, 1, 1), None]), ["2020-01-01", None]),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")),
)
def test_polars_labels_of_any_type_are_written_out(labels: Any, written: list[str | None]) -> None:
    assert read(pl.DataFrame({"text": ["a", "b"], "label": labels})).table["label"].to_pylist() == written


def test_polars_texts_of_mixed_types_are_told_apart() -> None:
    texts = pl.Series(["fine", None, 5, "None"], dtype=pl.Object)
    rows = read(pl.DataFrame({"text": texts, "label": [1, 0, 1, 0]}))
    assert (rows.table["text"].to_pylist(), rows.not_text) == (["fine", None, None, "None"], (3,))


def test_columns_that_are_not_wanted_may_be_of_any_type() -> None:
    frame = pl.DataFrame({"text": ["a"], "label": [1], "more": pl.Series([object()], dtype=pl.Object)})
    assert read(frame).table["text"].to_pylist() == ["a"]


def test_a_lazy_frame_is_refused_with_what_to_do() -> None:
    for data in (pl.LazyFrame(COLUMNS), {"train": pl.LazyFrame(COLUMNS)}):
        with pytest.raises(DataError, match="data of this type cannot be read") as caught:
            load_source(DataConfig(), data)
        assert (caught.value.found, caught.value.hint) == ("LazyFrame", "a DataFrame: .collect()")


@pytest.mark.parametrize(
    "data", [pl.Series(["a"]), pd.Series(["a"]), pa.array(["a"]), pa.chunked_array([["a"]]), np.array(["a"])]
)
def test_a_single_column_is_no_table(data: object) -> None:
    with pytest.raises(DataError, match="data of this type cannot be read"):
        load_source(DataConfig(), data)


def test_an_arrow_column_that_stands_twice_is_refused() -> None:
    table = pa.Table.from_arrays([pa.array(["a"])] * 3, ["text", "label", "text"])
    for data in (table, table.to_reader()):
        with pytest.raises(DataError, match="column 'text' occurs 2 times"):
            load_source(DataConfig(), data)


@pytest.mark.parametrize("wrap", [list, tuple, lambda pairs: np.array(pairs, dtype=object)])
def test_texts_may_be_pairs(wrap: Any) -> None:
    rows = read((wrap([("a", "A"), ("b", None), (None, "C")]), [1, 0, 1]), text_columns=("title", "body"))
    assert rows.table.to_pydict() == {"text": ["a", "b", ""], "text_pair": ["A", "", "C"], "label": ["1", "0", "1"]}


def test_a_pair_may_be_null_or_hold_something_else() -> None:
    rows = read(([["a", "A"], None, ["c", 5]], [1, 0, 1]), text_columns=("title", "body"))
    assert rows.table["text"].to_pylist() == ["a", None, "c"]
    assert rows.not_text == (3,)


def test_texts_that_are_not_pairs_are_listed() -> None:
    with pytest.raises(DataError, match="has texts that are not pairs") as caught:
        read((["ab", ("a", "b"), ("a",), ("a", "b", "c")], [1, 0, 1, 0]), text_columns=("title", "body"))
    assert caught.value.rows == (1, 3, 4)


def test_texts_and_labels_have_no_groups() -> None:
    with pytest.raises(DataError, match="the given data has no column 'film'") as caught:
        read((["a"], [1]), group_column="film")
    assert caught.value.expected == "a table with the columns text, label, film"


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, Stream, datasets.Dataset.from_dict])
def test_a_large_table_goes_to_a_file(make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("imdb_sentiment.data.spill._MEMORY_BYTES", 100_000)
    texts = [None if i % 100 == 7 else f"text {i}" for i in range(25_000)]
    rows = read(make({"text": texts, "label": [i % 2 for i in range(25_000)]}))
    assert rows.file is not None
    assert rows.table["text"].to_pylist() == texts
    del rows
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_labels_that_are_not_unicode_are_told_by_their_row_in_a_large_table() -> None:
    labels = ["pos"] * 24_999 + ["\ud83d"]
    with pytest.raises(DataError, match="labels that are not valid Unicode") as caught:
        read((["a"] * 25_000, labels))
    assert caught.value.rows == (25_000,)


def test_class_labels_of_a_shuffled_data_set_are_read_by_their_names() -> None:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    table = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [0, 1, -1]}, features=features)
    rows = read(table.select([2, 0, 1]))
    assert rows.table.to_pydict() == {"text": ["c", "a", "b"], "label": ["-1", "no", "yes"]}


@pytest.mark.parametrize(
    "column", [pd.Series, pl.Series, pa.array, np.array, tuple, iter, lambda values: pa.chunked_array([values])]
)
def test_texts_and_labels_may_be_columns_of_any_library(column: Any) -> None:
    texts, labels = ["a", "b", "c"], ["x", "y", "x"]
    assert read((column(texts), column(labels))).table.to_pydict() == {"text": texts, "label": labels}


@pytest.mark.parametrize(
    "texts",
    [{"a", "b", "c", "d"}, {"a": 1, "b": 2}, pd.DataFrame(COLUMNS), "abcd", b"abcd", None, 5, frozenset("abcd")],
)
def test_texts_in_no_order_are_refused(texts: Any) -> None:
    values = list(COLUMNS["label"])
    for pair in ((texts, values), (values, texts)):
        with pytest.raises(DataError, match="data of this type cannot be read"):
            read(pair)


def test_dictionaries_are_rows_and_what_one_lacks_is_null() -> None:
    rows = [
        {"text": "a", "label": 1, "more": 5},
        {"label": 0},
        {"text": None, "label": None},
        {"text": 5, "label": "x"},
    ]
    found = read(rows)
    assert found.table.to_pydict() == {"text": ["a", None, None, None], "label": ["1", "0", None, "x"]}
    assert found.not_text == (4,)
    with pytest.raises(DataError, match="column 'text' is not in the given data") as caught:
        read([{"txet": "a", "label": 1}])
    assert caught.value.hint == "DataConfig(text_column='txet')"
    for mixed in ([{"text": "a", "label": 1}, "b"], [["a", 1]], [None], ["a"]):
        with pytest.raises(DataError, match="data of this type cannot be read") as caught:
            read(mixed)
        assert caught.value.hint == "(texts, labels): two lists in a tuple"


def test_columns_in_a_dictionary_are_no_splits() -> None:
    with pytest.raises(DataError, match="the splits of the given data are not understood") as caught:
        read({"text": ["a", "b"], "label": [0, 1]})
    assert caught.value.hint == "one table: pandas.DataFrame(data)"

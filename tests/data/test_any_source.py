"""Covers data/arrow_strings.py.

Whatever stands in a source comes back as it is, from every format; and no file is read as what it is not.
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.errors import DataError
from written_files import COMPRESSORS, pairs

Row = tuple[Any, Any]

AWKWARD = "\"',;|\t\n\r\x00\x1a\x85\u2028\u200b\u200d\ufeff\u202e\u05d0\u0645\u00e9\U0001f600\U0001f468 ab<br />"
LONG = 'A "long" film, \u00e9t\u00e9;\tand\r\nlonger. \U0001f600' * 30_000

texts = st.text(st.sampled_from(AWKWARD), max_size=10) | st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
labels = st.sampled_from(["pos", "neg", "a b", "\u05d0", '"', "1", "true"])
text_rows = st.lists(st.tuples(texts, labels), min_size=1, max_size=6)
null_rows = st.lists(st.tuples(st.none() | texts, st.none() | labels), min_size=1, max_size=6)
mixed_rows = st.lists(
    st.tuples(
        st.none() | texts | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.lists(st.integers()),
        st.none() | labels | st.integers(-3, 3) | st.booleans(),
    ),
    min_size=1,
    max_size=6,
)

quick = settings(deadline=None, max_examples=examples(25), suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


def in_columns(rows: list[Row]) -> dict[str, list[Any]]:
    return {"text": [text for text, _ in rows], "more": [0] * len(rows), "label": [label for _, label in rows]}


def write_csv(path: Path, rows: list[Row], dialect: str = "excel") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, dialect, quoting=csv.QUOTE_ALL).writerows([("label", "text"), *((b, a) for a, b in rows)])


def write_tsv(path: Path, rows: list[Row]) -> None:
    write_csv(path, rows, "excel-tab")


def write_jsonl(path: Path, rows: list[Row]) -> None:
    records = ({"text": text, "label": label} for text, label in rows)
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), "utf-8", newline="")


def write_parquet(path: Path, rows: list[Row]) -> None:
    pq.write_table(pa.table(in_columns(rows), _schema()), path)


def write_arrow(path: Path, rows: list[Row]) -> None:
    table = pa.table(in_columns(rows), _schema())
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _schema() -> "pa.Schema":
    return pa.schema([("text", pa.string()), ("more", pa.int64()), ("label", pa.string())])


WRITERS: dict[str, Callable[[Path, list[Row]], None]] = {
    ".csv": write_csv,
    ".tsv": write_tsv,
    ".jsonl": write_jsonl,
    ".parquet": write_parquet,
    ".arrow": write_arrow,
}


def read(source: Path | object) -> tuple[list[Row], tuple[int, ...]]:
    raw = load_source(DataConfig(source=str(source))) if isinstance(source, Path) else load_source(DataConfig(), source)
    rows = raw.splits["train"]
    return pairs(rows), rows.not_text


def write(path: Path, suffix: str, rows: list[Row]) -> Path:
    WRITERS[suffix](path, rows)
    if compress := COMPRESSORS.get(path.suffix):
        path.write_bytes(compress(path.read_bytes()))
    return path


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
@quick
@given(rows=text_rows)
@example(rows=[("a\rb", "neg"), ("\r\n", "pos"), ('"', "pos"), ("\ufeff", "neg")])
def test_any_texts_come_back_from_any_file(folder: Path, suffix: str, compression: str, rows: list[Row]) -> None:
    if suffix == ".tsv":  # where lines inside quotes may look like rows; see read_delimited
        rows = [(text.replace("\t", " ") if "\n" in text else text, label) for text, label in rows]
    path = write(folder / f"any{suffix}{compression}", suffix, rows)
    assert read(path) == (rows, ())


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".arrow"])
@quick
@given(rows=null_rows)
def test_nulls_come_back_from_files_that_have_such(folder: Path, suffix: str, rows: list[Row]) -> None:
    assert read(write(folder / f"nulls{suffix}", suffix, rows)) == (rows, ())


def as_read(rows: list[Row]) -> tuple[list[Row], tuple[int, ...]]:
    """What becomes of values of any type."""
    named = [
        str(label).lower() if isinstance(label, bool) else None if label is None else str(label) for _, label in rows
    ]
    texts = [text if isinstance(text, str) else None for text, _ in rows]
    not_text = (row for row, (text, _) in enumerate(rows, start=1) if text is not None and not isinstance(text, str))
    return list(zip(texts, named, strict=True)), tuple(not_text)


@quick
@given(rows=mixed_rows)
def test_what_is_no_text_is_told_by_its_row(folder: Path, rows: list[Row]) -> None:
    assert read(write(folder / "mixed.jsonl", ".jsonl", rows)) == as_read(rows)
    frame = pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in in_columns(rows).items()})
    assert read(frame) == as_read(rows)
    assert read(([text for text, _ in rows], [label for _, label in rows])) == as_read(rows)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, lambda columns: pa.table(columns, _schema())])
@quick
@given(rows=null_rows)
def test_any_texts_come_back_from_any_table(make: Any, rows: list[Row]) -> None:
    assert read(make(in_columns(rows))) == (rows, ())


@pytest.mark.parametrize("name", [f"long{suffix}{more}" for suffix in WRITERS for more in ("", ".gz", ".zst")])
def test_a_text_of_a_megabyte_comes_back_from_any_file(folder: Path, name: str) -> None:
    rows = [(LONG, "pos"), ("", "neg"), ("\x00", "pos")]
    same = read(write(folder / name, f".{name.split('.')[1]}", rows)) == (rows, ())
    assert same  # not compared here, since nobody could read what pytest would show


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_text_of_a_megabyte_comes_back_from_any_table(make: Any) -> None:
    rows = [(LONG, "pos"), (None, None), ("", "neg")]
    same = read(make(in_columns(rows))) == (rows, ())
    assert same


def content_of(suffix: str, folder: Path) -> bytes:
    rows = [(f"a film {i}, \u00e9t\u00e9", "pos") for i in range(20)]
    return write(folder / f"sound{suffix}", suffix, rows).read_bytes()


@pytest.mark.parametrize("suffix", WRITERS)
@settings(deadline=None, max_examples=examples(150))
@given(data=st.data())
def test_any_bytes_give_rows_or_a_data_error(folder: Path, suffix: str, data: st.DataObject) -> None:
    sound = content_of(suffix, folder)
    kind = data.draw(st.sampled_from(["any", "begun", "cut", "changed"]))
    if kind == "any":
        content = data.draw(st.binary(max_size=200))
    elif kind == "begun":
        content = sound[: data.draw(st.integers(0, 60))] + data.draw(st.binary(max_size=100))
    else:
        place = data.draw(st.integers(0, len(sound)))
        more = data.draw(st.binary(min_size=1, max_size=8))
        content = sound[:place] if kind == "cut" else sound[:place] + more + sound[place + len(more) :]
    compression = data.draw(st.sampled_from(["", "", ".gz", ".zst"]))
    if compression and data.draw(st.booleans()):
        content = COMPRESSORS[compression](content)
    path = folder / f"broken{suffix}{compression}"
    path.write_bytes(content)
    message = ""
    rows: list[Row] = []
    try:
        rows, _ = read(path)
    except DataError as error:
        message = error.summary
    assert rows or str(path) in message


@pytest.mark.parametrize("name", ["all.csv", "all.tsv", "all.jsonl", "all.parquet", "all.arrow", "all.csv.gz"])
def test_a_text_of_all_characters_comes_back(folder: Path, name: str) -> None:
    everything = "".join(chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000)
    rows = [(everything, "pos"), (everything[::-1], "neg")]
    same = read(write(folder / name, f".{name.split('.')[1]}", rows)) == (rows, ())
    assert same

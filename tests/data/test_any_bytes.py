"""Whatever bytes a file holds: rows as Python's csv and json or pyarrow read them, or a `DataError`; nothing else."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.formats.opening import open_table
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.errors import DataError
from written_files import COMPRESSORS, ROWS, WRITERS

PIECES = (
    *(b'"', b'""', b",", b";", b"\t", b"|", b"\n", b"\r", b"\r\n", b"a", b" ", b"\0", b"\x1a", b"\xc2\x85"),
    *(b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\xff\xfe", b"\xe9", b"text", b"label", b"text,label\n", b"text\tlabel\r\n"),
    *(b"sep=;\n", b"{", b"}", b"[", b"]", b'{"text": "a", "label": 1}', b"\\", b"\\ud800", b"1", b"null", b"PAR1"),
    *(b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"ARROW1\0\0", b"<html", b"\x15\x04"),
)
"""What formats are made of."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bytes")


@pytest.fixture(scope="module")
def sound(folder: Path) -> dict[str, bytes]:
    """Return the content of a sound file of each format."""
    found = {}
    for suffix, writer in WRITERS.items():
        writer(folder / f"sound{suffix}", ROWS)
        found[suffix] = (folder / f"sound{suffix}").read_bytes()
    return found


@st.composite
def contents(draw: st.DrawFn, sound: bytes) -> bytes:
    """Draw arbitrary bytes, pieces of formats in any order, or a sound file with some of its bytes changed."""
    made = draw(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join) | st.binary(max_size=60))
    kind = draw(st.sampled_from(["new", "begun", "cut", "changed", "inserted"]))
    place = draw(st.integers(0, len(sound)))
    if kind == "new":
        return made
    if kind == "begun":
        return sound[: draw(st.integers(0, 60))] + made
    return (
        sound[:place]
        + {"cut": b"", "changed": made + sound[place + len(made) :], "inserted": made + sound[place:]}[kind]
    )


def read_all(path: Path, config: DataConfig) -> tuple[list[tuple[Any, Any]] | None, list[Any] | None]:
    """Read a file for training and for scoring; None for what is refused."""
    rows: list[tuple[Any, Any]] | None = None
    items: list[Any] | None = None
    said = str(path)
    try:
        raw = load_source(config.replace(source=path)).splits["train"]
        rows = list(zip(raw.table["text"].to_pylist(), raw.table["label"].to_pylist(), strict=True))
    except DataError as error:
        said = error.summary
    assert str(path) in said
    if path.suffix != ".arrow":
        try:
            with open_table(path, [config.text_column], header=config.header) as table:
                items = [item for chunk in table.chunks(7) for (item,) in chunk.items]
                assert len(items) == table.rows
        except DataError as error:
            said = error.summary
        assert str(path) in said
    return rows, items


@pytest.mark.parametrize("suffix", WRITERS)
@settings(deadline=None, max_examples=examples(200), suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), compression=st.sampled_from(["", "", "", ".gz", ".zst"]))
def test_any_bytes_are_read_or_refused(
    folder: Path, sound: dict[str, bytes], suffix: str, data: st.DataObject, compression: str
) -> None:
    content = data.draw(contents(sound[suffix]))
    packed = COMPRESSORS[compression](content) if compression and data.draw(st.booleans()) else content
    path = folder / f"any{suffix}{compression}"
    path.write_bytes(packed)
    delimited = suffix in (".csv", ".tsv", ".txt")
    header = not delimited or data.draw(st.booleans())
    config = DataConfig() if header else DataConfig(header=False, text_column="1", label_column="2")
    read_all(path, config)


records = st.lists(
    st.lists(
        st.sampled_from(['"', '""', "a", "b c", ";", "é", "\u2028", "\x85", "\n", '"x"', '"y\n"', "1", ""]), max_size=4
    ).map("".join),
    min_size=2,
    max_size=2,
).map(",".join)


@settings(deadline=None, max_examples=examples(400))
@given(
    lines=st.lists(records | st.just(""), max_size=6),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    header=st.booleans(),
)
@example(lines=['"a\nb",1', 'c"d,0'], newline="\r", header=True)
@example(lines=["a,1", "", "b,0"], newline="\r", header=False)
def test_what_is_accepted_as_csv_is_what_the_csv_module_reads(
    folder: Path, lines: list[str], newline: str, header: bool
) -> None:
    content = newline.join(["text,label" if header else "begun,1", *lines])
    path = folder / "csv.csv"
    path.write_bytes(content.encode())
    config = DataConfig() if header else DataConfig(header=False, text_column="1", label_column="2")
    rows, items = read_all(path, config)
    ends = "\r" if newline == "\r" else "\n"
    try:
        split = [line + ends for line in content.split(ends)]
        found = [record for record in csv.reader(split, strict=True) if record]
    except csv.Error:
        found = None
    if found is None or any(len(record) != 2 for record in found):
        assert rows is None or found is None or ends == "\r"
        if found is not None and ends == "\n":
            assert (rows, items) == (None, None)
        return
    body = found[1:] if header else found
    if rows is not None:
        assert rows == [(text, label or None) for text, label in body]
    if items is not None:
        assert items == [text for text, _ in body]
    if newline != "\r" or "\n" not in content:  # else it may be either of the two that ends its lines
        assert (rows is None) == (not body)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@settings(deadline=None, max_examples=examples(150))
@given(
    objects=st.lists(
        st.fixed_dictionaries({"text": values, "label": st.sampled_from(["0", 1, True])}), min_size=1, max_size=5
    ),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    escaped=st.booleans(),
    mark=st.booleans(),
)
def test_json_lines_are_what_the_json_module_reads(
    folder: Path, objects: list[dict[str, Any]], newline: str, escaped: bool, mark: bool
) -> None:
    path = folder / "json.jsonl"
    lines = [json.dumps(each, ensure_ascii=escaped) for each in objects]
    path.write_bytes(newline.join(lines).encode("utf-8-sig" if mark else "utf-8", "surrogatepass"))
    rows, items = read_all(path, DataConfig())
    read = [json.loads(line) for line in lines]
    if len(read) == 1 and all(isinstance(value, list | dict) for value in read[0].values()):
        assert rows is None
        return
    assert items == [each["text"] for each in read]
    assert rows is not None
    texts = [each["text"] if isinstance(each["text"], str) else None for each in read]
    assert [text for text, _ in rows] == texts


@settings(deadline=None, max_examples=examples(60))
@given(data=st.data())
def test_damaged_parquet_that_is_accepted_is_what_pyarrow_reads(
    folder: Path, sound: dict[str, bytes], data: st.DataObject
) -> None:
    content = data.draw(contents(sound[".parquet"]))
    path = folder / "damaged.parquet"
    path.write_bytes(content)
    rows, items = read_all(path, DataConfig())
    if rows is None:
        return
    table = pq.ParquetFile(pa.BufferReader(content)).read(columns=["text"])
    texts = table.column("text").cast(pa.binary()).to_pylist()
    assert [text if text is None else text.encode() for text, _ in rows if text is not None] == [
        text for text in texts if text is not None and _is_utf8(text)
    ]
    assert items is None or len(items) == len(rows)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True

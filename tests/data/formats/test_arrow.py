from pathlib import Path
from typing import Any

import datasets
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.file_sources import read_file
from imdb_sentiment.data.formats.arrow import read_arrow
from imdb_sentiment.errors import DataError
from written_files import pairs, write_parquet

DATA = DataConfig()


def test_a_parquet_file_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    pq.write_table(pa.table({"text": pa.array([], pa.string()), "label": pa.array([], pa.int64())}), path)
    with pytest.raises(DataError, match="has no rows"):
        read_file(path, DATA)


def test_a_parquet_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    pq.write_table(
        pa.Table.from_arrays([pa.array(["a"]), pa.array([1]), pa.array([0])], ["text", "label", "label"]), path
    )
    with pytest.raises(DataError, match="column 'label' occurs 2 times"):
        read_file(path, DATA)


@pytest.mark.parametrize("content", [b"", b"PAR1\x15\x04", b"PAR1\0and nothing else PAR1"])
def test_a_parquet_file_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"reviews\.parquet cannot be read as Parquet") as caught:
        read_file(path, DATA)
    assert caught.value.found


@settings(deadline=None, max_examples=examples(60), derandomize=True)
@given(data=st.data())
def test_a_damaged_parquet_file_gives_a_data_error_or_rows(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    write_parquet(path, [(f"review number {i} " * 3, "pos") for i in range(50)])
    content = bytearray(path.read_bytes())
    start = data.draw(st.integers(4, len(content) - 1))
    content[start : start + 8] = data.draw(st.sampled_from([b"\x00" * 8, b"\xff" * 8, b"", b"PARQUET!"]))
    path.write_bytes(content)
    rows, message = None, ""
    try:
        rows = read_file(path, DATA)
    except DataError as error:
        message = error.summary
    assert str(path) in message if rows is None else len(rows) > 0


def test_a_parquet_file_with_a_damaged_page_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    pq.write_table(pa.table({"text": ["good", "bad"], "label": [1, 0]}), path)
    content = bytearray(path.read_bytes())
    content[4:20] = b"\xff" * 16  # the first page's header
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"reviews\.parquet cannot be read as Parquet"):
        read_file(path, DATA)


def test_parquet_columns_of_other_types_are_written_out(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    table = {"text": pa.array(["a", "b", "a"]).dictionary_encode(), "label": [True, False, None]}
    pq.write_table(pa.table(table), path)
    assert pairs(read_file(path, DATA)) == [("a", "true"), ("b", "false"), ("a", None)]


TABLE = pa.table(
    {
        "id": range(25_000),
        "text": [f"text {i}" for i in range(25_000)],
        "label": pa.array([i % 2 for i in range(25_000)]).dictionary_encode(),
        "nested": [{"text": "no"}] * 25_000,
    }
)


def write_file(path: Path, table: "pa.Table" = TABLE, compression: str | None = None) -> Path:
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=10_001)
    return path


def write_stream(path: Path, table: "pa.Table" = TABLE, compression: str | None = None) -> Path:
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=10_001)
    return path


@pytest.mark.parametrize("write", [write_file, write_stream])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_arrow_files_of_both_formats_are_read(write: Any, compression: str | None, tmp_path: Path) -> None:
    path = write(tmp_path / "reviews.arrow", TABLE, compression)
    assert pairs(read_file(path, DATA)) == [(f"text {i}", str(i % 2)) for i in range(25_000)]


def test_what_datasets_keeps_is_read(tmp_path: Path) -> None:
    datasets.Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}).save_to_disk(tmp_path / "saved")
    (path,) = (tmp_path / "saved").glob("*.arrow")
    assert pairs(read_file(path, DATA)) == [("a", "1"), ("b", "0")]


def test_what_polars_writes_is_read(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"text": ["a", None, "a" * 100], "label": pl.Series(["pos", "neg", "pos"], dtype=pl.Categorical)}
    )
    frame.write_ipc(tmp_path / "reviews.arrow")
    frame.write_parquet(tmp_path / "reviews.parquet")
    for name in ("reviews.arrow", "reviews.parquet"):
        assert pairs(read_file(tmp_path / name, DATA)) == [("a", "pos"), (None, "neg"), ("a" * 100, "pos")]


@pytest.mark.parametrize("write", [write_file, write_stream])
def test_an_arrow_file_without_rows_is_refused(write: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no rows"):
        read_file(write(tmp_path / "reviews.arrow", TABLE.slice(0, 0)), DATA)


@pytest.mark.parametrize("write", [write_file, write_stream])
def test_an_arrow_column_that_is_missing_or_stands_twice_is_refused(write: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "reviews.arrow")
    with pytest.raises(DataError, match="column 'texts' is not in") as caught:
        read_file(path, DataConfig(text_column="texts"))
    assert caught.value.found == "id, text, label, nested"
    write(path, pa.Table.from_arrays([pa.array(["a"])] * 3, ["text", "label", "text"]))
    with pytest.raises(DataError, match="column 'text' occurs 2 times"):
        read_file(path, DATA)


@pytest.mark.parametrize("content", [b"", b"\0ARROW1", b"ARROW1\0\0 and nothing else ARROW1", b"\0\xff" * 8])
def test_an_arrow_file_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "reviews.arrow"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"reviews\.arrow cannot be read as Arrow") as caught:
        read_file(path, DATA)
    assert caught.value.found


@pytest.mark.parametrize("write", [write_file, write_stream])
def test_offsets_that_point_outside_are_refused(write: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "reviews.arrow", pa.table({"text": ["first", "second"] * 4, "label": ["pos", "neg"] * 4}))
    offsets = bytes(pa.array(["first", "second"] * 4).buffers()[1])
    content = path.read_bytes()
    assert content.count(offsets) == 1
    path.write_bytes(content.replace(offsets, offsets[:-4] + b"\0\0\0\x70"))
    with pytest.raises(DataError, match=r"reviews\.arrow cannot be read as Arrow"):
        read_file(path, DATA)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_an_arrow_text_that_is_not_utf8_is_listed(kind: Any, tmp_path: Path) -> None:
    texts = pa.array(
        [b"ok", b"\xff\xfe", None],
        {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}.get(kind, pa.binary_view()),
    ).view(kind)
    path = write_file(tmp_path / "reviews.arrow", pa.table({"text": texts, "label": [1, 0, 1]}))
    rows = read_file(path, DATA)
    assert (rows.table["text"].to_pylist(), rows.not_text) == (["ok", None, None], (2,))


def test_all_columns_that_are_wanted_are_read(tmp_path: Path) -> None:
    table = pa.table({"title": ["a", "b"], "id": [1, 2], "label": [1, 0], "film": ["A", None], "body": ["A", "B"]})
    config = DataConfig(text_columns=("title", "body"), group_column="film")
    pq.write_table(table, tmp_path / "reviews.parquet")
    write_file(tmp_path / "file.arrow", table)
    write_stream(tmp_path / "stream.arrow", table)
    for path in tmp_path.iterdir():
        assert read_file(path, config).table.to_pydict() == {
            "text": ["a", "b"],
            "text_pair": ["A", "B"],
            "label": ["1", "0"],
            "group": ["A", None],
        }


def test_long_texts_come_in_small_pieces(tmp_path: Path) -> None:
    table = pa.table({"text": [f"{i} " * 500_000 for i in range(30)], "label": [1] * 30})
    pq.write_table(table, tmp_path / "reviews.parquet", compression="zstd", use_dictionary=False)
    write_stream(tmp_path / "reviews.arrow", table)
    for name in ("reviews.parquet", "reviews.arrow"):
        pieces = list(read_arrow(tmp_path / name, DATA))
        assert max(len(piece) for piece in pieces) < 10
        assert (
            pa.chunked_array([chunk for piece in pieces for chunk in piece.table["text"].chunks]).to_pylist()
            == table["text"].to_pylist()
        )


@pytest.mark.parametrize("name", ["reviews.parquet", "reviews.arrow"])
def test_a_column_whose_name_is_not_utf8_is_refused(name: str, tmp_path: Path) -> None:
    table = pa.table({"text": ["a"], "label": [1], "m\u00f6re": [1]})
    pq.write_table(table, tmp_path / "reviews.parquet", store_schema=False)
    write_file(tmp_path / "reviews.arrow", table)
    path = tmp_path / name
    path.write_bytes(path.read_bytes().replace("m\u00f6re".encode(), b"m\xffre\xff"))
    with pytest.raises(DataError, match=r"cannot be read as (Parquet|Arrow)"):
        read_file(path, DATA)

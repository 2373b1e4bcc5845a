import errno
import gc
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from dividing import raw_rows

from imdb_sentiment.data.raw_rows import RawRows, collect
from imdb_sentiment.errors import DataError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files, and memory for 1,000 bytes."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("imdb_sentiment.data.spill._MEMORY_BYTES", 1000)
    return tmp_path


def pieces(number: int = 5, rows: int = 10) -> Iterator[RawRows]:
    for i in range(number):
        texts: list[object] = [f"text {i} {row} caf\u00e9" for row in range(rows - 2)]
        yield raw_rows([*texts, None, i], [str(i)] * rows, f"file {i}", group=[None, *range(rows - 1)])


def test_few_rows_are_kept_in_memory(folder: Path) -> None:
    rows = collect(pieces(1), "all")
    assert rows.file is None
    assert list(folder.iterdir()) == []


def test_many_rows_are_kept_in_a_file_and_are_the_same(folder: Path) -> None:
    rows = collect(pieces(), "all")
    assert rows.file is not None
    assert rows.file.path.is_relative_to(folder)
    expected = pa.concat_tables([piece.table for piece in pieces()])
    assert rows.table == expected
    assert pa.Table.from_batches(rows.batches()) == expected
    assert rows.not_text == (10, 20, 30, 40, 50)
    assert rows.parts == tuple((f"file {i}", 10) for i in range(5))


def test_rows_may_be_read_many_times_and_at_once(folder: Path) -> None:
    rows = collect(pieces(), "all")
    for one, other in zip(rows.batches(), rows.batches(), strict=True):
        assert one == other
    assert sum(batch.num_rows for batch in rows.batches()) == len(rows) == 50


def test_the_file_goes_when_the_rows_go(folder: Path) -> None:
    rows = collect(pieces(), "all")
    assert len(list(folder.iterdir())) == 1
    del rows
    gc.collect()
    assert list(folder.iterdir()) == []


def test_texts_outlive_the_rows_they_came_with(folder: Path) -> None:
    texts = collect(pieces(), "all").table["text"]
    gc.collect()
    assert texts.to_pylist()[:2] == ["text 0 0 caf\u00e9", "text 0 1 caf\u00e9"]


class FullDisk:
    """What Arrow gives for a file, with a disk that is full after some bytes."""

    def __init__(self, *_: object) -> None:
        self.closed = False

    def write(self, _: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def __getattr__(self, name: str) -> Any:
        return lambda *_: 0


def test_a_full_disk_is_explained(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pa, "OSFile", lambda *_: pa.PythonFile(FullDisk(), "w"))
    with pytest.raises(DataError, match="rows that do not fit into memory cannot be written") as caught:
        collect(pieces(), "all")
    assert caught.value.found == "No space left on device"
    assert "TMPDIR=FOLDER" in str(caught.value.hint)
    assert list(folder.iterdir()) == []


def test_a_folder_for_temporary_files_that_is_gone_is_explained(folder: Path) -> None:
    folder.rmdir()
    with pytest.raises(DataError, match="cannot be written to a temporary file"):
        collect(pieces(), "all")


@pytest.mark.parametrize("error", [OSError(errno.EIO, "the source is on fire"), ValueError("other")])
def test_an_error_of_the_source_stays_its_own(error: Exception, folder: Path) -> None:
    def failing() -> Iterator[RawRows]:
        yield from pieces()
        raise error

    with pytest.raises(type(error)) as caught:
        collect(failing(), "all")
    assert caught.value is error
    assert list(folder.iterdir()) == []

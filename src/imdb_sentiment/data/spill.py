"""Columns that may be larger than memory: large ones spill to a temporary file."""

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pyarrow as pa

from imdb_sentiment.errors import DataError

__all__ = ["RowFile", "disk_errors", "store_batches"]

_MEMORY_BYTES = 256 * 2**20


class RowFile:
    """A temporary Arrow file, removed when it is no longer referenced."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="imdb-sentiment-")
        self.path = Path(folder) / "rows.arrow"
        self.remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read the file, one batch at a time."""
        with pa.OSFile(str(self.path)) as source:
            reader = pa.ipc.open_file(source)
            for i in range(reader.num_record_batches):
                yield reader.get_batch(i)

    def mapped(self) -> pa.Table:
        """Map the file into memory."""
        return pa.ipc.open_file(pa.memory_map(str(self.path))).read_all()


def store_batches(batches: Iterable[pa.RecordBatch]) -> tuple[pa.Table, RowFile | None]:
    """Store one or more batches of one schema, in memory up to 256 MiB, else in a file in `TMPDIR`.

    Returns:
        All rows, and the file that holds them, if any.

    Raises:
        DataError: The file cannot be written, as when the disk is full.
    """
    source = iter(batches)
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in source:
        held.append(batch)
        size += batch.nbytes
        if size > _MEMORY_BYTES:
            file = _written(held, source)
            return file.mapped(), file
    return pa.Table.from_batches(held), None


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn an `OSError` while writing a temporary file into a `DataError`."""
    try:
        yield
    except OSError as error:
        raise DataError(
            "rows that do not fit into memory cannot be written to a temporary file",
            found=error.strerror or str(error),
            hint="a folder with more space: TMPDIR=FOLDER in the environment",
        ) from None


def _written(held: list[pa.RecordBatch], rest: Iterator[pa.RecordBatch]) -> RowFile:
    """Write the held batches, releasing them on the way, and the rest to a file."""
    with disk_errors():
        file = RowFile()
    try:
        with disk_errors():
            sink = pa.OSFile(str(file.path), "wb")
            writer = pa.ipc.new_file(sink, held[0].schema)
        with sink:
            for batch in chain(_emptied(held), rest):  # errors of the source are not disk errors
                with disk_errors():
                    writer.write_batch(batch)
            with disk_errors():
                writer.close()
    except BaseException:
        file.remove()
        raise
    return file


def _emptied(batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    while batches:
        yield batches.pop(0)

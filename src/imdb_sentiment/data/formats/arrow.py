"""Read and write Parquet and Arrow files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from imdb_sentiment.data.arrow_strings import names_beside
from imdb_sentiment.data.formats.columns import Added, Chunk, ColumnSpec, check_columns, column_specs
from imdb_sentiment.data.formats.compression import plain_suffix, whole_file
from imdb_sentiment.data.raw_rows import RawRows, batches_from_tables
from imdb_sentiment.errors import DataError

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["ParquetTable", "arrow_errors", "open_parquet", "read_arrow", "with_columns"]

_BATCH_BYTES = 8 * 2**20
_MAX_BATCH_ROWS = 10_000
_MIN_BATCH_ROWS = 16
_BUFFER = 2**20
_FILE_MARK = b"ARROW1"

_GROUP_ROWS = 65_536
_CHECK_BATCH_ROWS = 1024
_ADDED_TYPES = (pa.string(), pa.float32(), pa.string())


def read_arrow(path: Path, config: "DataConfig") -> Iterator[RawRows]:
    """Read the requested columns of a Parquet or Arrow file.

    Args:
        path: The file, compressed or not. One that ends in `.arrow` is in the format of Feather 2, or in the stream
            format of `datasets`.
        config: Names the columns.

    Raises:
        DataError: The file is of another format, is damaged, or lacks a column.
        OSError: The file cannot be opened.
    """
    specs = column_specs(config)
    read = _parquet_batches if plain_suffix(path) == ".parquet" else _arrow_batches
    with whole_file(path) as whole:
        yield from batches_from_tables(read(path, whole, specs), specs, str(path), names_beside(path))


def open_parquet(source: Path | BinaryIO) -> pq.ParquetFile:
    """Open a Parquet file for streaming; Arrow's defaults would keep everything read in memory."""
    return pq.ParquetFile(source, buffer_size=_BUFFER, pre_buffer=False)


def _parquet_batches(path: Path, whole: Path, specs: Sequence[ColumnSpec]) -> Iterator[pa.RecordBatch]:
    with whole.open("rb") as source, arrow_errors(path, "Parquet"):
        file = open_parquet(source)
        check_columns(file.schema_arrow.names, specs, str(path))
        names = list({column.name for column in specs})
        yield from file.iter_batches(_batch_rows(file.metadata), columns=names)


def _batch_rows(metadata: pq.FileMetaData) -> int:
    """Return the number of rows, with all columns, in about 8 MiB.

    Metadata of single columns are not read, since Arrow 26 aborts the process if they are damaged.
    """
    size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    rows: int = metadata.num_rows * _BATCH_BYTES // max(1, size)
    return max(_MIN_BATCH_ROWS, min(_MAX_BATCH_ROWS, rows))


def _arrow_batches(path: Path, whole: Path, specs: Sequence[ColumnSpec]) -> Iterator[pa.RecordBatch]:
    with whole.open("rb") as file:
        is_file = file.read(len(_FILE_MARK)) == _FILE_MARK
    with arrow_errors(path, "Arrow"), pa.memory_map(str(whole)) as source:
        schema = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(source).schema
        check_columns(schema.names, specs, str(path))
        places = {schema.get_field_index(column.name) for column in specs}
        options = pa.ipc.IpcReadOptions(included_fields=sorted(places))
        source.seek(0)
        if is_file:
            reader = pa.ipc.open_file(source, options=options)
            batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            batches = iter(pa.ipc.open_stream(source, options=options))
        for batch in batches:
            for column in batch.columns:
                _check_structure(column)
            yield batch


def _check_structure(column: pa.Array) -> None:
    """Check that no offset in a column of a mapped file points outside it. UTF-8 is checked later."""
    if pa.types.is_string(column.type):
        column = column.view(pa.binary())
    elif pa.types.is_large_string(column.type):
        column = column.view(pa.large_binary())
    elif pa.types.is_string_view(column.type):
        column = column.view(pa.binary_view())
    column.validate(full=True)


@contextmanager
def arrow_errors(origin: Path | str, kind: str) -> Iterator[None]:
    """Turn errors of Arrow into a `DataError`."""
    try:
        yield
    # Arrow raises OSError for a damaged page, UnicodeDecodeError for a damaged column name
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{origin} cannot be read as {kind}", found=str(error)) from None


class ParquetTable:
    """A Parquet file whose rows are scored.

    Args:
        path: The file.
        specs: The text columns.
        origin: Name of the file, for messages.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, specs: Sequence[ColumnSpec], origin: str) -> None:
        self._origin = origin
        with arrow_errors(origin, "Parquet"):
            self._file = open_parquet(path)
            self.columns = tuple(self._file.schema_arrow.names)
            self.rows: int = self._file.metadata.num_rows
        check_columns(self.columns, specs, origin)
        self._names = [column.name for column in specs]
        for _ in self._batches(_CHECK_BATCH_ROWS):
            pass

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield the rows in order, `size` at a time."""
        for batch in self._batches(size):
            columns = [batch.column(name).to_pylist() for name in self._names]
            yield Chunk(list(zip(*columns, strict=True)), batch)

    def _batches(self, size: int) -> Iterator[Any]:
        with arrow_errors(self._origin, "Parquet"):
            yield from self._file.iter_batches(size)

    def write_part(self, part: Path, chunk: Chunk, added: Added) -> None:
        """Write the rows with the added columns."""
        pq.write_table(with_columns(pa.Table.from_batches([chunk.rows]), added), part)

    def join(self, parts: Sequence[Path], target: Path, names: Sequence[str]) -> None:
        """Concatenate the parts, with large row groups."""
        schema = self._file.schema_arrow
        for name, kind in zip(names, _ADDED_TYPES, strict=True):
            schema = schema.append(pa.field(name, kind))
        waiting: list[Any] = []
        with pq.ParquetWriter(target, schema) as writer:
            for place, part in enumerate(parts, start=1):
                # not read_table, which rejects duplicate column names
                waiting.append(open_parquet(part).read().cast(schema))
                if sum(map(len, waiting)) >= _GROUP_ROWS or place == len(parts):
                    writer.write_table(pa.concat_tables(waiting))
                    waiting.clear()


def with_columns(rows: Any, added: Added) -> Any:
    """Append the added columns to a `pyarrow.Table` or `pyarrow.RecordBatch`."""
    for name, kind, values in zip(added.names, _ADDED_TYPES, added[1:], strict=True):
        rows = rows.append_column(name, pa.array(values, kind))
    return rows

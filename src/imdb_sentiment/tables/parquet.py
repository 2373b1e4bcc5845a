"""Parquet; columns keep their types."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from imdb_sentiment.data.arrow_files import arrow_errors, open_parquet
from imdb_sentiment.data.wanted import Wanted, check_columns
from imdb_sentiment.tables.table import Added, Chunk

__all__ = ["ParquetTable", "with_columns"]

_GROUP_ROWS = 65_536
_LOOKED_AT_ONCE = 1024


class ParquetTable:
    """A Parquet file.

    Args:
        path: Where it is.
        wanted: The columns of texts.
        origin: What messages call it.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, wanted: Sequence[Wanted], origin: str) -> None:
        self._origin = origin
        with arrow_errors(origin, "Parquet"):
            self._file = open_parquet(path)
            self.columns = tuple(self._file.schema_arrow.names)
            self.rows: int = self._file.metadata.num_rows
        check_columns(self.columns, wanted, origin)
        self._names = [column.name for column in wanted]
        for _ in self._batches(_LOOKED_AT_ONCE):
            pass

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Give the rows in order, so many at a time."""
        for batch in self._batches(size):
            columns = [batch.column(name).to_pylist() for name in self._names]
            yield Chunk(list(zip(*columns, strict=True)), batch)

    def _batches(self, size: int) -> Iterator[Any]:
        with arrow_errors(self._origin, "Parquet"):
            yield from self._file.iter_batches(size)

    def write_part(self, part: Path, chunk: Chunk, added: Added) -> None:
        """Write the rows with more columns."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(with_columns(pa.Table.from_batches([chunk.rows]), added), part)

    def join(self, parts: Sequence[Path], target: Path, names: Sequence[str]) -> None:
        """Write the rows of all parts, many of them in a row group."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = self._file.schema_arrow
        for name, kind in zip(names, _kinds(), strict=True):
            schema = schema.append(pa.field(name, kind))
        waiting: list[Any] = []
        with pq.ParquetWriter(target, schema) as writer:
            for place, part in enumerate(parts, start=1):
                # not read_table, which refuses two columns of one name
                waiting.append(open_parquet(part).read().cast(schema))
                if sum(map(len, waiting)) >= _GROUP_ROWS or place == len(parts):
                    writer.write_table(pa.concat_tables(waiting))
                    waiting.clear()


def with_columns(rows: Any, added: Added) -> Any:
    """Return a `pyarrow.Table` or a `pyarrow.RecordBatch` with more columns."""
    import pyarrow as pa

    for name, kind, values in zip(added.names, _kinds(), added[1:], strict=True):
        rows = rows.append_column(name, pa.array(values, kind))
    return rows


def _kinds() -> tuple[Any, Any, Any]:
    """Return the Arrow types of the columns that are added."""
    import pyarrow as pa

    return pa.string(), pa.float32(), pa.string()

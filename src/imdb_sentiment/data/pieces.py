"""Rows a piece at a time, so that a source may be larger than memory."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from imdb_sentiment.data.columns import RawRows, rows_from_columns
from imdb_sentiment.data.wanted import Wanted

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["pieces_from_batches", "pieces_from_rows"]

_PIECE_ROWS = 10_000
_PIECE_BYTES = 7 * 2**20  # Arrow doubles its buffers: below a power of two little of them stays unused


def pieces_from_rows(rows: Iterable[Sequence[object]], wanted: Sequence[Wanted], origin: str) -> Iterator[RawRows]:
    """Put rows, each the values of the wanted columns in their order, into pieces of about 8 MiB.

    Raises:
        DataError: See `rows_from_values`.
    """
    roles = [column.role for column in wanted]
    texts = sum(role in ("text", "text_pair") for role in roles)
    size = before = 0
    columns: list[list[object]] = [[] for _ in roles]

    def piece() -> RawRows:
        return rows_from_columns(dict(zip(roles, columns, strict=True)), origin, before=before)

    for row in rows:
        for column, value in zip(columns, row, strict=True):  # rows that are kept would be work for the collector
            column.append(value)
        for text in row[:texts]:
            if isinstance(text, str):
                size += len(text)
        if size >= _PIECE_BYTES or len(columns[0]) == _PIECE_ROWS:
            yield piece()
            before += len(columns[0])
            size = 0
            columns = [[] for _ in roles]
    if columns[0]:
        yield piece()


def pieces_from_batches(
    batches: "Iterable[pa.RecordBatch]", wanted: Sequence[Wanted], origin: str
) -> Iterator[RawRows]:
    """Take the wanted columns of Arrow batches of any size, in pieces of about 8 MiB.

    Raises:
        DataError: See `rows_from_arrow`.
    """
    import pyarrow as pa

    before = 0
    for batch in batches:
        step = max(1, min(_PIECE_ROWS, batch.num_rows * _PIECE_BYTES // max(1, batch.nbytes)))
        for start in range(0, batch.num_rows, step):
            part = batch.slice(start, step)
            columns = {role: pa.chunked_array([part.column(name)]) for name, _, role in wanted}
            yield rows_from_columns(columns, origin, before=before)
            before += part.num_rows

"""Batches of rows, so that a source may be larger than memory."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import pyarrow as pa

from imdb_sentiment.data.arrow_strings import size_of
from imdb_sentiment.data.class_names import ClassNames, named, names_in
from imdb_sentiment.data.formats.columns import ColumnSpec, Role
from imdb_sentiment.data.raw_rows import RawRows, rows_from_columns

__all__ = ["batches_from_rows", "batches_from_tables"]

_BATCH_ROWS = 10_000
_BATCH_BYTES = 4 * 2**20
_ROWS_AT_ONCE = 25


def batches_from_rows(rows: Iterable[Sequence[object]], specs: Sequence[ColumnSpec], origin: str) -> Iterator[RawRows]:
    """Group rows, each with the values of the requested columns, into batches of 10,000 rows or about 4 MiB.

    Raises:
        DataError: See `rows_from_values`.
    """
    roles = [column.role for column in specs]
    columns: dict[Role, list[object]] = {role: [] for role in roles}
    source = iter(rows)
    size = before = count = 0
    while some := list(islice(source, _ROWS_AT_ONCE)):
        for role, values in zip(roles, zip(*some, strict=True), strict=True):
            columns[role].extend(values)
            if role in ("text", "text_pair"):
                size += sum(len(text) for text in values if isinstance(text, str))
        count += len(some)
        if size >= _BATCH_BYTES or count == _BATCH_ROWS:
            yield rows_from_columns(columns, origin, before=before)
            before += count
            size = count = 0
            columns = {role: [] for role in roles}
    if count:
        yield rows_from_columns(columns, origin, before=before)


def batches_from_tables(
    batches: Iterable[pa.RecordBatch],
    specs: Sequence[ColumnSpec],
    origin: str,
    class_names: ClassNames | None = None,
) -> Iterator[RawRows]:
    """Regroup the requested columns of Arrow batches into batches of 10,000 rows or about 4 MiB.

    Args:
        batches: The batches, all of one schema.
        specs: The columns.
        origin: Name of the source.
        class_names: Class names for columns of ids; they override those in the schema.

    Raises:
        DataError: See `rows_from_arrow`.
    """
    names, roles = [column.name for column in specs], [column.role for column in specs]
    held: list[pa.RecordBatch] = []
    size = before = count = 0

    def build_batch() -> RawRows:
        table = pa.Table.from_batches(held)
        table = table.combine_chunks() if len(held) > 1 else table
        return rows_from_columns({column.role: table[column.role] for column in specs}, origin, before=before)

    named_as: ClassNames | None = None
    for batch in batches:
        if named_as is None:
            named_as = {**names_in(batch.schema, origin), **(class_names or {})}
        columns = [named(batch.column(name), named_as.get(name)) for name in names]
        part = pa.RecordBatch.from_arrays(columns, roles)
        step = max(1, min(_BATCH_ROWS, part.num_rows * _BATCH_BYTES // max(1, size_of(part))))
        for start in range(0, part.num_rows, step):
            held.append(part.slice(start, step))
            count += held[-1].num_rows
            size += size_of(held[-1])
            if size >= _BATCH_BYTES or count >= _BATCH_ROWS:
                yield build_batch()
                before += count
                size = count = 0
                held = []
    if held:
        yield build_batch()

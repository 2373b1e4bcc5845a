"""Rows of a source as Arrow strings, the common form of every source, read in batches that fit into memory."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from imdb_sentiment.data.arrow_strings import ClassNames, named, names_in, size_of, to_names, to_texts
from imdb_sentiment.data.formats.columns import SLICE, ColumnSpec, Role
from imdb_sentiment.data.row_weights import to_weights
from imdb_sentiment.data.spill import RowFile, store_batches
from imdb_sentiment.errors import list_rows

__all__ = ["RawData", "RawRows", "batches_from_rows", "batches_from_tables", "collect", "rows_from_columns"]

_BATCH_ROWS = 10_000
_BATCH_BYTES = 4 * 2**20
_ROWS_AT_ONCE = 25
_FILES_LISTED = 3


@dataclass(frozen=True, slots=True)
class RawRows:
    """Rows of a source, unchecked, in its order.

    Attributes:
        origin: Name of the file, folder or object, for messages.
        table: Strings in those of the columns `text`, `text_pair`, `label`, `group` and `slice:NAME` that exist, and
            numbers in `weight`. A text is null where the source has null or a value that is not text; if only one text
            of a pair is null, it is the empty string. In the other columns of strings, numbers and booleans are
            converted (`1`, `true`).
        not_text: Numbers, from 1, of rows whose text is neither null nor a valid string.
        parts: Name and number of rows of each source file, in order.
        notes: Remarks for the user on how the files were read.
        file: File that backs the table by memory mapping if it is too large for memory.
    """

    origin: str
    table: pa.Table
    not_text: tuple[int, ...] = ()
    parts: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()
    file: RowFile | None = None

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in batches; a file is read, not mapped, so that earlier batches take no memory."""
        return iter(self.table.to_batches(_BATCH_ROWS)) if self.file is None else self.file.batches()

    def texts_at(self, positions: NDArray[np.int64]) -> list[tuple[str, ...]]:
        """Return the texts at 0-based positions, in the given order: one or two per row."""
        # a temporary mapping, so that pages read once do not count as memory in use from then on
        table = self.table if self.file is None else self.file.mapped()
        columns = [table[name] for name in ("text", "text_pair") if name in table.column_names]
        return list(zip(*(_take(column, positions) for column in columns), strict=True))

    def slices_at(self, positions: NDArray[np.int64]) -> dict[Role, list[str | None]]:
        """Return the slice columns of the rows at 0-based positions."""
        roles = [name for name in self.table.column_names if name.startswith(SLICE)]
        return {role: _take(self.table[role], positions) for role in roles}

    def locate(self, rows: Sequence[int]) -> str:
        """Format ascending 1-based row numbers for a message, numbered within each file if there are several.

        Example: `3 rows (2, 5, 9)`, or `a.csv: 1 row (2); b.csv: 2 rows (1, 7)`.
        """
        if len(self.parts) < 2:
            return list_rows(rows)
        found: list[str] = []
        start = 0
        for origin, length in self.parts:
            inside = [row - start for row in rows[bisect_right(rows, start) : bisect_right(rows, start + length)]]
            if inside:
                found.append(f"{origin}: {list_rows(inside)}")
            start += length
        shown = "; ".join(found[:_FILES_LISTED])
        return shown + (f"; and {len(found) - _FILES_LISTED} more files" if len(found) > _FILES_LISTED else "")


class RawData(NamedTuple):
    """The unchecked rows of each split of a source."""

    origin: str
    splits: Mapping[str, RawRows]
    """Some of `train`, `validation` and `test`; an undivided source is all `train`."""

    notes: tuple[str, ...]
    """Remarks for the user on how the source was read."""


def rows_from_columns(
    columns: Mapping[Role, Sequence[object] | pa.ChunkedArray], origin: str, *, before: int = 0
) -> RawRows:
    """Convert columns of equal length, each a sequence of Python values or an Arrow array of any type.

    Args:
        columns: The columns by role.
        origin: Name of the source.
        before: Number of preceding rows, for row numbers in messages.

    Raises:
        DataError: A label, group or slice is neither text nor a number nor a boolean, or is not valid Unicode; or a
            weight is not a positive number.
    """
    wrong: set[int] = set()
    converted: dict[Role, pa.ChunkedArray] = {}
    for role, values in columns.items():
        if role in ("text", "text_pair"):
            converted[role], not_text = to_texts(values)
            wrong |= not_text
        elif role == "weight":
            converted[role] = to_weights(values, origin, before)
        else:
            converted[role] = to_names(values, role.partition(":")[0], origin, before)
    if "text_pair" in converted:
        first, second = converted["text"], converted["text_pair"]
        converted |= {"text": _filled(first, second), "text_pair": _filled(second, first)}
    table = pa.table(converted)
    return RawRows(origin, table, tuple(sorted(wrong)), ((origin, table.num_rows),))


def _filled(texts: pa.ChunkedArray, others: pa.ChunkedArray) -> pa.ChunkedArray:
    """Replace null by the empty string where the other text of the pair has a value."""
    return pc.coalesce(texts, pc.if_else(pc.is_valid(others), "", None))


def batches_from_rows(rows: Iterable[Sequence[object]], specs: Sequence[ColumnSpec], origin: str) -> Iterator[RawRows]:
    """Group rows, each with the values of the requested columns, into batches of 10,000 rows or about 4 MiB.

    Raises:
        DataError: See `rows_from_columns`.
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
        DataError: See `rows_from_columns`.
    """
    names, roles = [column.name for column in specs], [column.role for column in specs]
    held: list[pa.RecordBatch] = []
    size = before = count = 0

    def build_batch() -> RawRows:
        table = pa.Table.from_batches(held)
        table = table.combine_chunks() if len(held) > 1 else table
        return rows_from_columns({role: table[role] for role in roles}, origin, before=before)

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


def collect(batches: Iterable[RawRows], origin: str) -> RawRows:
    """Concatenate batches of one split, which may be a generator; large data spill to a temporary file.

    Raises:
        DataError: The disk is full.
    """
    not_text: list[int] = []
    parts: list[tuple[str, int]] = []
    notes: list[str] = []
    rows = 0

    def record_batches() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        for batch in batches:
            not_text.extend(rows + row for row in batch.not_text)
            rows += len(batch)
            for name, length in batch.parts:
                if parts and parts[-1][0] == name:
                    parts[-1] = (name, parts[-1][1] + length)
                else:
                    parts.append((name, length))
                    notes.extend(batch.notes)  # each batch of a file has them
            yield from batch.batches()

    source = record_batches()
    first = next(source, None)
    if first is None:
        return rows_from_columns({"text": [], "label": []}, origin)
    table, file = store_batches(chain([first], source))
    return RawRows(origin, table, tuple(not_text), tuple(parts), tuple(notes), file)


def _take(column: pa.ChunkedArray, positions: NDArray[np.int64]) -> list[Any]:
    """Take strings chunk by chunk; Arrow's own `take` would first combine all chunks."""
    order = np.argsort(positions, kind="stable")
    rising = np.asarray(positions)[order]
    starts = np.cumsum([0, *(len(chunk) for chunk in column.chunks)])
    bounds = np.searchsorted(rising, starts)
    found: list[str | None] = []
    for i, chunk in enumerate(column.chunks):
        if bounds[i] < bounds[i + 1]:
            found += chunk.take(pa.array(rising[bounds[i] : bounds[i + 1]] - starts[i])).to_pylist()
    texts: list[str | None] = [None] * len(found)
    for place, text in zip(order.tolist(), found, strict=True):
        texts[place] = text
    return texts

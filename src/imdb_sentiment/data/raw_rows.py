"""Raw text and label columns as Arrow strings, the common form of every source."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from imdb_sentiment.data.arrow_strings import names_from_arrow, names_from_values, texts_from_arrow, texts_from_values
from imdb_sentiment.data.formats.columns import SLICE, Role
from imdb_sentiment.data.spill import RowFile, store_batches
from imdb_sentiment.errors import DataError, list_rows

__all__ = ["RawRows", "collect", "rows_from_arrow", "rows_from_columns", "rows_from_values"]

_BATCH_ROWS = 10_000
_FILES_LISTED = 3


@dataclass(frozen=True, slots=True)
class RawRows:
    """Texts and labels of a source, unchecked, in its order.

    Attributes:
        origin: Name of the file, folder or object, for messages.
        texts: Arrow strings; null where the source has null or a value that is not text.
        labels: Arrow strings; numbers and booleans are converted (`1`, `true`).
        not_text: Numbers, from 1, of rows whose text is neither null nor a valid string.
        second_texts: Second texts, if any, like `texts`. If only one text of a pair is null, it becomes the empty
            string.
        groups: Values of the group column, like `labels`; None without one.
        slices: Values of the slice columns by role, like `labels`.
        parts: Name and number of rows of each source file, in order.
        file: File that backs the arrays by memory mapping if they are too large for memory.
    """

    origin: str
    texts: pa.ChunkedArray
    labels: pa.ChunkedArray
    not_text: tuple[int, ...] = ()
    second_texts: pa.ChunkedArray | None = None
    groups: pa.ChunkedArray | None = None
    slices: Mapping[Role, pa.ChunkedArray] = field(default_factory=dict)
    parts: tuple[tuple[str, int], ...] = ()
    file: RowFile | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in batches; a file is read, not mapped, so that earlier batches take no memory."""
        return iter(self.table().to_batches(_BATCH_ROWS)) if self.file is None else self.file.batches()

    def table(self) -> pa.Table:
        """Return those of the columns `text`, `text_pair`, `label`, `group` and `slice:NAME` that exist."""
        columns = {"text": self.texts, "text_pair": self.second_texts, "label": self.labels, "group": self.groups}
        return pa.table({name: column for name, column in columns.items() if column is not None} | dict(self.slices))

    def texts_at(self, positions: NDArray[np.int64]) -> list[tuple[str, ...]]:
        """Return the texts at 0-based positions, in the given order: one or two per row."""
        # a temporary mapping, so that pages read once do not count as memory in use from then on
        table = self.table() if self.file is None else self.file.mapped()
        columns = [table[name] for name in ("text", "text_pair") if name in table.column_names]
        return list(zip(*(_take(column, positions) for column in columns), strict=True))

    def slices_at(self, positions: NDArray[np.int64]) -> dict[Role, list[str | None]]:
        """Return the slice columns of the rows at 0-based positions."""
        return {role: _take(column, positions) for role, column in self.slices.items()}

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


def rows_from_arrow(
    texts: pa.ChunkedArray,
    labels: pa.ChunkedArray,
    origin: str,
    *,
    second_texts: pa.ChunkedArray | None = None,
    groups: pa.ChunkedArray | None = None,
    slices: Mapping[Role, pa.ChunkedArray] | None = None,
    before: int = 0,
) -> RawRows:
    """Convert Arrow columns of any type to `RawRows`.

    Args:
        texts: Texts.
        labels: Labels, of equal length.
        origin: Name of the source.
        second_texts: Second texts of pairs.
        groups: Group column.
        slices: Slice columns by role.
        before: Number of preceding rows, for row numbers in messages.

    Raises:
        DataError: The labels, groups or slices are neither text nor numbers nor booleans, or are not UTF-8.
    """
    return _assemble(
        texts_from_arrow(texts),
        None if second_texts is None else texts_from_arrow(second_texts),
        names_from_arrow(labels, "label", origin, before),
        None if groups is None else names_from_arrow(groups, "group", origin, before),
        {role: names_from_arrow(column, "slice", origin, before) for role, column in (slices or {}).items()},
        origin,
    )


def rows_from_values(
    texts: Sequence[object],
    labels: Sequence[object],
    origin: str,
    *,
    second_texts: Sequence[object] | None = None,
    groups: Sequence[object] | None = None,
    slices: Mapping[Role, Sequence[object]] | None = None,
    before: int = 0,
) -> RawRows:
    """Convert sequences of Python values of any type; see `rows_from_arrow`.

    Raises:
        DataError: The sequences differ in length, or a label, group or slice is not valid Unicode.
    """
    if len(texts) != len(labels):
        found = f"{len(texts):,} texts and {len(labels):,} labels"
        raise DataError(f"{origin} needs one label for each text", found=found)
    return _assemble(
        texts_from_values(texts),
        None if second_texts is None else texts_from_values(second_texts),
        names_from_values(labels, "label", origin, before),
        None if groups is None else names_from_values(groups, "group", origin, before),
        {role: names_from_values(column, "slice", origin, before) for role, column in (slices or {}).items()},
        origin,
    )


def rows_from_columns(
    columns: Mapping[Role, Sequence[object]] | Mapping[Role, pa.ChunkedArray], origin: str, *, before: int = 0
) -> RawRows:
    """Convert columns given by role, all Python sequences or all Arrow arrays.

    Raises:
        DataError: See `rows_from_values` and `rows_from_arrow`.
    """
    of_arrow = isinstance(columns["text"], pa.ChunkedArray)
    make = rows_from_arrow if of_arrow else rows_from_values
    return make(
        columns["text"],
        columns["label"],
        origin,
        second_texts=columns.get("text_pair"),
        groups=columns.get("group"),
        slices={role: column for role, column in columns.items() if role.startswith(SLICE)},
        before=before,
    )


def collect(batches: Iterable[RawRows], origin: str) -> RawRows:
    """Concatenate batches of one split, which may be a generator; large data spill to a temporary file.

    Raises:
        DataError: The disk is full.
    """
    not_text: list[int] = []
    parts: list[tuple[str, int]] = []
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
            yield from batch.batches()

    source = record_batches()
    first = next(source, None)
    if first is None:
        return rows_from_values([], [], origin)
    table, file = store_batches(chain([first], source))
    return RawRows(
        origin,
        table["text"],
        table["label"],
        tuple(not_text),
        table["text_pair"] if "text_pair" in table.column_names else None,
        table["group"] if "group" in table.column_names else None,
        {name: table[name] for name in table.column_names if name.startswith(SLICE)},
        tuple(parts),
        file,
    )


def _assemble(
    texts: tuple[pa.ChunkedArray, set[int]],
    second_texts: tuple[pa.ChunkedArray, set[int]] | None,
    labels: pa.ChunkedArray,
    groups: pa.ChunkedArray | None,
    slices: Mapping[Role, pa.ChunkedArray],
    origin: str,
) -> RawRows:
    first, wrong = texts
    second = None
    if second_texts is not None:
        second, more = second_texts
        first, second = pc.coalesce(first, _empty_where(second)), pc.coalesce(second, _empty_where(first))
        wrong = wrong | more
    return RawRows(origin, first, labels, tuple(sorted(wrong)), second, groups, slices, ((origin, len(first)),))


def _empty_where(other: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the empty string where `other` has a value, else null."""
    return pc.if_else(pc.is_valid(other), "", None)


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

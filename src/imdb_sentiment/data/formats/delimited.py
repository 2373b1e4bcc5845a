"""Read and write CSV and TSV files."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.data.formats.columns import Added, Chunk, ColumnSpec, check_columns, column_specs
from imdb_sentiment.data.formats.compression import concatenate
from imdb_sentiment.data.formats.csv_records import records_as_text
from imdb_sentiment.data.formats.dialects import find_dialect, records_of, refuse_missing_header
from imdb_sentiment.data.formats.text import TextError, TextFile
from imdb_sentiment.data.raw_rows import RawRows, batches_from_rows
from imdb_sentiment.errors import DataError, list_rows
from imdb_sentiment.runtime.messages import list_values

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["DelimitedFile", "DelimitedTable", "read_delimited"]

_SAMPLE_RECORDS = 100


def read_delimited(path: Path, config: "DataConfig") -> Iterator[RawRows]:
    """Read the requested columns of a CSV or TSV file.

    Fields are not converted; an empty label or group is null. A quote character opens a quoted field only at the
    beginning of a field, and must then be closed (RFC 4180). Many TSV files use quote characters as ordinary text, as
    registered with IANA: a TSV file with the same number of fields in each line is read that way if quoting would merge
    lines or fields.

    Args:
        path: The file, compressed or not.
        config: Names the columns and the encoding, and says whether there is a header.

    Raises:
        DataError: The file is empty, cannot be decoded, lacks a column, or has ragged records or quotes that are never
            closed.
        OSError: The file cannot be read.
    """
    specs = column_specs(config)
    file = DelimitedFile(TextFile(path, config.encoding), specs, header=config.header)
    for batch in batches_from_rows(_rows(file, specs), specs, str(path)):
        yield replace(batch, notes=file.notes)


def _rows(file: "DelimitedFile", specs: Sequence[ColumnSpec]) -> Iterator[Sequence[str | None]]:
    pick = itemgetter(*(file.columns.index(column.name) for column in specs))
    texts = sum(column.role in ("text", "text_pair") for column in specs)
    for record in file.records():
        values = pick(record)
        yield values if all(values) else (*values[:texts], *(value or None for value in values[texts:]))


class DelimitedFile:
    """A CSV or TSV file whose columns are known.

    Args:
        text: The file.
        specs: Columns that it must have.
        header: Whether the first line names the columns; else they are named by position, from 1.

    Attributes:
        columns: Names of all columns.
        dialect: The file's dialect.
        notes: Remarks for the user on how it is read.

    Raises:
        DataError: The file is empty, its first record cannot be read, or it lacks a column.
        OSError: The file cannot be read.
    """

    def __init__(self, text: TextFile, specs: Sequence[ColumnSpec], *, header: bool) -> None:
        self._text = text
        self._header = header
        try:
            self.dialect = find_dialect(text, {column.name for column in specs}, header=header)
            first = next(records_of(text, self.dialect), None)
        except TextError as error:
            raise error.explain(text.path, 0 if header else 1) from None
        self.notes = (*text.notes, *self.dialect.notes)
        if first is None or not text.beginning():
            expected = "a header line and at least one row" if header else "at least one row"
            raise DataError(f"{text.path} is empty", expected=expected)
        self.columns = tuple(first) if header else tuple(str(place) for place in range(1, len(first) + 1))
        origin = str(text.path)
        if header:
            refuse_missing_header(first, self._beginning(), specs, origin)
        else:
            origin += ", whose columns have no names but positions"
        if len(first) == 1 < len(specs):
            expected = f"a column of texts and a column of labels, separated by {self.dialect.separator!r}"
            raise DataError(f"{text.path} has only one column", found=list_values(first), expected=expected)
        check_columns(self.columns, specs, origin)

    def _beginning(self) -> list[list[str]]:
        """Return the first rows, up to the first one that cannot be read."""
        rows: list[list[str]] = []
        with suppress(TextError):
            rows.extend(islice(records_of(self._text, self.dialect), 1, _SAMPLE_RECORDS))
        return rows

    def records(self) -> Iterator[list[str]]:
        """Yield the rows, each with one field per column.

        Raises:
            DataError: A row cannot be read, or some rows have more or fewer fields.
        """
        start = 0 if self._header else 1
        row = start - 1
        width = len(self.columns)
        ragged: list[int] = []
        first: list[str] = []
        try:
            for row, record in enumerate(records_of(self._text, self.dialect), start=start):
                if row == 0:
                    continue
                if len(record) != width:
                    first = first or record
                    ragged.append(row)
                elif not ragged:
                    yield record
        except TextError as error:
            raise error.explain(self._text.path, row + 1) from None
        if ragged:
            raise DataError(
                f"{self._text.path} is ragged in {list_rows(ragged)}",
                found=f"{len(first)} fields in row {ragged[0]}",
                expected=f"{width}: {list_values(self.columns)}",
                hint="put fields that contain the separator between double quotes",
                rows=ragged,
            )


class DelimitedTable(DelimitedFile):
    """A CSV or TSV file whose rows are scored.

    Args:
        text: The file.
        specs: The text columns.
        header: Whether its first line names the columns.
        spreadsheet_safe: Prefix cells that a spreadsheet might take for a formula with an apostrophe.
    """

    def __init__(self, text: TextFile, specs: Sequence[ColumnSpec], *, header: bool, spreadsheet_safe: bool) -> None:
        super().__init__(text, specs, header=header)
        self._safe = spreadsheet_safe
        self.rows = sum(1 for _ in self.records())
        self._places = [self.columns.index(column.name) for column in specs]

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield the rows in order, `size` at a time."""
        records = self.records()
        while rows := list(islice(records, size)):
            yield Chunk([tuple(row[place] for place in self._places) for row in rows], rows)

    def write_part(self, part: Path, chunk: Chunk, added: Added) -> None:
        """Write the records without a header."""
        more = ([label or "", _shown(score), reason or ""] for label, score, reason in added.rows())
        self._write(part, ([*row, *cells] for row, cells in zip(chunk.rows, more, strict=True)))

    def join(self, parts: Sequence[Path], target: Path, names: Sequence[str]) -> None:
        """Write the header and concatenate the parts."""
        header = target.with_name(f"{target.name}.header")
        self._write(header, [[*self.columns, *names]] if self._header else [])
        try:
            concatenate([header, *parts], target)
        finally:
            header.unlink()

    def _write(self, path: Path, records: Iterable[Sequence[str]]) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(records_as_text(records, self.dialect.separator, spreadsheet_safe=self._safe))


def _shown(score: float | None) -> str:
    return "" if score is None else f"{score:.6f}"

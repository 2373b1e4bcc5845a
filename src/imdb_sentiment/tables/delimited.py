"""CSV and TSV; what is written is UTF-8, with the separator of what was read."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from imdb_sentiment.data.dialects import find_dialect
from imdb_sentiment.data.records import long_fields, read_records
from imdb_sentiment.data.text_files import TextFile, UndecodableError
from imdb_sentiment.data.wanted import Wanted, check_columns
from imdb_sentiment.errors import DataError, list_rows
from imdb_sentiment.tables.compressing import concatenate
from imdb_sentiment.tables.record_writer import records_as_text
from imdb_sentiment.tables.table import Added, Chunk

__all__ = ["DelimitedTable"]


class DelimitedTable:
    """A CSV or TSV file.

    Args:
        text: The file.
        wanted: The columns of texts.
        spreadsheet_safe: Put an apostrophe before each cell that a spreadsheet might take for a formula.
    """

    def __init__(self, text: TextFile, wanted: Sequence[Wanted], *, spreadsheet_safe: bool) -> None:
        self._text = text
        self._safe = spreadsheet_safe
        try:
            with long_fields():
                self._dialect = find_dialect(text, wanted)
                self.columns, self.rows = self._look(wanted)
        except UndecodableError as error:
            raise text.explain(error, 0) from None
        self._places = [self.columns.index(column.name) for column in wanted]
        self.notes = (*text.notes, *self._dialect.notes)

    def _look(self, wanted: Sequence[Wanted]) -> tuple[tuple[str, ...], int]:
        """Return the header and the number of rows, once all were seen to be whole."""
        records = read_records(self._text, self._dialect)
        header = next(records, None)
        if header is None:
            raise DataError(f"{self._text.path} is empty", expected="a header line")
        check_columns(header, wanted, str(self._text.path))
        rows, ragged = 0, []
        for rows, record in enumerate(records, start=1):
            if len(record) != len(header):
                ragged.append(rows)
        if ragged:
            raise DataError(
                f"{self._text.path} is ragged in {list_rows(ragged)}",
                expected=f"{len(header)} fields: {', '.join(header)}",
                hint="put fields that contain the separator between double quotes",
                rows=ragged,
            )
        return tuple(header), rows

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Give the rows in order, so many at a time."""
        records = read_records(self._text, self._dialect)
        with long_fields():
            next(records)
        while True:
            with long_fields():
                rows = list(islice(records, size))
            if not rows:
                return
            yield Chunk([tuple(row[place] for place in self._places) for row in rows], rows)

    def write_part(self, part: Path, chunk: Chunk, added: Added) -> None:
        """Write the records; the header comes with `join`."""
        more = ([label or "", _shown(score), reason or ""] for label, score, reason in added.rows())
        self._write(part, ([*row, *cells] for row, cells in zip(chunk.rows, more, strict=True)))

    def join(self, parts: Sequence[Path], target: Path, names: Sequence[str]) -> None:
        """Write the header and the records of all parts."""
        header = target.with_name(f"{target.name}.header")
        self._write(header, [[*self.columns, *names]])
        try:
            concatenate([header, *parts], target)
        finally:
            header.unlink()

    def _write(self, path: Path, records: Iterable[Sequence[str]]) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(records_as_text(records, self._dialect.separator, spreadsheet_safe=self._safe))


def _shown(score: float | None) -> str:
    return "" if score is None else f"{score:.6f}"

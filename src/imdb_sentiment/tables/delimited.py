"""CSV and TSV; what is written is UTF-8, with the separator of what was read."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from imdb_sentiment.data.delimited import DelimitedFile
from imdb_sentiment.data.text_files import TextFile
from imdb_sentiment.data.wanted import Wanted
from imdb_sentiment.tables.compressing import concatenate
from imdb_sentiment.tables.record_writer import records_as_text
from imdb_sentiment.tables.table import Added, Chunk

__all__ = ["DelimitedTable"]


class DelimitedTable:
    """A CSV or TSV file.

    Args:
        text: The file.
        wanted: The columns of texts.
        header: Whether its first line names the columns.
        spreadsheet_safe: Put an apostrophe before each cell that a spreadsheet might take for a formula.
    """

    def __init__(self, text: TextFile, wanted: Sequence[Wanted], *, header: bool, spreadsheet_safe: bool) -> None:
        self._file = DelimitedFile(text, wanted, header=header)
        self._header = header
        self._safe = spreadsheet_safe
        self.columns, self.notes = self._file.columns, self._file.notes
        self.rows = sum(1 for _ in self._file.records())
        self._places = [self.columns.index(column.name) for column in wanted]

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Give the rows in order, so many at a time."""
        records = self._file.records()
        while rows := list(islice(records, size)):
            yield Chunk([tuple(row[place] for place in self._places) for row in rows], rows)

    def write_part(self, part: Path, chunk: Chunk, added: Added) -> None:
        """Write the records; the header comes with `join`."""
        more = ([label or "", _shown(score), reason or ""] for label, score, reason in added.rows())
        self._write(part, ([*row, *cells] for row, cells in zip(chunk.rows, more, strict=True)))

    def join(self, parts: Sequence[Path], target: Path, names: Sequence[str]) -> None:
        """Write the header and the records of all parts."""
        header = target.with_name(f"{target.name}.header")
        self._write(header, [[*self.columns, *names]] if self._header else [])
        try:
            concatenate([header, *parts], target)
        finally:
            header.unlink()

    def _write(self, path: Path, records: Iterable[Sequence[str]]) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(records_as_text(records, self._file.dialect.separator, spreadsheet_safe=self._safe))


def _shown(score: float | None) -> str:
    return "" if score is None else f"{score:.6f}"

"""The records of CSV and TSV text: what Python's csv module makes of it in its strict mode, several times as fast."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from imdb_sentiment.data.dialects import Dialect, plain_fields
from imdb_sentiment.data.text_files import TextFile, UndecodableError, lines_of
from imdb_sentiment.errors import DataError

__all__ = ["long_fields", "read_records"]

_LONGEST_FIELD = 2**27
"""Characters; more than that is a quote that is never closed, which would swallow the rest of a large file."""

_LONGEST_USUAL = 2**21
_MOST_USUAL = 1000
"""Characters of a record, and fields of it, up to which the fast way is taken."""


@contextmanager
def long_fields() -> Iterator[None]:
    """Let the csv module read long texts; its default refuses those above 128 KiB."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def read_records(text: TextFile, dialect: Dialect) -> Iterator[list[str]]:
    """Give the header and the rows; blank lines count for nothing.

    Raises:
        DataError: The text cannot be decoded, or a quoted field does not end as it should.
    """
    reading = (_Quoted if dialect.quoted else _Plain)(text, dialect)
    row = 0  # of the next record; the header is row 0
    try:
        for record in reading.records():
            if record:
                yield record
                row += 1
    except UndecodableError as error:
        raise text.explain(error, row) from None
    except csv.Error as error:
        raise DataError(
            f"{text.path} is not well-formed in {f'row {row:,}' if row else 'its header'} (line {reading.line:,})",
            found=str(error),
            expected='quoted fields that end in a quote, with quotes inside them doubled ("")',
            hint="save the file with standard quoting, or as TSV, Parquet or JSONL",
            rows=[row] if row else (),
        ) from None


class _Plain:
    """Records that are lines, cut at separators alone."""

    line = 0

    def __init__(self, text: TextFile, dialect: Dialect) -> None:
        self._lines = text.lines()
        self._separator = dialect.separator

    def records(self) -> Iterator[list[str]]:
        """Give the records, empty ones for blank lines."""
        return (plain_fields(line, self._separator) for line in self._lines)


class _Quoted:
    """Records whose fields may be quoted.

    Attributes:
        line: The line on which the next record begins.
    """

    def __init__(self, text: TextFile, dialect: Dialect) -> None:
        self.line = 1
        self._blocks = text.blocks()
        self._dialect = dialect
        self._rest = ""

    def records(self) -> Iterator[list[str]]:
        """Give the records, empty ones for blank lines."""
        if 1 < self._dialect.width <= _MOST_USUAL:
            yield from self._usual()
        before = self.line - 1
        lines = lines_of(chain([self._rest], self._blocks))
        reader = csv.reader(lines, delimiter=self._dialect.separator, strict=True)
        for record in reader:
            self.line = before + reader.line_num + 1
            yield record

    def _usual(self) -> Iterator[list[str]]:
        """Give records as long as they have the usual form, which is nearly always up to the end of the file.

        A quote inside an unquoted field, another number of fields or a fault end it, as does a very long record.
        """
        mark = re.escape(self._dialect.separator)
        field = f'("[^"]*+(?:""[^"]*+)*+"|[^"{mark}\r\n]*+)'
        match = re.compile(f"(?:{mark.join([field] * self._dialect.width)})?\r?\n").match
        while len(self._rest) < _LONGEST_USUAL and (block := next(self._blocks, "")):
            text = self._rest + block
            end = 0
            while found := match(text, end):
                end = found.end()
                yield [] if found[1] is None else [_bare(part) for part in found.groups()]
            self.line += text.count("\n", 0, end)
            self._rest = text[end:]


def _bare(field: str) -> str:
    """Take the quotes off a field."""
    if field[:1] != '"':
        return field
    inside = field[1:-1]
    return inside.replace('""', '"') if '"' in inside else inside

"""Detect the dialect of a CSV or TSV file: its separator, the meaning of quote characters, and a missing header."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from imdb_sentiment.data.formats.columns import ColumnSpec
from imdb_sentiment.data.formats.compression import plain_suffix
from imdb_sentiment.data.formats.csv_records import RecordParser
from imdb_sentiment.data.formats.text import TextError, TextFile
from imdb_sentiment.errors import ConfigError, DataError
from imdb_sentiment.runtime.messages import Advice, Either, Setting, list_values

__all__ = ["Dialect", "find_dialect", "no_header_error", "records_of", "refuse_missing_header"]

_OWN = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
_SEPARATORS = (",", ";", "\t", "|")
_DECLARED = re.compile(r"sep=([^\w\s\"'\\]|\t)\s*", re.IGNORECASE)
"""The line that declares the separator, as Excel reads and writes it."""

_SAMPLE_RECORDS = 100
"""Number of records used to detect the separator of a file without a header."""

_SURE_ROWS = 5

_WORDS = 4
_ENDS = (".", "!", "?", "\u2026", "\u3002")
"""A text has at least this many words or ends like this; column names rarely do."""

NO_HEADER = Either("header=False", "--no-header")


class Dialect(NamedTuple):
    """The format of a delimited file."""

    separator: str

    newline: str
    """End of a record."""

    width: int
    """Number of fields of the first record; 0 if it does not fit into the inspected beginning of the file."""

    quoted: bool
    """Whether fields may be quoted (RFC 4180)."""

    declared: bool
    """Whether the first line only declares the separator."""

    notes: tuple[str, ...]
    """Remarks for the user."""


def find_dialect(text: TextFile, columns: set[str], *, header: bool) -> Dialect:
    """Detect the dialect of a file.

    The separator is that of the suffix, unless only another one yields all requested columns. Detecting the meaning of
    quote characters in a TSV file takes a pass over the file.

    Args:
        text: The file.
        columns: Names of the requested columns, or positions from 1 without a header.
        header: Whether the first record names the columns.

    Raises:
        TextError: Its beginning cannot be read.
        DataError: The file is compressed and damaged.
        OSError: The file cannot be read.
    """
    own = _OWN[plain_suffix(text.path)]
    lines = text.beginning()
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    declared = _DECLARED.fullmatch(lines[first].strip('"\r\n')) if lines else None
    if declared:
        separator = declared[1]
        width = len(_first(lines[first + 1 :], separator, text.newline))
    else:
        separator, width = _separator(lines, text.newline, own, columns, header=header)
    quoted, note = True, ""
    if separator == "\t":
        quoted, note = _quoting(text, skip=bool(declared))
    notes = ["" if separator == own else f"the separator is {separator!r}", note]
    remarks = tuple(f"{text.path.name}: {note}" for note in notes if note)
    return Dialect(separator, text.newline, width, quoted, bool(declared), remarks)


def records_of(text: TextFile, dialect: Dialect) -> Iterator[list[str]]:
    """Yield the records of a file, without blank lines.

    Raises:
        TextError: The text cannot be decoded, or is not well-formed.
    """
    if dialect.quoted:
        found = RecordParser(dialect.separator, dialect.newline, dialect.width).records(text.blocks())
    else:
        found = (plain_fields(line, dialect.separator) for line in text.lines())
    return islice(filter(None, found), int(dialect.declared), None)


def plain_fields(line: str, separator: str) -> list[str]:
    """Split a line at separators, ignoring quote characters; a blank line has no fields."""
    line = line.removesuffix("\n").removesuffix("\r")
    return line.split(separator) if line else []


def _separator(lines: Sequence[str], newline: str, own: str, columns: set[str], *, header: bool) -> tuple[str, int]:
    """Return the separator, and the number of fields of the first record."""
    first = {mark: _first(lines, mark, newline) for mark in (own, *(mark for mark in _SEPARATORS if mark != own))}
    if header:
        fitting = [mark for mark, names in first.items() if columns <= set(names)]
    else:
        fitting = [mark for mark in first if _divides_rows(lines, newline, mark, columns, own=own)]
    if fitting:
        separator = fitting[0]
    elif not header and len(columns) == 1:
        separator = own  # a single column of texts
    else:  # determines the error about missing columns
        most = max(first, key=lambda mark: len(first[mark]))
        separator = most if len(first[own]) < 2 <= len(first[most]) else own
    return separator, len(first[separator])


def _divides_rows(lines: Sequence[str], newline: str, mark: str, columns: set[str], *, own: str) -> bool:
    """Return whether a separator gives all first rows the same number of fields, including the requested ones."""
    widths = _widths(lines, mark, newline)
    if set(widths) != {max(widths, default=0)} or max(widths) < 2:
        return False
    by_chance = mark == "," != own and len(columns) == 1 and len(widths) < _SURE_ROWS  # texts have commas
    return not by_chance and columns <= {str(place) for place in range(1, widths[0] + 1)}


def _parsed(lines: Sequence[str], separator: str, newline: str) -> Iterator[list[str]]:
    # as one block: line by line, a multi-line record would be parsed again with each line
    return filter(None, RecordParser(separator, newline).records(["".join(lines)]))


def _first(lines: Sequence[str], separator: str, newline: str) -> list[str]:
    """Return the fields of the first record; none if it is malformed, unless tabs divide it."""
    try:
        return next(_parsed(lines, separator, newline), [])
    except TextError:
        first = next(filter(None, (plain_fields(line, separator) for line in lines)), [])
        return first if separator == "\t" else []


def _widths(lines: Sequence[str], separator: str, newline: str) -> list[int]:
    """Return the number of fields of each of the first records."""
    plain = [len(fields) for line in lines[:_SAMPLE_RECORDS] if (fields := plain_fields(line, separator))]
    if separator == "\t" and len(set(plain)) == 1:
        return plain
    widths: list[int] = []
    with suppress(TextError):  # as when the inspected part ends inside a record
        widths.extend(map(len, islice(_parsed(lines, separator, newline), _SAMPLE_RECORDS)))
    return widths


def _quoting(text: TextFile, *, skip: bool) -> tuple[bool, str]:
    """Detect whether quote characters in a TSV file quote fields, and return a remark for the user.

    They are ordinary text if all lines have the same number of fields and quoting would merge lines or fields.
    """
    found = merged = False
    width: int | None = None
    parser = RecordParser("\t", text.newline)
    try:
        for line in text.lines():
            fields = plain_fields(line, "\t")
            if not fields:
                continue
            if skip:
                skip = False
                continue
            width = width or len(fields)
            if len(fields) != width:
                return True, ""
            if '"' in line:
                found = True
                merged = merged or not _is_one_record(parser, line, width)
    except TextError:
        pass  # reported when the rows are read, with their numbers
    return found and not merged, "quote characters are read as ordinary text" if merged else ""


def _is_one_record(parser: RecordParser, line: str, width: int) -> bool:
    try:
        return [len(record) for record in parser.records([line])] == [width]
    except TextError:
        return False


def refuse_missing_header(
    first: Sequence[str], rows: Sequence[Sequence[str]], specs: Sequence[ColumnSpec], origin: str
) -> None:
    """Check that the first line of a file that lacks a requested column is not a row.

    Args:
        first: The first record.
        rows: Some of the following rows.
        specs: The requested columns.
        origin: Name of the file, for the message.

    Raises:
        DataError: It looks like a row.
    """
    if {column.name for column in specs} <= set(first):
        return
    rows = [row for row in rows if len(row) == len(first)]
    text = _text(first, rows)
    label = _label(first, rows, text)
    reads_as_text = len(first[text].split()) >= _WORDS or first[text].rstrip().endswith(_ENDS)
    repeated = label is not None and first[label] in {row[label] for row in rows}
    if not (reads_as_text or repeated):
        return
    raise DataError(
        f"{origin} has no header: its first line is a row",
        found=list_values(first),
        expected="a first line with the names of the columns; without one they are counted from 1",
        hint=_hint(specs, {"text": str(text + 1), "label": "N" if label is None else str(label + 1)}),
    )


def _text(first: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return the index of the column with the longest values."""
    return max(range(len(first)), key=lambda place: sum(len(row[place]) for row in (first, *rows)))


def _label(first: Sequence[str], rows: Sequence[Sequence[str]], text: int) -> int | None:
    """Return the index of the column with the fewest values among those that repeat the first line's value.

    Of two columns, it is the one without the text.
    """
    values = {place: {row[place] for row in rows} for place in range(len(first)) if place != text}
    repeating = [place for place in values if first[place] in values[place]]
    other = 1 - text if len(first) == 2 else None
    return min(repeating, key=lambda place: len(values[place]), default=other)


def _hint(specs: Sequence[ColumnSpec], places: dict[str, str]) -> Advice:
    simple = [column for column in specs if column.role in places]
    if len(simple) < len(specs):
        return Advice(NO_HEADER, ", and a position for each column")
    parts: list[str | Setting | Either] = [NO_HEADER]
    for column in simple:
        several = column.field.endswith("s")
        value = [places[column.role]] if several else places[column.role]
        parts += [Either(", ", " "), Setting(column.field, value, flag=column.flag)]
    return Advice(*parts)


def no_header_error(path: Path) -> ConfigError:
    """Return the error for `header=False` with a format whose columns always have names."""
    return ConfigError(
        "a header can be missing from CSV, TSV and TXT files only",
        found=path.name,
        hint=Advice("without ", NO_HEADER),
    )

"""Detect the dialect of a CSV or TSV file: its separator and the meaning of quote characters."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from imdb_sentiment.data.formats.compression import plain_suffix
from imdb_sentiment.data.formats.csv_parser import RecordParser
from imdb_sentiment.data.formats.text import TextError, TextFile

__all__ = ["Dialect", "find_dialect", "records_of"]

_OWN = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
_SEPARATORS = (",", ";", "\t", "|")
_DECLARED = re.compile(r"sep=([^\w\s\"'\\]|\t)\s*", re.IGNORECASE)
"""The line that declares the separator, as Excel reads and writes it."""

_SAMPLE_RECORDS = 100
"""Number of records used to detect the separator of a file without a header."""

_SURE_ROWS = 5


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


def _first(lines: Sequence[str], separator: str, newline: str) -> list[str]:
    """Return the fields of the first record; none if it is malformed, unless tabs divide it."""
    try:
        # as one block: line by line, a multi-line record would be parsed again with each line
        return next(filter(None, RecordParser(separator, newline).records(["".join(lines)])), [])
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
        widths.extend(
            map(len, islice(filter(None, RecordParser(separator, newline).records(["".join(lines)])), _SAMPLE_RECORDS))
        )
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

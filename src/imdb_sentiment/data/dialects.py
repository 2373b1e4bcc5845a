"""How a CSV or TSV file is to be read: what separates its fields, and what its quote characters mean."""

import csv
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from imdb_sentiment.data.compressed import plain_suffix
from imdb_sentiment.data.text_files import TextFile, UndecodableError
from imdb_sentiment.data.wanted import Wanted

__all__ = ["Dialect", "find_dialect", "plain_fields"]

_OWN = {".csv": ",", ".tsv": "\t"}
_SEPARATORS = (",", ";", "\t", "|")


class Dialect(NamedTuple):
    """How the fields of a file are told apart."""

    separator: str

    width: int
    """How many fields the header has; 0 if it is too long for a look at the beginning of the file."""

    quoted: bool
    """Whether a quote character at the beginning of a field opens a quoted one (RFC 4180)."""

    notes: tuple[str, ...]
    """What the user should know about it."""


def find_dialect(text: TextFile, wanted: Sequence[Wanted]) -> Dialect:
    """Find how a file is to be read.

    The separator is the one of the suffix, unless another one alone gives all the wanted columns. What quote characters
    mean in a TSV file takes a pass over the file.

    Raises:
        UndecodableError: The header cannot be decoded.
        DataError: The file is compressed and damaged.
        OSError: The file cannot be read.
    """
    own = _OWN[plain_suffix(text.path)]
    separator, width = _separator(text.beginning(), own, {column.name for column in wanted})
    quoted, note = True, ""
    if separator == "\t":
        quoted, note = _quoting(text)
    notes = ["" if separator == own else f"the separator is {separator!r}", note]
    return Dialect(separator, width, quoted, tuple(f"{text.path.name}: {said}" for said in notes if said))


def plain_fields(line: str, separator: str) -> list[str]:
    """Split a line at separators alone, quote characters being text; a blank line has no fields."""
    line = line[:-2] if line.endswith("\r\n") else line.removesuffix("\n")
    return line.split(separator) if line else []


def _separator(lines: Sequence[str], own: str, wanted: set[str]) -> tuple[str, int]:
    """Return the separator, and the number of fields of the header."""
    headers = {mark: _header(lines, mark) for mark in (own, *(mark for mark in _SEPARATORS if mark != own))}
    fitting = [mark for mark, header in headers.items() if wanted <= set(header)]
    if fitting:
        separator = fitting[0]
    else:  # the one that the error about the missing column is told by
        most = max(headers, key=lambda mark: len(headers[mark]))
        separator = most if len(headers[own]) < 2 <= len(headers[most]) else own
    return separator, len(headers[separator])


def _header(lines: Iterable[str], separator: str) -> list[str]:
    try:
        return next(filter(None, csv.reader(lines, delimiter=separator, strict=True)), [])
    except csv.Error:
        first = next(filter(None, (plain_fields(line, separator) for line in lines)), [])
        return first if separator == "\t" else []


def _quoting(text: TextFile) -> tuple[bool, str]:
    """Find out whether quote characters of a TSV file quote, and what is to be said about it.

    They are ordinary text where each line has as many fields as the first one and quoting would merge lines or fields.
    """
    found = merged = False
    width: int | None = None
    try:
        for line in text.lines():
            fields = plain_fields(line, "\t")
            if not fields:
                continue
            width = width or len(fields)
            if len(fields) != width:
                return True, ""
            if '"' in line:
                found = True
                merged = merged or not _is_one_record(line, width)
    except UndecodableError:
        pass  # told when the rows are read, by whoever knows their numbers
    return found and not merged, "quote characters are read as ordinary text" if merged else ""


def _is_one_record(line: str, width: int) -> bool:
    try:
        return [len(record) for record in csv.reader([line], delimiter="\t", strict=True)] == [width]
    except csv.Error:
        return False

"""Parse and write the records of CSV and TSV text (RFC 4180).

The parser is equivalent to Python's csv module in strict mode, but faster and with less memory.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import category, normalize

from imdb_sentiment.data.formats.text import LongText, TextError, row_name
from imdb_sentiment.errors import DataError

__all__ = ["RecordParser", "records_as_text"]

_MAX_FIELDS = 1000
"""Largest number of fields for which a whole record is matched at once."""

_LONG = 2**20
"""Length in characters above which an incomplete record is not matched again with each block."""

_NUMBER = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *")
_SIGNS = "=+-@\N{MINUS SIGN}"
_IN_QUOTES = re.compile('[^"]*+(?:""[^"]*+)*+')


@dataclass(eq=False)
class MalformedError(TextError):
    """Text that is not well-formed CSV."""

    line: int
    fault: str

    def explain(self, origin: Path | str, row: int) -> DataError:
        return DataError(
            f"{origin} is not well-formed in {row_name(row)} (line {self.line:,})",
            found=self.fault,
            expected='quoted fields that end in a quote, with quotes inside them doubled ("")',
            hint="save the file with standard quoting, or as TSV, Parquet or JSONL",
            rows=[row] if row else (),
        )


class RecordParser:
    """Splits text into records, whose fields may be quoted (RFC 4180).

    Args:
        separator: Separator of fields.
        newline: Line feed or carriage return that ends a record; the other may precede it.
        width: Usual number of fields, if known; such records are parsed faster.
    """

    def __init__(self, separator: str, newline: str = "\n", width: int = 0) -> None:
        self._newline = newline
        self._ignored = "\r" if newline == "\n" else "\n"
        mark = re.escape(separator)
        end = f"{self._ignored}*+{newline}"
        field = f'("[^"]*+(?:""[^"]*+)*+"|(?:[^"{mark}\r\n][^{mark}\r\n]*+)?+)'
        usual = f"(?:{mark.join([field] * width)})?{end}"
        self._usual = re.compile(usual).match if 1 < width <= _MAX_FIELDS else None
        self._field = re.compile(field).match
        self._after = re.compile(f"({mark})|{end}").match
        self._after_in_last = re.compile(rf"({mark})|{end}|{self._ignored}*+\Z").match
        self._ends_in_quotes = re.compile(rf'(?:{field}{mark})*+"[^"]*+(?:""[^"]*+)*+\Z').match

    def records(self, blocks: Iterable[str]) -> Iterator[list[str]]:
        """Yield the records of a text given in blocks of any size; blank lines give empty records.

        Raises:
            MalformedError: A quoted field does not end as it should.
            TooLongError: A record exceeds the size limit.
        """
        blocks = iter(blocks)
        text, line, at_end = "", 1, False
        while not at_end:
            block = next(blocks, "")
            at_end = not block
            text += block
            place = 0
            while place < len(text):
                if self._usual and (found := self._usual(text, place)):
                    place = found.end()
                    yield [] if found[1] is None else [_unquoted(part) for part in found.groups()]
                    continue
                record, end = self._any(text, place, at_end=at_end)
                if record is None:
                    if fault := self._fault(text, end, at_end=at_end):
                        raise MalformedError(line + text.count(self._newline, 0, place), fault)
                    break
                place = end
                yield record
            line += text.count(self._newline, 0, place)
            text = text[place:]
            if len(text) > _LONG:
                text = self._continued(text, blocks)

    def _any(self, text: str, place: int, *, at_end: bool) -> tuple[list[str] | None, int]:
        """Return the record at a position and its end; or, if matching failed, None and the position of failure."""
        after = self._after_in_last if at_end else self._after
        fields: list[str] = []
        start = place
        while field := self._field(text, place):
            place = field.end()
            if not (found := after(text, place)):
                break
            fields.append(_unquoted(field[1]))
            if not found[1]:
                return ([] if len(fields) == 1 and place == start else fields), found.end()
            place = found.end()
        return None, place

    def _fault(self, text: str, place: int, *, at_end: bool) -> str:
        """Describe what is wrong at a position; return the empty string if the record is only incomplete."""
        if text.startswith('"', place):
            return "a quoted field that is never closed" if at_end else ""
        rest = text[place : place + _LONG]
        if not rest.strip(self._ignored):
            return ""
        if rest[0] == self._ignored:
            return f"a {'carriage return' if self._ignored == chr(13) else 'line feed'} outside of quotes"
        return f"{rest[0]!r} after the quote that closes a field"

    def _continued(self, text: str, blocks: Iterator[str]) -> str:
        """Extend the start of a long record to at least twice its length, up to where it may end."""
        in_quotes, carried, may_end = bool(self._ends_in_quotes(text)), "", False
        with LongText() as held:
            held.add(text)
            least = 2 * len(text)
            while (held.characters < least or not may_end) and (block := next(blocks, "")):
                held.add(block)
                if in_quotes:
                    block = carried + block
                    found = _IN_QUOTES.match(block)
                    end = found.end() if found else 0
                    in_quotes = end >= len(block) - 1  # a final quote may be the first of two
                    carried, block = block[end:], "" if in_quotes else block[end:]
                may_end = may_end or self._newline in block
            del text, block
            return held.take()


def _unquoted(field: str) -> str:
    if field[:1] != '"':
        return field
    inside = field[1:-1]
    return inside.replace('""', '"') if '"' in inside else inside


def records_as_text(
    records: Iterable[Sequence[str]], separator: str, *, spreadsheet_safe: bool = False
) -> Iterator[str]:
    """Yield each record as text that ends in a line feed.

    Python's own writer leaves carriage returns unquoted in some releases, where readers then begin a new row.

    Args:
        records: Cells of each record.
        separator: Separator of cells.
        spreadsheet_safe: Prefix cells that a spreadsheet might take for a formula with an apostrophe.
    """
    # a byte order mark is quoted too, so that it is not taken for that of the file
    special = re.compile(f'["\r\n{re.escape(separator)}]|^\ufeff')
    for record in records:
        cells = map(_harmless, record) if spreadsheet_safe else record
        line = separator.join('"' + cell.replace('"', '""') + '"' if special.search(cell) else cell for cell in cells)
        blank = len(record) == 1 and not line.strip()  # readers skip blank lines
        yield f'"{line}"\n' if blank else f"{line}\n"


def _harmless(cell: str) -> str:
    if _NUMBER.fullmatch(cell):
        return cell
    first = next((character for character in cell if category(character)[0] not in "ZC"), "")  # not a space or control
    formula = cell.startswith(("\t", "\r", "\n")) or (first and normalize("NFKC", first)[0] in _SIGNS)
    return f"'{cell}" if formula else cell

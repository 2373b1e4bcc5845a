"""Records written as CSV or TSV, so that every program reads the cells that were given (RFC 4180)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from unicodedata import category, normalize

__all__ = ["records_as_text"]

_NUMBER = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *")
_SIGNS = "=+-@\N{MINUS SIGN}"


def records_as_text(
    records: Iterable[Sequence[str]], separator: str, *, spreadsheet_safe: bool = False
) -> Iterator[str]:
    """Give each record as text that ends in a line feed.

    Python's own writer leaves a carriage return unquoted in some releases, and readers then begin a row there.

    Args:
        records: Their cells.
        separator: What stands between cells.
        spreadsheet_safe: Put an apostrophe before each cell that a spreadsheet might take for a formula.
    """
    # a byte order mark is quoted too: at the beginning of a file it would be taken for one
    special = re.compile(f'["\r\n{re.escape(separator)}]|^\ufeff')
    for record in records:
        cells = map(_harmless, record) if spreadsheet_safe else record
        line = separator.join('"' + cell.replace('"', '""') + '"' if special.search(cell) else cell for cell in cells)
        blank = len(record) == 1 and not line.strip()  # which readers skip
        yield f'"{line}"\n' if blank else f"{line}\n"


def _harmless(cell: str) -> str:
    if _NUMBER.fullmatch(cell):
        return cell  # -5 is a number, and stays one
    first = next((character for character in cell if category(character)[0] not in "ZC"), "")  # no space, no control
    formula = cell.startswith(("\t", "\r", "\n")) or (first and normalize("NFKC", first)[0] in _SIGNS)
    return f"'{cell}" if formula else cell

"""Write records as CSV or TSV (RFC 4180)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from unicodedata import category, normalize

__all__ = ["records_as_text"]

_NUMBER = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *")
_SIGNS = "=+-@\N{MINUS SIGN}"


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

"""Tables and sentences for a terminal."""

import textwrap
from collections.abc import Sequence

from imdb_sentiment.runtime.messages import shorten, visible_cell

__all__ = ["format_table", "one_line", "wrap"]

_COLUMNS = 80
_CELL = 60


def format_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align rows of shortened cells, the first column to the left, the others to the right."""
    rows = [[visible_cell(shorten(cell, _CELL)) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    return lines


def one_line(text: str, width: int) -> str:
    """Put a text on one line, and cut its end off if it is long."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 3] + "..."


def wrap(sentence: str, *, first: str = "", rest: str = "  ", width: int = _COLUMNS) -> list[str]:
    """Wrap a sentence, by default with a hanging indent; `first` and `rest` begin its lines."""
    return textwrap.wrap(
        sentence, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )

"""Texts of the data as a page shows them: with their line breaks, and with what was changed marked."""

import re
from difflib import SequenceMatcher

from imdb_sentiment.reporting.tables import escape_html

__all__ = ["break_lines", "mark_changes"]

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_PIECES = re.compile(r"\s+|\w+|[^\w\s]")


def break_lines(text: str) -> str:
    """Return a text with line breaks in the place of those that are written in HTML."""
    return _BREAK.sub("\n", text)


def mark_changes(before: str, after: str) -> str:
    """Return the later text as HTML, with the words that are not in the earlier one marked."""
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    parts = []
    for kind, _, _, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        piece = escape_html("".join(new[start:end]))
        if piece:
            parts.append(piece if kind == "equal" else f'<mark class="changed">{piece}</mark>')
    return "".join(parts)

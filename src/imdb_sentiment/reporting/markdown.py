"""Render a report as Markdown, for a model card or a pull request."""

from collections.abc import Sequence
from typing import NamedTuple

from imdb_sentiment.runtime.messages import visible

__all__ = ["Section", "escape", "markdown_table", "render_markdown"]

_SPECIAL = {ord(character): f"\\{character}" for character in "\\`*_[]<>|#~"}


class Section(NamedTuple):
    """A table below its heading."""

    heading: str
    rows: Sequence[Sequence[str]]
    """The first is the header."""

    note: str = ""
    """A sentence below the table."""


def render_markdown(verdict: Sequence[str], sections: Sequence[Section]) -> str:
    """Render sentences as a list, followed by the sections."""
    parts = [f"- {escape(sentence)}" for sentence in verdict]
    for section in sections:
        parts += ["", f"## {section.heading}", "", *markdown_table(section.rows)]
        parts += ["", section.note] if section.note else []
    return visible("\n".join(parts) + "\n")


def markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose first row is the header; cells are escaped."""
    head, *rest = ([escape(cell) for cell in row] for row in rows)
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rest)]


def escape(text: str) -> str:
    """Escape a text for Markdown, on one line."""
    return " ".join(text.split()).translate(_SPECIAL)

"""Render a table as HTML that a page and a notebook share."""

import html
from collections.abc import Sequence
from typing import NamedTuple

from imdb_sentiment.runtime.messages import visible

__all__ = ["Table", "escape_html", "render_table"]

_LONG = 32
"""A column with a cell above this length is one of sentences or texts, which are wrapped."""


class Table(NamedTuple):
    """A table with its caption."""

    caption: str
    rows: Sequence[Sequence[str]]
    """The first is the header; its cells are empty if there is none."""


def render_table(table: Table) -> str:
    """Render a table whose first column names the rows; it scrolls by itself where it is too wide.

    Cells are escaped. Columns of numbers and names are aligned to the right, those of sentences are wrapped.
    """
    head, *body = table.rows
    wrapped = [i > 0 and any(len(row[i]) > _LONG for row in body) for i in range(len(head))]
    caption = escape_html(table.caption)
    lines = [f'<div class="scroll" role="region" tabindex="0" aria-label="{caption}">', "<table>"]
    lines.append(f"<caption>{caption}</caption>")
    if any(head):
        cells = "".join(
            f'<th scope="col"{_WRAP * wrap}>{escape_html(cell)}</th>' for cell, wrap in zip(head, wrapped, strict=True)
        )
        lines.append(f"<thead><tr>{cells}</tr></thead>")
    lines.append("<tbody>")
    for first, *others in body:
        cells = "".join(
            f"<td{_WRAP * wrap}>{escape_html(cell)}</td>" for cell, wrap in zip(others, wrapped[1:], strict=True)
        )
        lines.append(f'<tr><th scope="row">{escape_html(first)}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody>", "</table>", "</div>"])


_WRAP = ' class="wrap"'


def escape_html(text: str) -> str:
    """Escape a text for an element or an attribute; control characters are shown as escapes."""
    return html.escape(visible(text))

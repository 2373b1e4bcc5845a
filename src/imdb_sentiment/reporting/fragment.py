"""Render a result as a piece of HTML below the cell of a notebook: no scripts, and the colours of its surroundings."""

from collections.abc import Sequence
from typing import NamedTuple

from imdb_sentiment.reporting.tables import Table, escape_html, render_table

__all__ = ["Fragment", "render_fragment"]

_MOST_ROWS = 20

_CLASS = "imdb-sentiment"

# Colours are those of the text around it at another opacity: each notebook marks its dark theme in another way. Rules
# are more specific than Jupyter's own of tables.
_STYLE = """
.imdb-sentiment { line-height: 1.45; overflow-wrap: anywhere; }
.imdb-sentiment p, .imdb-sentiment ul { margin: .3em 0; }
.imdb-sentiment ul { padding-left: 1.2em; }
.imdb-sentiment .name, .imdb-sentiment summary { font-weight: 600; }
.imdb-sentiment summary { cursor: pointer; }
.imdb-sentiment details { margin: .5em 0; }
.imdb-sentiment details > .inner { padding-left: 1em; border-left: 2px solid rgba(128, 128, 128, .4); }
.imdb-sentiment .scroll { overflow-x: auto; margin: .5em 0; }
.imdb-sentiment div.scroll table { border-collapse: collapse; margin: 0; font-variant-numeric: tabular-nums;
  overflow-wrap: normal; font-size: inherit; }
.imdb-sentiment div.scroll caption { caption-side: top; text-align: left; padding: 0 0 .2em; color: inherit;
  white-space: nowrap; }
.imdb-sentiment div.scroll th, .imdb-sentiment div.scroll td { padding: .2em .5em; text-align: right;
  vertical-align: top; white-space: nowrap; border-bottom: 1px solid rgba(128, 128, 128, .4); }
.imdb-sentiment div.scroll th:first-child { text-align: left; font-weight: 400; }
.imdb-sentiment div.scroll thead th, .imdb-sentiment div.scroll thead th:first-child { font-weight: 600; }
.imdb-sentiment div.scroll .wrap { text-align: left; white-space: pre-line; min-width: 16em; max-width: 48em; }
.imdb-sentiment .text { white-space: pre-wrap; }
.imdb-sentiment mark { color: inherit; border-radius: .15em; }
"""


class Fragment(NamedTuple):
    """What a notebook shows of a result, from top to bottom."""

    name: str
    """What it is, such as `Data audit`."""

    sentences: Sequence[str] = ()
    """The conclusions; the first one is the most important."""

    markup: str = ""
    """HTML that is escaped already."""

    tables: Sequence[Table] = ()
    """Of long ones the first rows are shown."""

    folded: Sequence["Fragment"] = ()
    """Details that open with a click."""


def render_fragment(fragment: Fragment) -> str:
    """Render a result as one element of HTML with its own style; texts from data and models are escaped."""
    named_by_table = not fragment.sentences and [table.caption for table in fragment.tables][:1] == [fragment.name]
    name = [] if named_by_table else [f'<p class="name">{escape_html(fragment.name)}</p>']
    return "\n".join([f'<div class="{_CLASS}">', f"<style>{_STYLE}</style>", *name, *_inside(fragment), "</div>"])


def _inside(fragment: Fragment) -> list[str]:
    lines = []
    if fragment.sentences:
        items = (f"<li>{escape_html(sentence)}</li>" for sentence in fragment.sentences)
        lines += ["<ul>", *items, "</ul>"]
    if fragment.markup:
        lines.append(f'<div class="text">{fragment.markup}</div>')
    for table in fragment.tables:
        lines.append(render_table(Table(table.caption, table.rows[: _MOST_ROWS + 1])))
        if (more := len(table.rows) - 1 - _MOST_ROWS) > 0:
            lines.append(f"<p>and {more:,} more row{'s' * (more > 1)}</p>")
    for part in fragment.folded:
        lines += ["<details>", f"<summary>{escape_html(part.name)}</summary>", '<div class="inner">']
        lines += [*_inside(part), "</div>", "</details>"]
    return lines

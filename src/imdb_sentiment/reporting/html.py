"""Render a report as one self-contained HTML page."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from imdb_sentiment.errors import MissingExtraError
from imdb_sentiment.reporting.drawing import Figure
from imdb_sentiment.reporting.tables import Table, render_table
from imdb_sentiment.runtime.messages import visible

__all__ = ["Page", "render_html"]


class Page(NamedTuple):
    """Content of a page, from top to bottom."""

    title: str
    labels: tuple[str, str]
    verdict: Sequence[str]
    metrics: Table
    computed: str
    """Precision that the metrics were computed in."""

    confusion: Table
    plots: Sequence[Figure]
    abstention: Table
    """Only a header if nothing is known."""

    slices: Table
    mistakes: Sequence[Any]
    """Each with `row`, `true`, `predicted`, `confidence`, `text`, and `explanation`: None, or what has `to_html()`."""

    label_issues: Any
    """None or, with `rows`, `model`, `undecided` and `issues`, rows whose label is probably wrong."""

    audit: Sequence[Any]
    """Findings, each a mapping with `severity`, `code`, `count` and `split`."""

    provenance: Table


def render_html(page: Page) -> str:
    """Render the page as HTML without scripts; texts from data and models are escaped.

    Raises:
        MissingExtraError: Jinja2 is not installed.
    """
    return visible(_template().render(page._asdict(), table=render_table))


def _template() -> Any:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        hint = "pip install 'imdb-sentiment[report]'"
        raise MissingExtraError("a report as a page needs the extra 'report'", hint=hint) from error
    loader = PackageLoader("imdb_sentiment", "reporting")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("report.html")

"""Render a report as one self-contained HTML page."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from imdb_sentiment.errors import MissingExtraError
from imdb_sentiment.reporting.drawing import Figure
from imdb_sentiment.reporting.tables import Table, render_table
from imdb_sentiment.reporting.texts import break_lines
from imdb_sentiment.runtime.messages import visible

__all__ = ["Behaviour", "Errors", "Failure", "Made", "Page", "render_html"]


class Made(NamedTuple):
    """Where a page comes from."""

    date: str
    version: str
    command: str
    """Command that wrote the page; empty if none did."""

    docs: str
    """Address of the documentation of the page; empty if the package names none."""


class Failure(NamedTuple):
    """A changed text with which a model does not do as expected."""

    heading: str

    text: str
    """The text as it was; empty if it was not changed."""

    label: str
    changed: str
    """HTML of the changed text, escaped, with what was changed marked."""

    changed_label: str


class Behaviour(NamedTuple):
    """What a model does with changed texts."""

    sentences: Sequence[str]
    rates: Table
    """Only a header if nothing could be changed."""

    failures: Sequence[Failure]


class Errors(NamedTuple):
    """Errors of one kind."""

    heading: str
    errors: Sequence[Any]
    """Each with `row`, `predicted`, `confidence`, `text`, and `explanation`: None, or what has `to_html()`."""


class Page(NamedTuple):
    """Content of a page, from top to bottom."""

    title: str
    made: Made
    labels: tuple[str, str]
    verdict: Sequence[Any]
    """Each with `sentence`, and `is_bad`: whether it is a reason not to use the model."""

    metrics: Table
    computed: str
    """Precision that the metrics were computed in."""

    confusion: Table
    plots: Sequence[Figure]
    behaviour: Behaviour | None
    abstention: Table
    """Only a header if nothing is known."""

    slices: Table
    mistakes: Sequence[Errors]
    explained: bool
    """Whether an error has an explanation."""

    label_issues: Any
    """None or, with `rows`, `model`, `undecided` and `issues`, rows whose label is probably wrong."""

    audit: Sequence[str]
    """Findings in sentences."""

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
    environment.filters["break_lines"] = break_lines
    return environment.get_template("report.html")

"""A report as one HTML page that asks for nothing from outside."""

from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.errors import MissingExtraError
from imdb_sentiment.messages import visible
from imdb_sentiment.page.figures import computed_in, confusion_rows, figure_rows, slice_rows
from imdb_sentiment.page.mistakes import worst_mistakes
from imdb_sentiment.page.plots import plots_of
from imdb_sentiment.page.verdict import verdict_of
from imdb_sentiment.results.background import Background

if TYPE_CHECKING:
    from imdb_sentiment.results import EvaluationReport, LabelSuspects

__all__ = ["render_html"]


class _Table(NamedTuple):
    caption: str
    head: list[str]
    rows: list[list[str]]

    @classmethod
    def of(cls, caption: str, rows: list[list[str]]) -> "_Table":
        """Make a table of rows the first of which is the head."""
        return cls(caption, rows[0], rows[1:])


def render_html(report: "EvaluationReport", *, title: str, suspects: "LabelSuspects | None" = None) -> str:
    """Return the page. All that comes from data or models is escaped and visible, and there is no script.

    Args:
        report: The report; where the model was trained on some of its rows, the others alone are shown.
        title: Heading of the page.
        suspects: Rows of the data whose label is probably wrong.

    Raises:
        MissingExtraError: Jinja2 or matplotlib is not installed.
    """
    verdict, report = verdict_of(report), report.unseen or report
    background = report.background or Background({})
    intervals = ", with 95 % intervals" if report.intervals else ""
    page = _template().render(
        title=title,
        labels=report.labels,
        verdict=verdict,
        figures=_Table.of(f"Figures on {report.rows:,} rows{intervals}", figure_rows(report)),
        computed=f"{computed_in(report).capitalize()}.",
        confusion=_Table.of("True labels down, predicted labels across", confusion_rows(report)),
        plots=plots_of(report, background.history),
        slices=_Table.of("Rows divided by length, confidence and columns", slice_rows(report)),
        mistakes=worst_mistakes(report),
        suspects=suspects,
        audit=(background.audit or {}).get("findings", []),
        provenance=_Table("Where the model comes from", ["", ""], [[*pair] for pair in background.provenance.items()]),
    )
    return visible(page)


def _template() -> Any:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        hint = "pip install 'imdb-sentiment[report]'"
        raise MissingExtraError("a report as a page needs the extra 'report'", hint=hint) from error
    loader = PackageLoader("imdb_sentiment", "page")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("report.html")

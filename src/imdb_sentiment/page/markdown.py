"""A report as Markdown, for a model card or a pull request."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imdb_sentiment.messages import visible
from imdb_sentiment.page.figures import computed_in, confusion_rows, figure_rows, slice_rows
from imdb_sentiment.page.verdict import verdict_of

if TYPE_CHECKING:
    from imdb_sentiment.results import EvaluationReport

__all__ = ["escape", "markdown_table", "render_markdown"]

_SPECIAL = {ord(character): f"\\{character}" for character in "\\`*_[]<>|#~"}


def render_markdown(report: "EvaluationReport", *, heading: int = 2) -> str:
    """Return verdict, figures, confusion matrix and slices; no text of the data is in it.

    Args:
        report: The report; where the model was trained on some of its rows, the others alone are shown.
        heading: Level of the headings.
    """
    mark = "#" * heading
    verdict, report = verdict_of(report), report.unseen or report
    parts = [
        *(f"- {escape(sentence)}" for sentence in verdict),
        "",
        f"{mark} Figures",
        "",
        *markdown_table(figure_rows(report)),
        "",
        f"On {report.rows:,} rows, {computed_in(report)}.",
        "",
        f"{mark} Confusion matrix",
        "",
        *markdown_table(confusion_rows(report)),
    ]
    if report.slices:
        parts += ["", f"{mark} Slices", "", *markdown_table(slice_rows(report))]
    return visible("\n".join(parts) + "\n")


def markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; the first row is its head. What is in the cells shows as text."""
    head, *rest = ([escape(cell) for cell in row] for row in rows)
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rest)]


def escape(text: str) -> str:
    """Return text of one line that Markdown shows as it is."""
    return " ".join(text.split()).translate(_SPECIAL)

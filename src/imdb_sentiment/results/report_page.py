"""An evaluation report as a page."""

from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imdb_sentiment.reporting.drawing import draw_svg
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.reporting.texts import break_lines, mark_changes
from imdb_sentiment.results.abstention import abstention_rows
from imdb_sentiment.results.background import ModelProvenance
from imdb_sentiment.results.behaviour import BehaviourExample, BehaviourReport
from imdb_sentiment.results.finding_words import finding_sentences
from imdb_sentiment.results.label_issues import LabelIssues
from imdb_sentiment.results.measured import ConfidentError
from imdb_sentiment.results.metric_tables import UNDEFINED, digits_for
from imdb_sentiment.results.plots import plots_of
from imdb_sentiment.results.report_views import confusion_table, metric_table
from imdb_sentiment.results.slices import slice_rows
from imdb_sentiment.results.verdict import verdict_of
from imdb_sentiment.runtime.files import write_text

if TYPE_CHECKING:
    from imdb_sentiment.reporting.html import Behaviour, Errors, Failure, Made, Page

__all__ = ["write_page"]

_PACKAGE = "imdb-sentiment"
_DOCS = "how-to/read-the-report/"
_FAILURES = 2
"""Examples of each of the weakest checks."""

_CHECKS = 4


def write_page(
    report: Any, file: Path, *, title: str, label_issues: LabelIssues | None, command: str = "", overwrite: bool
) -> None:
    """Write an `EvaluationReport` as a page; see its method `save_html`.

    Args:
        report: The report.
        file: File to write.
        title: Heading of the page.
        label_issues: Rows whose label is probably wrong.
        command: Command that writes the page, to be shown on it.
        overwrite: Replace an existing file.
    """
    from imdb_sentiment.reporting.html import render_html

    page = _page(report, title=title, label_issues=label_issues, command=command)
    write_text(file, render_html(page), overwrite=overwrite)


def _page(report: Any, *, title: str, label_issues: LabelIssues | None, command: str) -> "Page":
    from imdb_sentiment.reporting.html import Page

    shown = report.unseen or report
    background = shown.background or ModelProvenance({})
    digits = digits_for(shown.rows)
    metrics = metric_table(shown, digits=digits)
    computed = f"{shown.computed_in().capitalize()}."
    if any(UNDEFINED in row[1:] for row in metrics.rows):
        computed += f" {UNDEFINED} stands for what is undefined on these rows."
    errors = shown.confident_errors()
    return Page(
        title=title,
        made=_made(command),
        labels=shown.labels,
        verdict=verdict_of(report),
        metrics=metrics,
        computed=computed,
        confusion=confusion_table(shown),
        plots=[draw_svg(plot) for plot in plots_of(shown).values()],
        behaviour=report.behaviour and _behaviour(report.behaviour),
        abstention=Table(
            "Abstention, each promise with 95 % confidence", abstention_rows(background.promises, shown.measured)
        ),
        slices=Table("Rows divided by length, confidence and columns", slice_rows(shown.slices, digits=digits)),
        mistakes=_by_kind(shown, errors),
        explained=any(error.explanation for error in errors),
        label_issues=label_issues,
        audit=finding_sentences((background.audit or {}).get("findings", [])),
        provenance=Table("Where the model comes from", [["", ""], *map(list, background.provenance.items())]),
    )


def _made(command: str) -> "Made":
    from imdb_sentiment.reporting.html import Made

    about = metadata.metadata(_PACKAGE)
    urls = dict(entry.split(", ", 1) for entry in about.get_all("Project-URL") or [])
    return Made(
        date=datetime.now().astimezone().date().isoformat(),
        version=about["Version"],
        command=command,
        docs=f"{urls['Documentation']}{_DOCS}" if "Documentation" in urls else "",
    )


def _by_kind(report: Any, errors: list[ConfidentError]) -> "list[Errors]":
    """Divide errors by what they take for what, and say how many of each kind there are."""
    from imdb_sentiment.reporting.html import Errors

    kinds = []
    for true in (0, 1):
        count, total = report.confusion_matrix[true][1 - true], sum(report.confusion_matrix[true])
        alike = [error for error in errors if error.true == report.labels[true]]
        heading = f"{report.labels[true]}, predicted as {report.labels[1 - true]}: {count:,} of {total:,} rows"
        if alike:
            kinds.append(Errors(heading, alike))
    return kinds


def _behaviour(behaviour: BehaviourReport) -> "Behaviour":
    from imdb_sentiment.reporting.html import Behaviour

    weakest = sorted(behaviour.checks, key=lambda check: -check.rate)[:_CHECKS]
    failures = [
        _failure(f"{check.name.capitalize()}: {check.expected_in_words} expected", one, behaviour.labels[1])
        for check in weakest
        for one in check.examples[:_FAILURES]
    ]
    return Behaviour(behaviour.conclusions(), Table(behaviour.caption(), behaviour.rows_of_text()), failures)


def _failure(heading: str, example: BehaviourExample, positive: str) -> "Failure":
    from imdb_sentiment.reporting.html import Failure

    def predicted(label: str, score: float) -> str:
        return f"{label} ({score if label == positive else 1 - score:.3f})"

    text, changed = break_lines(example.text), break_lines(example.changed)
    return Failure(
        heading=heading,
        text="" if text == changed else text,
        label=predicted(example.label, example.scores[0]),
        changed=mark_changes(text, changed),
        changed_label=predicted(example.changed_label, example.scores[1]),
    )

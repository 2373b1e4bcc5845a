"""An evaluation report as text, as Markdown, in a notebook, and as a page."""

from typing import TYPE_CHECKING, Any

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.drawing import draw_svg
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.abstention import abstention_rows
from imdb_sentiment.results.background import ModelProvenance
from imdb_sentiment.results.label_issues import LabelIssues
from imdb_sentiment.results.measured import error_rows
from imdb_sentiment.results.metric_tables import confusion_rows
from imdb_sentiment.results.plots import plots_of
from imdb_sentiment.results.slices import slice_rows
from imdb_sentiment.results.tables import format_table, wrap

if TYPE_CHECKING:
    from imdb_sentiment.reporting.html import Page

__all__ = ["report_fragment", "report_markdown", "report_page", "report_text"]


def report_text(report: Any) -> str:
    """Return the metrics of an `EvaluationReport`, and what to know of them, for a terminal."""
    about = "cross-validated: each row was scored by a model that was trained without it"
    gain = f"ensemble: {report.encoder_alone.verdict_by_log_loss}" if report.encoder_alone else None
    given = [about if report.cross_validated else None, report.one_label_warning(), gain]
    sentences = [*filter(None, given), *(baseline.verdict for baseline in report.baselines)]
    lines = [line for sentence in sentences for line in wrap(sentence)]
    lines += format_table(report.metric_rows(corner=count_rows(report.rows)))
    lines += format_table(confusion_rows(report.labels, report.confusion_matrix))
    return "\n".join(lines)


def report_markdown(report: Any) -> str:
    """Return an `EvaluationReport` as Markdown; see its method `to_markdown`."""
    from imdb_sentiment.reporting.markdown import Section, render_markdown

    shown = report.unseen or report
    sections = [
        Section("Metrics", shown.metric_rows(), f"On {shown.rows:,} rows, {shown.computed_in()}."),
        Section("Confusion matrix", confusion_rows(shown.labels, shown.confusion_matrix)),
    ]
    if shown.slices:
        sections.append(Section("Slices", slice_rows(shown.slices)))
    return render_markdown(report.verdict(), sections)


def report_fragment(report: Any) -> Fragment:
    """Return how a notebook shows an `EvaluationReport`."""
    shown = report.unseen or report
    folded = []
    promises = abstention_rows(shown.background.promises if shown.background else (), shown.measured)
    if len(promises) > 1:
        folded.append(Fragment("Abstention", tables=[Table("Each promise with 95 % confidence", promises)]))
    if shown.slices:
        folded.append(Fragment("Slices", tables=[Table("Rows with a value in common", slice_rows(shown.slices))]))
    if errors := shown.confident_errors():
        folded.append(Fragment("Most confident errors", tables=[Table("Errors", error_rows(errors))]))
    tables = [_metric_table(shown), _confusion_table(shown)]
    return Fragment("Evaluation report", report.verdict(), tables=tables, folded=folded)


def report_page(report: Any, *, title: str, label_issues: LabelIssues | None) -> "Page":
    """Return the page of an `EvaluationReport`; see its method `save_html`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    from imdb_sentiment.reporting.html import Page

    shown = report.unseen or report
    background = shown.background or ModelProvenance({})
    return Page(
        title=title,
        labels=shown.labels,
        verdict=report.verdict(),
        metrics=_metric_table(shown),
        computed=f"{shown.computed_in().capitalize()}.",
        confusion=_confusion_table(shown),
        plots=[draw_svg(plot) for plot in plots_of(shown).values()],
        abstention=Table(
            "Abstention, each promise with 95 % confidence", abstention_rows(background.promises, shown.measured)
        ),
        slices=Table("Rows divided by length, confidence and columns", slice_rows(shown.slices)),
        mistakes=shown.confident_errors(),
        label_issues=label_issues,
        audit=(background.audit or {}).get("findings", []),
        provenance=Table("Where the model comes from", [["", ""], *map(list, background.provenance.items())]),
    )


def _metric_table(report: Any) -> Table:
    intervals = ", with 95 % intervals" if report.intervals else ""
    return Table(f"Metrics on {count_rows(report.rows)}{intervals}", report.metric_rows())


def _confusion_table(report: Any) -> Table:
    return Table("True labels down, predicted labels across", confusion_rows(report.labels, report.confusion_matrix))

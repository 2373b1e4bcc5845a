"""An evaluation report as text, as Markdown, and in a notebook."""

from typing import Any

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.abstention import abstention_rows
from imdb_sentiment.results.measured import error_rows
from imdb_sentiment.results.metric_tables import confusion_rows
from imdb_sentiment.results.slices import slice_rows
from imdb_sentiment.results.tables import format_table, wrap

__all__ = ["confusion_table", "metric_table", "report_fragment", "report_markdown", "report_text"]


def report_text(report: Any) -> str:
    """Return the metrics of an `EvaluationReport`, and what to know of them, for a terminal."""
    about = "cross-validated: each row was scored by a model that was trained without it"
    gain = f"ensemble: {report.encoder_alone.verdict_by_log_loss}" if report.encoder_alone else None
    given = [about if report.cross_validated else None, report.one_label_warning(), gain]
    weak = report.behaviour.weaknesses() if report.behaviour else []
    behaviour = [f"behaviour: {check.says(report.labels)}" for check in weak[:1]]
    sentences = [*filter(None, given), *(baseline.verdict for baseline in report.baselines), *behaviour]
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
        Section("Confusion matrix", confusion_rows(shown.labels, shown.confusion_matrix, shares=True)),
    ]
    if shown.slices:
        sections.append(Section("Slices", slice_rows(shown.slices)))
    if report.behaviour and report.behaviour.checks:
        sections.append(Section("Behaviour", report.behaviour.rows_of_text(), " ".join(report.behaviour.conclusions())))
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
    if report.behaviour:
        folded.append(report.behaviour._fragment())
    if errors := shown.confident_errors():
        folded.append(Fragment("Most confident errors", tables=[Table("Errors", error_rows(errors))]))
    tables = [metric_table(shown), confusion_table(shown)]
    return Fragment("Evaluation report", report.verdict(), tables=tables, folded=folded)


def metric_table(report: Any, *, digits: int = 4) -> Table:
    """Return the metrics of an `EvaluationReport` as a table."""
    intervals = ", with 95 % intervals" if report.intervals else ""
    return Table(f"Metrics on {count_rows(report.rows)}{intervals}", report.metric_rows(digits=digits))


def confusion_table(report: Any) -> Table:
    """Return the confusion matrix of an `EvaluationReport` as a table, with shares of each true label."""
    rows = confusion_rows(report.labels, report.confusion_matrix, shares=True)
    return Table("True labels down, predicted labels across, and the share of the true label", rows)

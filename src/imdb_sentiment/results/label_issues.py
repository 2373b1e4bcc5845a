"""Suspected label errors."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.base import Record, frame_of
from imdb_sentiment.results.tables import format_table, one_line, wrap
from imdb_sentiment.runtime.messages import visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LabelIssue", "LabelIssues"]

_SHOWN = 10
_WIDTH = 44
_WIDTH_IN_NOTEBOOK = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelIssue(Record):
    """A row whose label contradicts an out-of-fold prediction."""

    row: int
    """Number of the row among the training and validation rows of the source, in its order, from 1."""

    label: str
    """The given label."""

    suggested: str
    """The other label."""

    probability: float
    """Out-of-fold probability of the suggested label."""

    text: str
    """The text, or both parts of a pair with a line break between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelIssues(Record):
    """Suspected label errors, the most likely first."""

    rows: int
    """Number of rows checked."""

    model: str
    """Model of the out-of-fold predictions."""

    accuracy: float
    """Share of the labels that the out-of-fold predictions agree with."""

    undecided: str | None = None
    """Why no rows are listed although some are suspected: the model is wrong too often to tell. None otherwise."""

    issues: tuple[LabelIssue, ...]

    notes: tuple[str, ...]
    """Remarks on how the rows were read."""

    def to_frame(self) -> "pd.DataFrame":
        """Return the issues as a pandas frame: `row`, `label`, `suggested`, `probability` and `text`."""
        return frame_of(LabelIssue, (issue.to_dict() for issue in self.issues))

    def _fragment(self) -> Fragment:
        table = [["row", "label", "suggested", "probability", "text"]]
        for issue in self.issues:
            cells = (issue.label, issue.suggested, f"{issue.probability:.3f}", one_line(issue.text, _WIDTH_IN_NOTEBOOK))
            table.append([f"{issue.row:,}", *cells])
        tables = [Table("The most suspicious first", table)] if self.issues else []
        return Fragment("Label issues", [*self._summary(), *self.notes], tables=tables)

    def _summary(self) -> list[str]:
        if self.undecided:
            return [
                f"{self.model} cannot tell which of {count_rows(self.rows)} have a wrong label: {self.undecided}",
                "label more rows, or use a better model; find the labels that contradict each other by the audit",
            ]
        share = 100 * len(self.issues) / self.rows
        return [f"{count_rows(len(self.issues))} of {self.rows:,} suspected ({share:.1f} %), by {self.model}"]

    def __str__(self) -> str:
        lines = [line for sentence in self._summary() for line in wrap(sentence)]
        if self.issues:
            table = [["text", "row", "label", "suggested", "probability"]]
            for issue in self.issues[:_SHOWN]:
                cells = (f"{issue.row:,}", issue.label, issue.suggested, f"{issue.probability:.3f}")
                table.append([one_line(issue.text, _WIDTH), *cells])
            lines += ["", *format_table(table)]
        if len(self.issues) > _SHOWN:
            lines.append(f"... and {len(self.issues) - _SHOWN:,} more")
        return visible("\n".join([*lines, *(line for note in self.notes for line in wrap(f"note: {note}"))]))

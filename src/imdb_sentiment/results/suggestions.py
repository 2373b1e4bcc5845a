"""Rows that are worth labelling next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.base import Record, frame_of
from imdb_sentiment.results.tables import format_table, one_line, wrap
from imdb_sentiment.runtime.messages import cut, visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Suggestion", "Suggestions"]

_SHOWN = 10
_WIDTH = 50
_WIDTH_IN_NOTEBOOK = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion(Record):
    """A row that is worth a label."""

    row: int
    """Number of the row in the input, from 1, without the header."""

    text: str | tuple[str, str]
    """Its text, or pair of texts."""

    probability: float
    """Probability of the positive label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions(Record):
    """Rows that are worth labelling next, the least certain first."""

    positive_label: str
    """The label that the probabilities refer to."""

    rows: int
    """Number of rows in the input."""

    left_out: Mapping[str, int]
    """Rows that could not be suggested, by reason; duplicates only among the least certain rows."""

    suggestions: tuple[Suggestion, ...]

    notes: tuple[str, ...] = ()
    """Remarks on how the rows were read."""

    def to_frame(self) -> "pd.DataFrame":
        """Return the suggestions as a pandas frame: `row`, `text` and `probability`."""
        return frame_of(Suggestion, (one.to_dict() for one in self.suggestions))

    def _count(self) -> str:
        return f"{count_rows(len(self.suggestions))} to label of {self.rows:,}, the least certain first"

    def _remarks(self) -> list[str]:
        return [*(f"{count_rows(number)} left out: {reason}" for reason, number in self.left_out.items()), *self.notes]

    def _table(self, shown: int, width: int) -> list[list[str]]:
        table = [["text", "row", f"probability of {cut(self.positive_label)}"]]
        for one in self.suggestions[:shown]:
            text = one.text if isinstance(one.text, str) else " / ".join(one.text)
            table.append([one_line(text, width), f"{one.row:,}", f"{one.probability:.3f}"])
        return table

    def _fragment(self) -> Fragment:
        table = self._table(len(self.suggestions), _WIDTH_IN_NOTEBOOK)
        tables = [Table("The least certain first", table)] if self.suggestions else []
        return Fragment("Rows to label", [f"{self._count()}.", *self._remarks()], tables=tables)

    def __str__(self) -> str:
        lines = [self._count()]
        if self.suggestions:
            # a label's name may be long
            width = min(_WIDTH, 60 - len(cut(self.positive_label)) // 2)
            lines += ["", *format_table(self._table(_SHOWN, width))]
        if len(self.suggestions) > _SHOWN:
            lines.append(f"... and {len(self.suggestions) - _SHOWN:,} more")
        for remark in self._remarks():
            lines += wrap(f"note: {remark}")
        return visible("\n".join(lines))

"""Sizes of the splits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.base import Record
from imdb_sentiment.results.tables import format_table, wrap
from imdb_sentiment.runtime.messages import visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LeftOut", "SplitSummary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut(Record):
    """Rows of the source that are in no split."""

    split: str
    """Split that the rows would have been in."""

    reason: str
    """Why they were left out."""

    rows: int
    """Number of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSummary(Record):
    """Sizes of the splits, and rows left out of them."""

    rows: Mapping[str, Mapping[str, int]]
    """Number of rows per split and label."""

    left_out: tuple[LeftOut, ...]
    """All rows in no split, by reason."""

    test_overlap_rows: int
    """Number of training and validation rows that overlap test, left out or not."""

    notes: tuple[str, ...]
    """Remarks on how the source was read."""

    folds: int = 0
    """Number of folds of the training rows; 0 with a validation split."""

    fingerprint: str
    """SHA-256 over texts and labels of each split, independent of the order of the rows."""

    def to_frame(self) -> "pd.DataFrame":
        """Return the number of rows as a pandas frame with one row per split and one column per label."""
        import pandas as pd

        return pd.DataFrame(list(self.rows.values()), index=pd.Index(self.rows, name="split"))

    def _fragment(self) -> Fragment:
        return Fragment("Splits", self._sentences(), tables=[Table("Rows by split and label", self._counts())])

    def _counts(self) -> list[list[str]]:
        names = list(next(iter(self.rows.values())))
        table = [["split", *names, "rows"]]
        return table + [
            [split, *(f"{n:,}" for n in by.values()), f"{sum(by.values()):,}"]
            for split, by in self.rows.items()
            if any(by.values())  # cross-validation leaves splits empty
        ]

    def _sentences(self) -> list[str]:
        sentences = []
        if self.folds:
            missing = "no validation split" if any(self.rows["test"].values()) else "no validation and no test split"
            sentences.append(f"{missing}: each training row is held out once, in {self.folds} folds")
        sentences += [f"left out of {part.split}: {count_rows(part.rows)}, {part.reason}" for part in self.left_out]
        return sentences + [f"note: {note}" for note in self.notes]

    def __str__(self) -> str:
        sentences = (line for sentence in self._sentences() for line in wrap(sentence))
        return visible("\n".join([*format_table(self._counts()), *sentences]))

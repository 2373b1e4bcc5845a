"""What came of the rows of a file, or of several."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imdb_sentiment.errors import count_rows
from imdb_sentiment.messages import list_counts, visible
from imdb_sentiment.results.plain import to_plain

__all__ = ["FileReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What came of the rows of a file, or of several files together."""

    rows: int
    """How many rows were written."""

    labels: Mapping[str, int]
    """How many of them got each label."""

    not_scored: Mapping[str, int]
    """How many got none, by the reason."""

    answered_by_words: int | None
    """How many of the labels the quick model of a cascade gave; None without a cascade."""

    scored_before: int
    """How many of the rows an earlier run had done, which did not come to its end."""

    notes: tuple[str, ...]
    """What else a reader should know."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return to_plain(self)

    def __str__(self) -> str:
        counts = list_counts(self.labels)
        lines = [f"{count_rows(self.rows)}: {counts}"]
        lines += [f"{rows:,} without a label: {reason}" for reason, rows in self.not_scored.items()]
        if self.answered_by_words is not None:
            share = self.answered_by_words / max(sum(self.labels.values()), 1)
            lines.append(f"{share:.0%} of the labels were given by the quick model, the rest by the encoder")
        if self.scored_before:
            lines.append(f"{self.scored_before:,} of them were done by an earlier run")
        return visible("\n".join([*lines, *(f"note: {note}" for note in self.notes)]))

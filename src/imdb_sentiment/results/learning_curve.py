"""How accuracy rises with the number of labelled rows."""

from dataclasses import dataclass
from typing import Any

from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.base import record_to_dict
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.text_table import format_table, wrap
from imdb_sentiment.runtime.messages import visible

__all__ = ["Forecast", "LearningCurve", "LearningPoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningPoint:
    """Models that were trained on so many rows."""

    rows: int
    """Number of labelled rows that each was given, those held out to choose by included."""

    accuracy: float
    """Share of the held-out rows with the right label."""

    interval: Interval
    """95 % interval of the accuracy."""

    log_loss: float
    """Mean log loss on the held-out rows, in nats."""

    seconds: float
    """Mean wall-clock seconds of one training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a power law through the points says of a number of rows."""

    rows: int
    """Number of labelled rows."""

    accuracy: float
    """Expected accuracy."""

    interval: Interval
    """95 % interval, from resampling the held-out rows. It does not cover that the law may not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """Accuracy over the number of labelled rows, and what more of them would bring."""

    points: tuple[LearningPoint, ...]
    """One for each number of rows, rising."""

    now: Forecast
    """All rows, which is more than any point was trained on."""

    doubled: Forecast
    """Twice as many."""

    gain: float
    """Accuracy of `doubled` minus that of `now`; 0.01 is one point."""

    gain_interval: Interval
    """95 % interval of it."""

    held_out: int
    """Number of rows that each point was measured on."""

    folds: int
    """Number of models behind each point."""

    notes: tuple[str, ...] = ()
    """How the source was read, and which rows were left alone."""

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as plain JSON types."""
        return record_to_dict(self)

    def __str__(self) -> str:
        table = [["labelled rows", "accuracy", "95 % interval", "log loss", "seconds"]]
        for point in self.points:
            values = (f"{point.accuracy:.4f}", str(point.interval), f"{point.log_loss:.4f}", f"{point.seconds:.0f}")
            table.append([f"{point.rows:,}", *values])
        lines = format_table(table)
        lines += wrap(
            f"each line: {self.folds} models, measured on the same {count_rows(self.held_out)}, which none of them was "
            "trained on"
        )
        low, high = (100 * end for end in self.gain_interval)
        lines += wrap(
            f"with all {self.now.rows:,} rows about {self.now.accuracy:.1%} are right; with twice as many, "
            f"{self.doubled.rows:,}, about {self.doubled.accuracy:.1%}: {100 * self.gain:+.1f} points "
            f"({low:+.1f} to {high:+.1f})"
        )
        return visible("\n".join([*lines, *(line for note in self.notes for line in wrap(f"note: {note}"))]))

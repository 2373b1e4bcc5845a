"""Learning curves over the number of labelled rows."""

from dataclasses import dataclass

from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.base import Record
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.tables import format_table, wrap
from imdb_sentiment.runtime.messages import visible

__all__ = ["Forecast", "LearningCurve", "LearningPoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningPoint:
    """Metrics of models trained on a number of rows."""

    rows: int
    """Number of labelled rows for each model, including its validation rows."""

    accuracy: float
    """Accuracy on the held-out rows."""

    interval: Interval
    """95 % interval of the accuracy."""

    log_loss: float
    """Mean log loss on the held-out rows, in nats."""

    seconds: float
    """Mean wall-clock seconds of one training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Accuracy predicted by a power law through the points."""

    rows: int
    """Number of labelled rows."""

    accuracy: float
    """Expected accuracy."""

    interval: Interval
    """95 % interval from resampling the held-out rows. It does not account for deviations from the power law."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve(Record):
    """Accuracy over the number of labelled rows, with forecasts for more rows."""

    points: tuple[LearningPoint, ...]
    """One point per number of rows, ascending."""

    now: Forecast
    """Forecast for all rows, more than any point was trained on."""

    doubled: Forecast
    """Forecast for twice as many rows."""

    gain: float
    """Accuracy of `doubled` minus that of `now`; 0.01 is one point."""

    gain_interval: Interval
    """95 % interval of the gain."""

    held_out: int
    """Number of rows that each point was evaluated on."""

    folds: int
    """Number of models behind each point."""

    notes: tuple[str, ...] = ()
    """How the source was read, and which rows were not used."""

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

"""Learning curves over the number of labelled rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.drawing import draw_on
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.plots import Estimate, learning_plot
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.base import Record
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.tables import format_table, wrap
from imdb_sentiment.runtime.messages import visible

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Forecast", "LearningCurve", "LearningPoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningPoint(Record):
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
class Forecast(Record):
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

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas frame with one row per point.

        Its columns are `rows`, `accuracy`, the ends `low` and `high` of its interval, `log_loss` and `seconds`.
        """
        import pandas as pd

        rows = [(point.rows, point.accuracy, *point.interval, point.log_loss, point.seconds) for point in self.points]
        return pd.DataFrame(rows, columns=["rows", "accuracy", "low", "high", "log_loss", "seconds"])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the accuracy by the number of labelled rows with matplotlib. Needs the extra `report`.

        Filled points are the models that were trained, hollow ones the forecasts; bars are 95 % intervals.

        Args:
            ax: Axes to draw on, in their colours; by default those of a new figure, as for `EvaluationReport.plot`.

        Returns:
            The axes, for further drawing or saving: `curve.plot().figure.savefig("curve.png")`.

        Raises:
            ConfigError: `ax` is not one pair of axes.
            MissingExtraError: matplotlib is not installed.
        """
        measured = [Estimate(point.rows, point.accuracy, *point.interval) for point in self.points]
        forecasts = [Estimate(each.rows, each.accuracy, *each.interval) for each in (self.now, self.doubled)]
        return draw_on(learning_plot(measured, forecasts), ax)

    def _fragment(self) -> Fragment:
        measured, forecast = self._sentences()
        tables = [Table("Models by the number of labelled rows", self._rows())]
        return Fragment("Learning curve", [forecast, measured, *self.notes], tables=tables)

    def _rows(self) -> list[list[str]]:
        table = [["labelled rows", "accuracy", "95 % interval", "log loss", "seconds"]]
        for point in self.points:
            values = (f"{point.accuracy:.4f}", str(point.interval), f"{point.log_loss:.4f}", f"{point.seconds:.0f}")
            table.append([f"{point.rows:,}", *values])
        return table

    def _sentences(self) -> tuple[str, str]:
        low, high = (100 * end for end in self.gain_interval)
        return (
            f"each line: {self.folds} models, measured on the same {count_rows(self.held_out)}, which none of them was "
            "trained on",
            f"with all {self.now.rows:,} rows about {self.now.accuracy:.1%} are right; with twice as many, "
            f"{self.doubled.rows:,}, about {self.doubled.accuracy:.1%}: {100 * self.gain:+.1f} points "
            f"({low:+.1f} to {high:+.1f})",
        )

    def __str__(self) -> str:
        sentences = (*self._sentences(), *(f"note: {note}" for note in self.notes))
        return visible("\n".join([*format_table(self._rows()), *(line for each in sentences for line in wrap(each))]))

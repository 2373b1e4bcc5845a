"""Results of a cross-validation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.base import Record
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.results.tables import format_table, wrap
from imdb_sentiment.runtime.messages import visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CrossValidationReport", "FoldResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldResult(Record):
    """Result of one fold."""

    fold: int
    """Number of the fold that was held out, from 1."""

    train_rows: int
    """Number of training rows."""

    kept_epoch: float
    """The epoch that was evaluated."""

    kept_because: str
    """Why that epoch was kept."""

    seconds: float
    """Wall-clock seconds of training."""

    report: EvaluationReport
    """Metrics on the held-out fold, without intervals, baselines and slices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidationReport(Record):
    """Metrics of a cross-validation, with mean and standard deviation."""

    folds: tuple[FoldResult, ...]
    """One result per fold."""

    mean: Mapping[str, float]
    """Mean over the folds of each metric of `EvaluationReport`."""

    standard_deviation: Mapping[str, float]
    """Standard deviation over the folds, with n - 1 in the denominator."""

    notes: tuple[str, ...] = ()
    """How the source was read, and which rows were not used."""

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas frame with one row per fold.

        Its columns are `fold`, `train_rows`, `kept_epoch`, `seconds`, the number of `rows` held out, and each metric.
        """
        import pandas as pd

        about = ["fold", "train_rows", "kept_epoch", "seconds"]
        rows = [
            [getattr(result, name) for name in about]
            + [result.report.rows, *(result.report.value_of(name) for name in self.mean)]
            for result in self.folds
        ]
        return pd.DataFrame(rows, columns=[*about, "rows", *self.mean])

    def _fragment(self) -> Fragment:
        return Fragment(
            "Cross-validation", [self._held_out(), *self.notes], tables=[Table("Metrics by fold", self._rows())]
        )

    def _rows(self) -> list[list[str]]:
        table = [["metric", "mean", "std", *(f"fold {result.fold}" for result in self.folds)]]
        for metric in self.mean:
            values = (self.mean[metric], self.standard_deviation[metric])
            by_fold = [result.report.value_of(metric) for result in self.folds]
            table.append([metric, *("-" if value is None else f"{value:.4f}" for value in (*values, *by_fold))])
        return table

    def _held_out(self) -> str:
        rows = sum(result.report.rows for result in self.folds)
        seconds = sum(result.seconds for result in self.folds)
        return f"{count_rows(rows)} held out once each, after {seconds:.0f} s of training"

    def __str__(self) -> str:
        notes = (line for note in self.notes for line in wrap(f"note: {note}"))
        return visible("\n".join([*format_table(self._rows()), self._held_out(), *notes]))

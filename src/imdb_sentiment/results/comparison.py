"""Comparison of two models, and detection of flipped labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.base import Record, restore
from imdb_sentiment.results.metrics import METRICS
from imdb_sentiment.results.tables import format_table, wrap
from imdb_sentiment.runtime.messages import quote

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BY_CHANCE", "Comparison", "Difference", "Interval", "Ranking", "flipped_warning"]

BY_CHANCE = 0.05
"""Significance level."""

_SHOWN = 4


class Interval(NamedTuple):
    """A 95 % interval."""

    low: float
    high: float

    def __str__(self) -> str:
        return self.rounded(4)

    def rounded(self, digits: int) -> str:
        """Return the interval rounded to this number of decimals."""
        return f"{self.low:.{digits}f} to {self.high:.{digits}f}"


class Ranking(NamedTuple):
    """Which of two models is better by a metric that does not depend on the threshold."""

    metric: str

    sign: int
    """1 if the second is better, -1 if it is worse, 0 if chance could explain the difference."""

    evidence: str
    """The difference and its interval."""


class Difference(NamedTuple):
    """A metric of the second model minus that of the first."""

    value: float

    interval: Interval
    """By a paired bootstrap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Record):
    """Comparison of two models on the same rows."""

    rows: int

    differences: Mapping[str, Difference]
    """Second minus first for each metric, by its name in `EvaluationReport`."""

    only_first_correct: int
    """Rows that only the first model predicts correctly."""

    only_second_correct: int

    p_value: float
    """p-value of McNemar's exact test for equal accuracies."""

    thresholds: tuple[str, str] | None = None
    """Goal of each threshold, such as `recall>=0.95`, or the threshold itself; None if not recorded."""

    goals_reached: tuple[bool, bool] = (True, True)
    """Whether each reached its goal on validation rows."""

    @property
    def beyond_chance(self) -> bool:
        """Whether the accuracies differ significantly."""
        return self.p_value < BY_CHANCE

    @property
    def verdict(self) -> str:
        """Conclusion in one sentence, by accuracy and by a threshold-free metric."""
        points = self.differences["accuracy"].value
        sentence = self.unlike("the first", "the second")
        if sentence is None and self.beyond_chance:
            sentence = f"the second is {'more' if points > 0 else 'less'} accurate: {self.evidence()}"
        elif sentence is None:
            sentence = f"no difference in accuracy beyond chance: {self.evidence()}"
        if ranking := self.ranking():
            word = ("no difference in {} beyond chance", "{} of the second is better", "{} of the second is worse")
            sentence += f"; {word[ranking.sign].format(ranking.metric)}: {ranking.evidence}"
        return sentence

    def unlike(self, first: str, second: str) -> str | None:
        """Explain why the accuracies are not comparable; return None if they are.

        Thresholds for different goals give the same model different accuracies.

        Args:
            first: What to call the first model.
            second: What to call the second.
        """
        if self.thresholds is None:
            return None
        one, other = self.thresholds
        if one != other:
            return f"accuracies are not comparable, as {first} is measured at {one} and {second} at {other}"
        if all(self.goals_reached):
            return None
        who = f"only {first if self.goals_reached[0] else second}" if any(self.goals_reached) else "neither"
        return f"accuracies are not comparable, as {who} reached {one} on validation"

    def ranking(self) -> Ranking | None:
        """Compare by ROC-AUC, or by log loss where that is undefined."""
        name: Literal["roc_auc", "log_loss"] = "roc_auc" if "roc_auc" in self.differences else "log_loss"
        return self.ranking_by(name) if name in self.differences else None

    def ranking_by(self, name: Literal["roc_auc", "log_loss"]) -> Ranking:
        """Compare by one of two metrics that do not depend on the threshold."""
        greater = -1 if name == "log_loss" else 1
        value, (low, high) = self.differences[name]
        beyond = self.beyond_chance if low == high else not low <= 0 <= high  # no resample changes it: use McNemar's
        sign = greater * ((value > 0) - (value < 0)) if beyond else 0
        return Ranking(METRICS[name].label, sign, f"{value:+.3f} ({low:+.3f} to {high:+.3f})")

    def evidence(self) -> str:
        """Return the difference in accuracy, its interval and the p-value as a short text."""
        accuracy = self.differences["accuracy"]
        points, low, high = (100 * value for value in (accuracy.value, *accuracy.interval))
        chance = "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.3f}"
        return f"{points:+.1f} points ({low:+.1f} to {high:+.1f}, {chance})"

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Comparison":
        """Create a comparison from the result of `to_dict`."""
        comparison: Comparison = restore(cls, plain)
        return comparison

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON types."""
        return Record.to_dict(self) | {"verdict": self.verdict}

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas frame indexed by metric: `difference`, the ends `low` and `high` of its interval."""
        import pandas as pd

        rows = [(difference.value, *difference.interval) for difference in self.differences.values()]
        names = pd.Index(self.differences, name="metric")
        return pd.DataFrame(rows, index=names, columns=["difference", "low", "high"])

    def _fragment(self) -> Fragment:
        tables = [Table("Second model minus first", self._rows())]
        return Fragment("Comparison", [f"{self.verdict}.", f"{self._only_one_correct()}."], tables=tables)

    def _rows(self) -> list[list[str]]:
        table = [["second minus first", "difference", "95 % interval"]]
        for name, difference in self.differences.items():
            low, high = difference.interval
            table.append([name.replace("_", " "), f"{difference.value:+.4f}", f"{low:+.4f} to {high:+.4f}"])
        return table

    def _only_one_correct(self) -> str:
        return (
            f"correct only in the first: {count_rows(self.only_first_correct)}, only in the second: "
            f"{count_rows(self.only_second_correct)}, of {self.rows:,}"
        )

    def __str__(self) -> str:
        return "\n".join([*wrap(self.verdict), self._only_one_correct(), *format_table(self._rows())])


def flipped_warning(
    read_as: Mapping[str, str], *, accuracy: float, rows: int, roc_auc: float | None = None
) -> str | None:
    """Warn that labels are probably flipped if the accuracy is significantly below chance.

    Args:
        read_as: The model's name for each label that the data spell differently. Without any, there is no warning,
            since the rows may just be hard.
        accuracy: Accuracy on the rows.
        rows: Number of rows.
        roc_auc: A value above 0.5 means that the threshold explains the low accuracy.
    """
    from scipy.stats import binom

    right = round(accuracy * rows)
    if not read_as or (roc_auc or 0.0) >= 0.5 or binom.cdf(right, rows, 0.5) >= BY_CHANCE:
        return None
    shown = [f"{quote(label)} was read as {quote(name)}" for label, name in list(read_as.items())[:_SHOWN]]
    return (
        f"the labels are probably flipped: {right:,} of {rows:,} rows are predicted correctly, clearly fewer than by "
        f"chance, and {', '.join(shown)}; check some rows before you trust these results"
    )

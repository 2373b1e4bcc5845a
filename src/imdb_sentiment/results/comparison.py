"""Two models on the same rows, and labels that were probably read the wrong way round."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.base import record_to_dict
from imdb_sentiment.results.metric_names import METRIC_NAMES
from imdb_sentiment.results.text_table import format_table, wrap
from imdb_sentiment.runtime.messages import quote

__all__ = ["BY_CHANCE", "Comparison", "Difference", "Interval", "flipped_warning"]

BY_CHANCE = 0.05
"""From this probability on, a difference may be chance."""

_SHOWN = 4


class Interval(NamedTuple):
    """Ends of a 95 % interval."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.4f} to {self.high:.4f}"


class Ranking(NamedTuple):
    """Which of two models is better by a metric that looks at scores and not at labels."""

    metric: str

    sign: int
    """1 if the second is better, -1 if it is worse, 0 if chance explains the difference."""

    evidence: str
    """The difference and its interval."""


class Difference(NamedTuple):
    """How far a figure of the second model lies above that of the first."""

    value: float

    interval: Interval
    """By a paired bootstrap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Whether a second model is better than a first on the same rows, beyond chance."""

    rows: int

    differences: Mapping[str, Difference]
    """For each figure by its name in `EvaluationReport`, second minus first."""

    only_first_correct: int
    """Rows whose label the first model alone predicts."""

    only_second_correct: int

    p_value: float
    """McNemar's exact test: how often two equally accurate models would differ by as much on such rows, or by more."""

    thresholds: tuple[str, str] | None = None
    """How the two call rows positive: a goal such as `recall>=0.95`, or the threshold itself; None if not recorded."""

    goals_reached: tuple[bool, bool] = (True, True)
    """Whether each reached its goal on validation rows."""

    @property
    def beyond_chance(self) -> bool:
        """Whether the two models' accuracies differ by more than chance explains."""
        return self.p_value < BY_CHANCE

    @property
    def verdict(self) -> str:
        """One sentence that says what it means: of the labels, and by a metric that no threshold changes."""
        points = self.differences["accuracy"].value
        said = self.unlike("the first", "the second")
        if said is None and self.beyond_chance:
            said = f"the second is {'more' if points > 0 else 'less'} accurate: {self.evidence()}"
        elif said is None:
            said = f"no difference in accuracy beyond chance: {self.evidence()}"
        if ranking := self.ranking():
            word = ("no difference in {} beyond chance", "{} of the second is better", "{} of the second is worse")
            said += f"; {word[ranking.sign].format(ranking.metric)}: {ranking.evidence}"
        return said

    def unlike(self, first: str, second: str) -> str | None:
        """Say why labels of the two do not compare; None if they do.

        A model that may miss every other positive row, as precision alone is asked of it, has another accuracy than
        the same model that must find nearly all of them.

        Args:
            first: What to call the first model.
            second: What to call the second.
        """
        if self.thresholds is None:
            return None
        one, other = self.thresholds
        if one != other:
            return f"accuracies do not compare, as {first} is measured at {one} and {second} at {other}"
        if all(self.goals_reached):
            return None
        who = f"only {first if self.goals_reached[0] else second}" if any(self.goals_reached) else "neither"
        return f"accuracies do not compare, as {who} reached {one} on validation"

    def ranking(self) -> "Ranking | None":
        """Return which of the two is better by ROC-AUC, or by log loss where that is undefined."""
        name, greater = ("roc_auc", 1) if "roc_auc" in self.differences else ("log_loss", -1)
        if name not in self.differences:
            return None
        value, (low, high) = self.differences[name]
        beyond = self.beyond_chance if low == high else not low <= 0 <= high  # no resample changes it: see McNemar's
        sign = greater * ((value > 0) - (value < 0)) if beyond else 0
        return Ranking(METRIC_NAMES[name], sign, f"{value:+.3f} ({low:+.3f} to {high:+.3f})")

    def evidence(self) -> str:
        """Return the difference in accuracy, its interval and the probability of McNemar's test, in a few words."""
        accuracy = self.differences["accuracy"]
        points, low, high = (100 * value for value in (accuracy.value, *accuracy.interval))
        chance = "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.3f}"
        return f"{points:+.1f} points ({low:+.1f} to {high:+.1f}, {chance})"

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Comparison":
        """Read what `to_dict` returned."""
        differences = {name: Difference(value, Interval(*ends)) for name, (value, ends) in plain["differences"].items()}
        counts = {name: plain[name] for name in ("rows", "only_first_correct", "only_second_correct", "p_value")}
        later: dict[str, Any] = {
            name: tuple(plain[name]) for name in ("thresholds", "goals_reached") if plain.get(name)
        }
        return cls(differences=differences, **counts, **later)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON types."""
        return record_to_dict(self) | {"verdict": self.verdict}

    def __str__(self) -> str:
        table = [["second minus first", "difference", "95 % interval"]]
        for name, difference in self.differences.items():
            low, high = difference.interval
            table.append([name.replace("_", " "), f"{difference.value:+.4f}", f"{low:+.4f} to {high:+.4f}"])
        return "\n".join(
            [
                *wrap(self.verdict),
                f"correct in the first alone: {count_rows(self.only_first_correct)}, in the second alone: "
                f"{count_rows(self.only_second_correct)}, of {self.rows:,}",
                *format_table(table),
            ]
        )


def flipped_warning(
    read_as: Mapping[str, str], *, accuracy: float, rows: int, roc_auc: float | None = None
) -> str | None:
    """Say that labels are probably flipped, if the model is right on clearly fewer rows than by chance.

    Args:
        read_as: The model's name for each label that the data spell otherwise. Without any there is nothing to doubt:
            a model may well be wrong on rows that were chosen because they are hard.
        accuracy: Of the model on these rows.
        rows: How many they are.
        roc_auc: If this is above 0.5, a threshold far from 0.5 is what makes the accuracy so low.
    """
    from scipy.stats import binom

    right = round(accuracy * rows)
    if not read_as or (roc_auc or 0.0) >= 0.5 or binom.cdf(right, rows, 0.5) >= BY_CHANCE:
        return None
    shown = [f"{quote(label)} was read as {quote(name)}" for label, name in list(read_as.items())[:_SHOWN]]
    return (
        f"the labels are probably flipped: {right:,} of {rows:,} rows are predicted right, clearly fewer than by "
        f"chance, and {', '.join(shown)}; look at some rows before you trust any of this"
    )

"""Two models on the same rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.plain import to_plain
from imdb_sentiment.text_table import format_table

if TYPE_CHECKING:
    from imdb_sentiment.results.evaluation import EvaluationReport

__all__ = ["BY_CHANCE", "BaselineReport", "Comparison", "Difference", "Interval"]

BY_CHANCE = 0.05
"""From this probability on, a difference may be chance."""


class Interval(NamedTuple):
    """Ends of a 95 % interval."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.4f} to {self.high:.4f}"


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

    @property
    def beyond_chance(self) -> bool:
        """Whether the two models' accuracies differ by more than chance explains."""
        return self.p_value < BY_CHANCE

    @property
    def verdict(self) -> str:
        """One sentence that says what it means."""
        points = self.differences["accuracy"].value
        if not self.beyond_chance:
            return f"no difference in accuracy beyond chance: {self.evidence()}"
        return f"the second is {'more' if points > 0 else 'less'} accurate: {self.evidence()}"

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
        return cls(differences=differences, **counts)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON types."""
        return to_plain(self) | {"verdict": self.verdict}

    def __str__(self) -> str:
        table = [["second minus first", "difference", "95 % interval"]]
        for name, difference in self.differences.items():
            low, high = difference.interval
            table.append([name.replace("_", " "), f"{difference.value:+.4f}", f"{low:+.4f} to {high:+.4f}"])
        return "\n".join(
            [
                self.verdict,
                f"correct in the first alone: {count_rows(self.only_first_correct)}, in the second alone: "
                f"{count_rows(self.only_second_correct)}, of {self.rows:,}",
                *format_table(table),
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineReport:
    """A simpler model on the same rows."""

    name: str

    report: "EvaluationReport"

    comparison: Comparison
    """The baseline first, the model second."""

    @property
    def verdict(self) -> str:
        """Say plainly whether the model beats it."""
        beats = self.comparison.differences["accuracy"].value > 0
        word = ("better" if beats else "WORSE") if self.comparison.beyond_chance else "NOT better"
        return f"accuracy {word} than {self.name}: {self.comparison.evidence()}"

"""What a model does with changed texts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.base import Record, frame_of
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.tables import format_table, one_line
from imdb_sentiment.runtime.messages import visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BehaviourCheck", "BehaviourExample", "BehaviourReport"]

_WIDTH = 76
_EXPECTED = {
    "same": "the same label",
    "positive": "positive",
    "negative": "negative",
    "higher": "a higher score",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourExample(Record):
    """A case in which a model failed."""

    text: str
    """The text as it was."""

    changed: str
    """The changed text."""

    label: str
    """Predicted label of the text."""

    changed_label: str
    """Predicted label of the changed text."""

    scores: tuple[float, float]
    """Probability of the positive label for both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourCheck(Record):
    """One kind of change, and how often a model failed."""

    name: str

    expected: Literal["same", "positive", "negative", "higher"]
    """What is expected of the changed text: the label of the text as it was, a certain label, or a higher probability
    of the positive label."""

    cases: int
    failures: int

    interval: Interval
    """95 % interval of the failure rate (Clopper and Pearson, 1934)."""

    examples: tuple[BehaviourExample, ...]
    """Up to five failures, the most confident first."""

    @property
    def rate(self) -> float:
        """Share of the cases in which the model failed."""
        return self.failures / self.cases


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourReport(Record):
    """What a model does with changed texts."""

    labels: tuple[str, str]
    """Names of the negative and of the positive label."""

    texts: int
    """Number of texts that were changed."""

    language: str
    """Language of the sentences that come with the library."""

    checks: tuple[BehaviourCheck, ...]

    def to_frame(self) -> "pd.DataFrame":
        """Return the checks as a pandas frame, one row each, without the examples."""
        return frame_of(BehaviourCheck, (check.to_dict() for check in self.checks)).drop(columns="examples")

    def rows_of_text(self) -> list[list[str]]:
        """Return the checks as rows of text; the first is the header."""
        table = [["change", "expected", "cases", "failed", "95 % interval"]]
        for check in self.checks:
            low, high = check.interval
            expected = _EXPECTED[check.expected]
            row = [check.name, expected, f"{check.cases:,}", f"{check.rate:.1%}", f"{low:.1%} to {high:.1%}"]
            table.append(row)
        return table

    def _fragment(self) -> Fragment:
        folded = []
        for check in self.checks:
            if check.examples:
                rows = [["text", "changed", "label", "label of the changed text"]]
                rows += [[one.text, one.changed, one.label, one.changed_label] for one in check.examples]
                folded.append(Fragment(check.name.capitalize(), tables=[Table("The most confident failures", rows)]))
        return Fragment("Behaviour", [], tables=[Table(self._caption(), self.rows_of_text())], folded=folded)

    def _caption(self) -> str:
        return f"{count_rows(self.texts).replace('row', 'text')}, changed in {len(self.checks)} ways"

    def __str__(self) -> str:
        lines = [self._caption(), *format_table(self.rows_of_text())]
        worst = max(self.checks, key=lambda check: check.rate)
        if worst.examples:
            one = worst.examples[0]
            lines += ["", f"{worst.name}, for example:"]
            lines += [f"  {one_line(one.text, _WIDTH)}", f"    -> {one.label}"]
            if one.changed != one.text:
                lines += [f"  {one_line(one.changed, _WIDTH)}", f"    -> {one.changed_label}"]
        return visible("\n".join(lines))

"""What a model does with changed texts."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.base import Record, frame_of
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.tables import format_table, one_line, wrap
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
_FAILS = {
    "plain praise": "plain praise is not called {positive}",
    "plain blame": "plain blame is not called {negative}",
    "denied praise": 'praise that is denied ("not good") is not called {negative}',
    "denied blame": 'blame that is denied ("not bad") does not score higher than the blame',
    "misspelled word": "a misspelled word changes the label",
    "lower case": "lower case changes the label",
    "upper case": "upper case changes the label",
    "punctuation at the end": "punctuation at the end changes the label",
    "irrelevant sentence after": "an irrelevant sentence after the text changes the label",
    "irrelevant sentence before": "an irrelevant sentence before the text changes the label",
    "other person": "another person's name changes the label",
    "other place": "another place changes the label",
    "other number": "another number changes the label",
}
_TOLERATED = 0.05
"""A rate that is higher beyond chance is a weakness."""


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
    """What is expected for the changed text: the same label as before, a certain label, or a higher probability of the
    positive label."""

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

    @property
    def expected_in_words(self) -> str:
        """What is expected for the changed text, such as `the same label`."""
        return _EXPECTED[self.expected]

    def says(self, labels: tuple[str, str]) -> str:
        """Return the rate in words, with its interval; `labels` are the negative and the positive one."""
        negative, positive = labels
        fails = _FAILS.get(self.name, f"{self.name} changes the label").format(negative=negative, positive=positive)
        low, high = self.interval
        return f"{fails} in {self.rate:.1%} of {self.cases:,} cases ({low:.1%} to {high:.1%})"


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourReport(Record):
    """What a model does with changed texts."""

    labels: tuple[str, str]
    """Names of the negative and of the positive label."""

    texts: int = 0
    """Number of texts that were changed."""

    language: str | None
    """Language of the texts and of the added sentences, `en` or `pt`; None if it is another one."""

    of_library: bool = False
    """Whether the texts are those that come with the library, which may be quoted anywhere."""

    not_checked: tuple[str, ...] = ()
    """What was not checked, and why."""

    checks: tuple[BehaviourCheck, ...] = ()
    """The rates of each kind of change; none if nothing can be changed, as in pairs of texts."""

    def weaknesses(self) -> list[BehaviourCheck]:
        """Return the checks in which the model fails beyond chance in more than 5 % of the cases, the worst first."""
        weak = [check for check in self.checks if check.interval.low > _TOLERATED]
        return sorted(weak, key=lambda check: -check.rate)

    def conclusions(self) -> list[str]:
        """Return the weaknesses in sentences, the worst first, and what was not checked."""
        sentences = [check.says(self.labels) for check in self.weaknesses()]
        if self.checks and not sentences:
            sentences = [f"no kind of change makes it fail in more than {_TOLERATED:.0%} of the cases, beyond chance"]
        return [_sentence(text) for text in [*sentences, *(f"not checked: {what}" for what in self.not_checked)]]

    def without_given_texts(self) -> "BehaviourReport":
        """Return a copy without examples, unless they are of the texts that come with the library."""
        if self.of_library:
            return self
        return replace(self, checks=tuple(replace(check, examples=()) for check in self.checks))

    def to_frame(self) -> "pd.DataFrame":
        """Return the checks as a pandas frame, one row each, without the examples."""
        return frame_of(BehaviourCheck, (check.to_dict() for check in self.checks)).drop(columns="examples")

    def rows_of_text(self) -> list[list[str]]:
        """Return the checks as rows of text; the first is the header."""
        table = [["change", "expected", "cases", "failed", "95 % interval"]]
        for check in self.checks:
            low, high = check.interval
            row = [
                check.name,
                check.expected_in_words,
                f"{check.cases:,}",
                f"{check.rate:.1%}",
                f"{low:.1%} to {high:.1%}",
            ]
            table.append(row)
        return table

    def _fragment(self) -> Fragment:
        folded = []
        for check in self.checks:
            if check.examples:
                rows = [["text", "changed", "label", "label of the changed text"]]
                rows += [[one.text, one.changed, one.label, one.changed_label] for one in check.examples]
                folded.append(Fragment(check.name.capitalize(), tables=[Table("The most confident failures", rows)]))
        tables = [Table(self.caption(), self.rows_of_text())] if self.checks else []
        return Fragment("Behaviour", self.conclusions(), tables=tables, folded=folded)

    def caption(self) -> str:
        """Say how many texts were changed, and in how many ways."""
        return f"{count_rows(self.texts).replace('row', 'text')}, changed in {len(self.checks)} ways"

    def __str__(self) -> str:
        lines = [self.caption(), *format_table(self.rows_of_text())] if self.checks else []
        worst = max(self.checks, key=lambda check: check.rate, default=None)
        if worst and worst.examples:
            one = worst.examples[0]
            lines += ["", f"{worst.name}, for example:"]
            lines += [f"  {one_line(one.text, _WIDTH)}", f"    -> {one.label}"]
            if one.changed != one.text:
                lines += [f"  {one_line(one.changed, _WIDTH)}", f"    -> {one.changed_label}"]
        lines += [line for what in self.not_checked for line in wrap(f"not checked: {what}")]
        return visible("\n".join(lines))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."

"""Whether the input of a model has changed since it was trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.base import Record, frame_of
from imdb_sentiment.results.comparison import BY_CHANCE, Interval
from imdb_sentiment.results.tables import format_table, wrap
from imdb_sentiment.runtime.messages import cut, visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AccuracyEstimate", "DriftReport", "ProbabilityShift", "WordChange", "WordShift"]

_LARGE, _SMALL = 0.75, 0.6
_SHOWN = 8
_MEANING = (
    "A p-value tells whether something has changed, not whether it matters: with many rows a change of no importance "
    "has a small one too. How large the change is says the effect: a ROC-AUC of 0.5 is no change, and with 1 each new "
    "text is unlike the training texts."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordChange(Record):
    """A word that occurs in more, or in fewer, of the new texts than of the training texts."""

    word: str

    training_share: float
    """Share of the training texts that contain it."""

    new_share: float
    """Share of the new texts that contain it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordShift(Record):
    """How well a classifier distinguishes new texts from training texts by their words."""

    training_texts: int
    """Number of training texts, a sample drawn when the model was saved."""

    roc_auc: float
    """Probability that it recognizes the new text in a pair with a training text: 0.5 by chance, 1 if they differ."""

    p_value: float
    """p-value of the hypothesis that both are of the same kind, by permutations."""

    more_frequent: tuple[WordChange, ...]
    """Words that now occur in more texts, the least likely to be chance first."""

    less_frequent: tuple[WordChange, ...]
    """Words that now occur in fewer texts: only those found in the tokenizer's vocabulary or in the new texts."""

    unnamed: int
    """Number of words that now occur in fewer texts and cannot be named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityShift(Record):
    """How the predicted probabilities differ from those of the rows that were held out in training."""

    held_out_rows: int

    statistic: float
    """Largest difference of the two distribution functions, between 0 and 1 (Kolmogorov-Smirnov)."""

    p_value: float | None
    """None if the rows were held out in turn, because their probabilities then come from the models of the folds."""

    held_out_positive: float
    """Share of the held-out rows that are predicted positive."""

    new_positive: float
    """Share of the new rows that are predicted positive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyEstimate(Record):
    """Accuracy on the new rows, estimated without their labels."""

    estimate: float
    """Mean probability of the predicted label."""

    held_out: float
    """Accuracy on the held-out rows, for comparison."""

    labelled_rows: int = 0
    """New rows whose label is known."""

    measured: float | None = None
    """Accuracy on these rows."""

    interval: Interval | None = None
    """95 % interval of the measured accuracy (Clopper and Pearson, 1934)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport(Record):
    """Whether the input of a model has changed since training, and an estimate of its accuracy."""

    labels: tuple[str, str]
    """Names of the negative and of the positive label."""

    rows: int
    """Number of new rows that were examined."""

    rows_given: int
    """Number of rows that they were drawn from."""

    left_out: Mapping[str, int]
    """Number of drawn rows that cannot be classified, by reason."""

    seen_rows: int | None
    """Number of new rows that the model was trained on; None if its training rows are unknown."""

    words: WordShift

    probabilities: ProbabilityShift

    accuracy: AccuracyEstimate

    notes: tuple[str, ...] = ()
    """Remarks on how the rows were read."""

    @property
    def drifted(self) -> bool:
        """Whether the change is beyond chance.

        True if the p-value of either test is below 2.5 %, so the probability that the two report a change without one
        is at most 5 %. If the probabilities have no p-value, that of the words must be below 5 %.
        """
        return bool(self._changed())

    @property
    def verdict(self) -> str:
        """Conclusion in one sentence."""
        changed = self._changed()
        if not changed:
            also = "" if self.probabilities.p_value is None else " or in the predicted probabilities"
            return f"no change beyond chance, in the words{also}"
        size = "small" if self.words.roc_auc < _SMALL else "large" if self.words.roc_auc >= _LARGE else "moderate"
        if changed == ["probabilities"]:
            return "the predicted probabilities have changed beyond chance, the words have not"
        also = ", and so have the predicted probabilities" if len(changed) > 1 else ""
        return (
            f"the words have changed beyond chance, and the change is {size} (ROC-AUC {self.words.roc_auc:.3f}){also}"
        )

    def _changed(self) -> list[str]:
        """Return what has changed beyond chance."""
        p_values = {"words": self.words.p_value}
        if self.probabilities.p_value is not None:
            p_values["probabilities"] = self.probabilities.p_value
        return [name for name, p_value in p_values.items() if p_value < BY_CHANCE / len(p_values)]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types."""
        return Record.to_dict(self) | {"drifted": self.drifted, "verdict": self.verdict}

    def to_frame(self) -> "pd.DataFrame":
        """Return the words that changed as a pandas frame: `word`, `training_share` and `new_share`."""
        changes = (*self.words.more_frequent, *self.words.less_frequent)
        return frame_of(WordChange, (change.to_dict() for change in changes))

    def _fragment(self) -> Fragment:
        tables = [Table("Tests", self._tests()), Table("Accuracy", self._accuracy())]
        for name, changes in self._changes():
            tables.append(Table(name, _rows_of(name, changes)))
        sentences = [f"{self._count()}.", f"{self.verdict.capitalize()}.", *self._remarks(), _MEANING]
        return Fragment("Drift", sentences, tables=tables)

    def _tests(self) -> list[list[str]]:
        words, scores = self.words, self.probabilities
        return [
            ["compared by", "with", "effect", "p-value"],
            ["words", f"{words.training_texts:,} training texts", f"ROC-AUC {words.roc_auc:.3f}", _p(words.p_value)],
            [
                "probabilities",
                f"{scores.held_out_rows:,} held-out rows",
                f"largest gap {scores.statistic:.3f}",
                _p(scores.p_value),
            ],
        ]

    def _accuracy(self) -> list[list[str]]:
        positive, accuracy = f"predicted {cut(self.labels[1])}", self.accuracy
        table = [
            ["", "held-out rows", "new rows"],
            [positive, f"{self.probabilities.held_out_positive:.1%}", f"{self.probabilities.new_positive:.1%}"],
            ["accuracy", f"{accuracy.held_out:.1%}", f"{accuracy.estimate:.1%} (estimate)"],
        ]
        if accuracy.measured is not None and accuracy.interval:
            low, high = accuracy.interval
            measured = f"{accuracy.measured:.1%} ({low:.1%} to {high:.1%})"
            table.append([f"by {accuracy.labelled_rows:,} labels", "", measured])
        return table

    def _changes(self) -> list[tuple[str, tuple[WordChange, ...]]]:
        both = (("more frequent", self.words.more_frequent), ("less frequent", self.words.less_frequent))
        return [(name, changes) for name, changes in both if changes]

    def _count(self) -> str:
        drawn = f"{self.rows:,} of {count_rows(self.rows_given)}" if self.rows < self.rows_given else ""
        return f"{drawn or count_rows(self.rows)} compared with what the model was trained on"

    def _remarks(self) -> list[str]:
        remarks = [f"{count_rows(number)} left out: {reason}" for reason, number in self.left_out.items()]
        if self.seen_rows:
            remarks.append(f"{count_rows(self.seen_rows)} of them the model was trained on")
        if self.words.unnamed:
            remarks.append(f"{self.words.unnamed:,} more words are less frequent, which cannot be named")
        if self.probabilities.p_value is None:
            remarks.append("the probabilities have no p-value, since models of the folds scored the held-out rows")
        return [*remarks, *self.notes]

    def __str__(self) -> str:
        lines = [self._count(), "", *format_table(self._tests()), "", *format_table(self._accuracy())]
        for name, changes in self._changes():
            lines += ["", *format_table(_rows_of(name, changes[:_SHOWN]))]
        lines += ["", *wrap(f"{self.verdict}."), *wrap(_MEANING, rest="")]
        for remark in self._remarks():
            lines += wrap(f"note: {remark}")
        return visible("\n".join(lines))


def _rows_of(name: str, changes: tuple[WordChange, ...]) -> list[list[str]]:
    rows = [[cut(change.word), f"{change.training_share:.1%}", f"{change.new_share:.1%}"] for change in changes]
    return [[f"{name}, in % of", "training texts", "new texts"], *rows]


def _p(value: float | None) -> str:
    if value is None:
        return "none"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"

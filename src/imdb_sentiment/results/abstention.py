"""Result of choosing when to abstain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imdb_sentiment.results.base import Record

if TYPE_CHECKING:
    from imdb_sentiment.results.measured import MeasuredRows

__all__ = ["Abstention", "NoAbstention", "abstention_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention(Record):
    """A promise about the predictions that are not abstained, and the rows behind it."""

    promise: str
    """`error<=0.02`, or `precision>=0.95` for the positive label."""

    probability: float
    """Predictions with a lower probability are abstained; with `precision`, only positive ones."""

    confidence: float
    """Probability, over the draw of the held-out rows, that the promise holds on new texts of the same kind."""

    coverage: float
    """Share of the held-out rows that are not abstained; to be expected for new texts too."""

    held_out_rows: int
    """Number of rows that the probability was chosen on."""

    answered_rows: int
    """Number of held-out rows that the promise covers and that are not abstained."""

    errors: int
    """Number of wrong predictions among these."""

    error_bound: float
    """Upper bound of their error rate at that confidence."""

    def __str__(self) -> str:
        return (
            f"{self.promise} with {self.confidence:.0%} confidence: abstains below {self.probability:g}, "
            f"answers {self.coverage:.1%} ({self.errors:,} errors in {self.answered_rows:,} held-out rows)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAbstention(Record):
    """A promise that cannot be made."""

    promise: str

    expected: str
    """What the promise would need."""


def abstention_rows(
    promises: Sequence[Abstention | NoAbstention], measured: "MeasuredRows | None" = None
) -> list[list[str]]:
    """Return promises on the error rate as rows of text, with what comes of them on evaluated rows if there are any.

    The first row is the header.
    """
    here = ["answers here", "errors here"] if measured else []
    table = [["promise", "abstains below", "expected to answer", *here]]
    for promise in promises:
        if isinstance(promise, NoAbstention):
            table.append([promise.promise, "not possible", f"takes {promise.expected}", *("" for _ in here)])
            continue
        row = [promise.promise, f"{promise.probability:g}", f"{promise.coverage:.1%}"]
        if measured:
            answered = measured.confidence >= promise.probability
            wrong = f"{1 - measured.correct[answered].mean():.1%}" if answered.any() else ""
            row += [f"{answered.mean():.1%}", wrong]
        table.append(row)
    return table

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
    """A promise on the predictions that are not abstained, and the rows that it rests on."""

    promise: str
    """`error<=0.02`, or `precision>=0.95` for the positive label."""

    probability: float
    """Predictions of lower probability are abstained; with `precision`, only those of the positive label."""

    confidence: float
    """Probability, over the draw of the held-out rows, that the promise holds on new texts of the same kind."""

    coverage: float
    """Share of the held-out rows that is not abstained, as to be expected of new texts."""

    held_out_rows: int
    """Rows that the probability was chosen on."""

    answered_rows: int
    """Held-out rows that the promise concerns and that are not abstained."""

    errors: int
    """How many of these are wrong."""

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
    """What it would take."""


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

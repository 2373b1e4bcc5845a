"""Result of choosing when to abstain."""

from dataclasses import dataclass

from imdb_sentiment.results.base import Record

__all__ = ["Abstention"]


@dataclass(frozen=True, slots=True)
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

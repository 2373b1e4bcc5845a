"""What the classifier says of a text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imdb_sentiment.results.plain import to_plain

__all__ = ["Prediction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the classifier says of one text."""

    label: str
    """Name of the more probable label, as the training data spell it."""

    score: float
    """Probability of `label`, between 0.5 and 1."""

    probabilities: Mapping[str, float]
    """Probability of each label; they add up to 1."""

    truncated: bool
    """Whether the text was longer than the model reads, so that part of it was not seen."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        return to_plain(self)

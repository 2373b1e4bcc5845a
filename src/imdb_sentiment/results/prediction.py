"""What the classifier says of a text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from imdb_sentiment.results.plain import to_plain

__all__ = ["Prediction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the classifier says of one text."""

    label: str
    """Name of the predicted label, as the training data spell it: the positive one if its probability is above the
    model's threshold, which is 0.5 unless another was chosen."""

    score: float
    """Probability of `label`; below 0.5 only where the threshold is not 0.5."""

    probabilities: Mapping[str, float]
    """Probability of each label; they add up to 1."""

    truncated: bool
    """Whether the text was longer than the model reads, so that part of it was not seen."""

    abstained: bool = False
    """Whether `score` is below the `abstain_below` of `predict`; `label` is then no more than a guess."""

    answered_by: Literal["encoder", "words"] = "encoder"
    """`words` if the quick model of a cascade was sure enough, so that the encoder did not read the text."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        return to_plain(self)

"""Most confident errors."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from imdb_sentiment.results.inference import Explanation
from imdb_sentiment.results.measured import MeasuredRows

__all__ = ["ConfidentError", "confident_errors"]

_COUNT = 10
_MAX_TEXT = 1500


class ConfidentError(NamedTuple):
    """A misclassified row."""

    row: int
    """Row number, from 1, in the order given."""

    true: str
    predicted: str
    confidence: float
    text: str
    explanation: Explanation | None


def confident_errors(
    rows: MeasuredRows, labels: tuple[str, str], explanations: Mapping[int, Explanation], *, count: int = _COUNT
) -> list[ConfidentError]:
    """Return the most confident errors in descending order of confidence; none without texts.

    Args:
        rows: The rows and their predictions.
        labels: Names of the negative and of the positive label.
        explanations: Explanations of some rows, by row number.
        count: Maximum number of errors.
    """
    if not rows.texts:
        return []
    wrong = np.flatnonzero(~rows.correct)
    worst = wrong[np.argsort(-rows.confidence[wrong], kind="stable")][:count].tolist()
    return [
        ConfidentError(
            row=rows.number(i),
            true=labels[rows.labels[i]],
            predicted=labels[rows.predicted[i]],
            confidence=float(rows.confidence[i]),
            text=_text(rows.texts[i]),
            explanation=explanations.get(rows.number(i)),
        )
        for i in worst
    ]


def _text(text: str | tuple[str, str]) -> str:
    whole = text if isinstance(text, str) else "\n".join(text)
    return whole if len(whole) <= _MAX_TEXT else f"{whole[:_MAX_TEXT]} ..."

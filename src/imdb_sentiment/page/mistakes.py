"""The predictions that were most sure and wrong."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from imdb_sentiment.results import EvaluationReport, Explanation

__all__ = ["Mistake", "worst_mistakes"]

_COUNT = 10
_LONGEST = 1500


class Mistake(NamedTuple):
    """A row whose label was not predicted."""

    row: int
    """Its number among the rows that were given, from 1."""

    true: str
    predicted: str
    confidence: float
    text: str
    explanation: "Explanation | None"


def worst_mistakes(report: "EvaluationReport", *, count: int = _COUNT) -> list[Mistake]:
    """Return the mistakes of which the model was surest, the surest first; none without rows."""
    import numpy as np

    rows = report.measured
    if rows is None or not rows.texts:
        return []
    explanations = report.background.explanations if report.background else {}
    wrong = np.flatnonzero(~rows.correct)
    worst = wrong[np.argsort(-rows.confidence[wrong], kind="stable")][:count].tolist()
    return [
        Mistake(
            row=rows.number(i),
            true=report.labels[rows.labels[i]],
            predicted=report.labels[rows.predicted[i]],
            confidence=float(rows.confidence[i]),
            text=_text(rows.texts[i]),
            explanation=explanations.get(rows.number(i)),
        )
        for i in worst
    ]


def _text(text: str | tuple[str, str]) -> str:
    whole = text if isinstance(text, str) else "\n".join(text)
    return whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]} ..."

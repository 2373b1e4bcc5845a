"""The evaluated rows of a report, and the most confident errors among them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.texts import break_lines
from imdb_sentiment.results.metrics import NO_METRICS, CustomMetrics
from imdb_sentiment.results.tables import one_line

if TYPE_CHECKING:
    import pandas as pd

    from imdb_sentiment.results.inference import Explanation

__all__ = ["ConfidentError", "MeasuredRows", "confident_errors", "error_rows", "rows_frame"]

_MAX_TEXT = 1500
_MAX_CELL = 300


class MeasuredRows(NamedTuple):
    """Predictions and true labels of n rows."""

    positive: NDArray[np.float64]
    """Probability of the positive label, shape (n,)."""

    labels: NDArray[np.int64]
    """0 or 1, shape (n,)."""

    threshold: float = 0.5
    """Rows with a positive probability above it are predicted positive."""

    texts: Sequence[str] | Sequence[tuple[str, str]] = ()
    """The n texts or pairs; empty where only metrics were computed."""

    numbers: Sequence[int] = ()
    """Original number of each row, from 1; empty if these are all rows."""

    goal: str | None = None
    """Goal of the threshold on validation rows, such as `recall>=0.95`; None for a fixed threshold."""

    goal_reached: bool = True
    """Whether the goal was reached on validation rows."""

    metrics: CustomMetrics = NO_METRICS
    """The user's own metrics."""

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Predicted labels, 0 or 1, shape (n,)."""
        return (self.positive > self.threshold).astype("int64")

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each prediction is correct, shape (n,)."""
        correct: NDArray[np.bool_] = self.predicted == self.labels
        return correct

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Probability of the predicted label, shape (n,)."""
        confidence: NDArray[np.float64] = np.where(self.predicted == 1, self.positive, 1 - self.positive)
        return confidence

    def __repr__(self) -> str:
        return f"<MeasuredRows: {count_rows(len(self.labels))}>"

    def where(self, kept: Sequence[bool]) -> "MeasuredRows":
        """Return the rows selected by a mask of length n."""
        mask = np.asarray(kept, dtype=bool)
        texts: Any = [text for text, keep in zip(self.texts, kept, strict=True) if keep] if self.texts else ()
        numbers = [self.number(place) for place in np.flatnonzero(mask).tolist()]
        return self._replace(positive=self.positive[mask], labels=self.labels[mask], texts=texts, numbers=numbers)

    def number(self, place: int) -> int:
        """Return the original number of the row at a 0-based position."""
        return self.numbers[place] if self.numbers else place + 1

    def same_rows(self, other: "MeasuredRows") -> bool:
        """Return whether texts and labels equal those of `other`, in the same order."""
        return list(self.texts) == list(other.texts) and np.array_equal(self.labels, other.labels)


class ConfidentError(NamedTuple):
    """A misclassified row."""

    row: int
    """Row number, from 1, in the order given."""

    true: str
    predicted: str
    confidence: float
    text: str
    explanation: "Explanation | None"


def confident_errors(
    rows: MeasuredRows, labels: tuple[str, str], explanations: "Mapping[int, Explanation]", *, count: int
) -> list[ConfidentError]:
    """Return the most confident errors in descending order of confidence; none without texts.

    Half of them are of each label, as far as there are as many: a model may only be sure where it errs one way.

    Args:
        rows: The rows and their predictions.
        labels: Names of the negative and of the positive label.
        explanations: Explanations of some rows, by row number.
        count: Maximum number of errors.
    """
    if not rows.texts:
        return []
    wrong = np.flatnonzero(~rows.correct)
    ordered = wrong[np.argsort(-rows.confidence[wrong], kind="stable")]
    worst = _of_both(ordered, rows.predicted[ordered] == rows.predicted[ordered[:1]], count)
    return [
        ConfidentError(
            row=rows.number(i),
            true=labels[rows.labels[i]],
            predicted=labels[rows.predicted[i]],
            confidence=float(rows.confidence[i]),
            text=_text(rows.texts[i]),
            explanation=explanations.get(rows.number(i)),
        )
        for i in worst.tolist()
    ]


def _of_both(ordered: NDArray[np.intp], as_first: NDArray[np.bool_], count: int) -> NDArray[np.intp]:
    """Return `count` positions in their order: half of those like the first one, and half of the others."""
    ranks = np.where(as_first, np.cumsum(as_first), np.cumsum(~as_first))
    others = min(int((~as_first).sum()), count - min(int(as_first.sum()), (count + 1) // 2))
    kept: NDArray[np.intp] = ordered[ranks <= np.where(as_first, count - others, others)]
    return kept


def _text(text: str | tuple[str, str]) -> str:
    whole = text if isinstance(text, str) else "\n".join(text)
    whole = break_lines(whole)
    return whole if len(whole) <= _MAX_TEXT else f"{whole[:_MAX_TEXT]} ..."


def error_rows(errors: Sequence[ConfidentError]) -> list[list[str]]:
    """Return errors as a table with one row for each below its header; long texts are cut."""
    table = [["row", "true", "predicted", "confidence", "text"]]
    for error in errors:
        cells = (error.true, error.predicted, f"{error.confidence:.3f}", one_line(error.text, _MAX_CELL))
        table.append([f"{error.row:,}", *cells])
    return table


def rows_frame(rows: MeasuredRows, labels: tuple[str, str]) -> "pd.DataFrame":
    """Return the rows as a frame: `row`, `text` (and `text_pair`), `label`, `predicted`, `probability`, `correct`.

    Args:
        rows: The rows and their predictions.
        labels: Names of the negative and of the positive label.
    """
    import pandas as pd

    names = np.array(labels, dtype=object)
    columns: dict[str, Any] = {"row": [rows.number(i) for i in range(len(rows.labels))]}
    if rows.texts:
        pairs = [text if isinstance(text, tuple) else (text,) for text in rows.texts]
        columns |= dict(zip(("text", "text_pair"), zip(*pairs, strict=True), strict=False))
    columns |= {"label": names[rows.labels], "predicted": names[rows.predicted], "probability": rows.positive}
    return pd.DataFrame(columns | {"correct": rows.correct})

"""The evaluated rows of a report."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MeasuredRows"]


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

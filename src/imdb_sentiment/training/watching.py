"""Held-out scores of a run while it goes on, for whoever decides whether it should."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from imdb_sentiment.training.batching import EncodedRows

__all__ = ["Evaluation", "LatestEvaluation", "Watch"]


class Evaluation(NamedTuple):
    """One evaluation on the validation rows."""

    number: int
    """Number of the evaluation in its run, from 1."""

    is_last: bool
    """Whether training ends with it."""

    logits: NDArray[np.float64]
    """Logits in the order of the validation rows, shape (n, 2)."""


Watch: TypeAlias = Callable[[Evaluation], None]


class LatestEvaluation:
    """Logits of the latest evaluation, in the order in which the rows were evaluated.

    Args:
        rows: The rows in that order.
    """

    def __init__(self, rows: "EncodedRows") -> None:
        self.rows = rows
        self.logits = np.zeros((len(rows), 2))

    def in_order(self) -> NDArray[np.float64]:
        """Return the logits in the order of the validation rows, shape (n, 2)."""
        ordered = np.empty((len(self.rows), 2))
        ordered[self.rows.rows] = self.logits
        return ordered

"""Which labels are probably wrong, by what a model that did not learn from them says."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["rank_suspects"]


def rank_suspects(positive: "ArrayLike", labels: "ArrayLike") -> "NDArray[np.int64]":
    """Return the positions of rows whose label is probably wrong, the most suspicious first.

    A row is suspected if the model, which did not learn from it, prefers the other label and is at least as sure of it
    as it is on average of the rows that have that label. That average takes into account that a model may be less sure
    of one label than of the other. Rows are put in order by how much more probable the other label is.

    Args:
        positive: Probability of the positive label by a model that did not learn from the row, shape (n,).
        labels: 0 or 1, shape (n,), both present.

    Source: Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels (2021).
    """
    import numpy as np

    scores, given = np.asarray(positive, dtype=np.float64), np.asarray(labels)
    of_given = np.where(given == 1, scores, 1 - scores)
    of_other = 1 - of_given
    usual = np.array([of_given[given == label].mean() for label in (0, 1)])
    suspected = np.flatnonzero((of_other > of_given) & (of_other >= usual[1 - given]))
    ranked: NDArray[np.int64] = suspected[np.argsort(-of_other[suspected], kind="stable")]
    return ranked

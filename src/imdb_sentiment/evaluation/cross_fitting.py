"""Held-out scores measured as new rows would be: what is chosen by some folds is measured on another."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imdb_sentiment.evaluation.calibration import calibrated_log_loss, fit_temperature

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["cross_fitted"]


def cross_fitted(
    candidates: "Sequence[NDArray[np.float64]]", labels: "NDArray[np.int64]", fold_of: "NDArray[np.int64]"
) -> "NDArray[np.float64]":
    """Return logits of held-out rows for which nothing was chosen by the rows themselves, shape (n, 2).

    The lowest of several log losses is too low, since chance helped to choose it, and so is one after a temperature was
    fitted to the same rows. So for each fold, the candidate with the lowest log loss on all other folds is taken, and
    divided by the temperature that fits them.

    Args:
        candidates: Logits of the rows by each method, each from models that were not trained on the rows and of shape
            (n, 2).
        labels: 0 or 1, shape (n,).
        fold_of: Fold in which each row was held out, shape (n,); at least two different ones.

    Source: Tibshirani and Tibshirani, A Bias Correction for the Minimum Error Rate in Cross-Validation (2009), for the
    bias; the remedy is that of nested cross-validation, without training anew.
    """
    import numpy as np

    logits = np.empty((len(labels), 2))
    for fold in np.unique(fold_of):
        held, others = fold_of == fold, fold_of != fold
        chosen = min(candidates, key=lambda scores: calibrated_log_loss(scores[others], labels[others]))
        logits[held] = chosen[held] / fit_temperature(chosen[others], labels[others])
    return logits

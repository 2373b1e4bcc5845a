"""Cross-fitting: choose method and temperature on some folds, apply them to another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.evaluation.calibration import calibrated_log_loss, fit_temperature

__all__ = ["cross_fitted"]


def cross_fitted(
    candidates: Sequence[NDArray[np.float64]], labels: NDArray[np.int64], fold_of: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return calibrated out-of-fold logits without selection bias, shape (n, 2).

    The lowest of several log losses is biased downwards, and so is one after fitting a temperature to the same rows. So
    for each fold, the candidate with the lowest log loss on the other folds is used, with the temperature fitted to
    them.

    Args:
        candidates: Out-of-fold logits of each method, shape (n, 2).
        labels: 0 or 1, shape (n,).
        fold_of: Fold of each row, shape (n,); at least two folds.

    Source: Tibshirani and Tibshirani, A Bias Correction for the Minimum Error Rate in Cross-Validation (2009), for the
    bias; the remedy is that of nested cross-validation, without training anew.
    """
    logits = np.empty((len(labels), 2))
    for fold in np.unique(fold_of):
        held, others = fold_of == fold, fold_of != fold
        chosen = min(candidates, key=lambda scores: calibrated_log_loss(scores[others], labels[others]))
        logits[held] = chosen[held] / fit_temperature(chosen[others], labels[others])
    return logits

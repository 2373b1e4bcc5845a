"""One number that makes a model as sure as it is right."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["fit_temperature"]

_LOWEST, _HIGHEST = 0.05, 20.0


def fit_temperature(logits: "ArrayLike", labels: "ArrayLike") -> float:
    """Return the temperature T with which softmax(logits / T) has the lowest log loss.

    Above 1 the model was too sure of itself, below 1 not sure enough. The labels that are predicted stay the same. As
    Platt does, the true labels are taken for nearly certain only: a few rows without a mistake must not make a model
    certain. Where the logits tell nothing the best temperature has no bound; it stays between 0.05 and 20.

    Args:
        logits: Shape (n, 2).
        labels: 0 or 1, shape (n,), of rows that the model did not learn from.

    Source: Guo et al., On Calibration of Modern Neural Networks (2017); Platt, Probabilistic Outputs for Support Vector
    Machines (1999).
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    values, true = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    margins = values[:, 1] - values[:, 0]
    positives, negatives = int(true.sum()), int((1 - true).sum())
    target = np.where(true == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def log_loss(log_temperature: float) -> float:
        scaled = margins / np.exp(log_temperature)
        return float((target * np.logaddexp(0, -scaled) + (1 - target) * np.logaddexp(0, scaled)).mean())

    bounds = (np.log(_LOWEST), np.log(_HIGHEST))
    return float(np.exp(minimize_scalar(log_loss, bounds=bounds, method="bounded").x))

"""One number that makes a model as sure as it is right."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["calibrated_log_loss", "calibrated_losses", "fit_temperature"]

_LOWEST, _HIGHEST = 0.05, 20.0
_SPREAD = 0.5
"""Standard deviation of the logarithm of temperatures before anything is known: most lie between 0.4 and 2.7."""


def fit_temperature(logits: "ArrayLike", labels: "ArrayLike") -> float:
    """Return the temperature T with which softmax(logits / T) fits the labels best.

    Above 1 the model was too sure of itself, below 1 not sure enough. The labels that are predicted stay the same. Best
    is the lowest log loss; but where a few rows have no mistake, that would make the model certain, so a temperature
    is also the less likely, the farther it is from 1. With hundreds of rows this hardly counts. As no temperature is
    likelier than 1 by itself, the log loss on these rows never rises.

    Args:
        logits: Shape (n, 2).
        labels: 0 or 1, shape (n,), of rows that the model did not learn from.

    Source: Guo et al., On Calibration of Modern Neural Networks (2017); with a normal prior on log T.
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    margins = _margins(logits, labels)

    def surprise(log_temperature: float) -> float:
        loss = np.logaddexp(0, -margins / np.exp(log_temperature)).sum()
        return float(loss + log_temperature**2 / (2 * _SPREAD**2))

    bounds = (np.log(_LOWEST), np.log(_HIGHEST))
    return float(np.exp(minimize_scalar(surprise, bounds=bounds, method="bounded").x))


def calibrated_log_loss(logits: "ArrayLike", labels: "ArrayLike") -> float:
    """Return the mean of `calibrated_losses`."""
    return float(calibrated_losses(logits, labels).mean())


def calibrated_losses(logits: "ArrayLike", labels: "ArrayLike") -> "NDArray[np.float64]":
    """Return the log loss of each row once a temperature is fitted to all; arguments as for `fit_temperature`."""
    import numpy as np

    losses: NDArray[np.float64] = np.logaddexp(0, -_margins(logits, labels) / fit_temperature(logits, labels))
    return losses


def _margins(logits: "ArrayLike", labels: "ArrayLike") -> "NDArray[np.float64]":
    """Return by how much the logit of each row's label is above the other, shape (n,)."""
    import numpy as np

    values, true = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    margins: NDArray[np.float64] = np.where(true == 1, 1, -1) * (values[:, 1] - values[:, 0])
    return margins

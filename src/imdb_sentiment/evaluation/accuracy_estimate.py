"""Accuracy on rows without labels, estimated from the probabilities of their predicted labels."""

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.evaluation.held_out import HeldOutRows

__all__ = ["estimated_accuracy", "held_out_accuracy"]


def estimated_accuracy(positive: NDArray[np.float64], *, threshold: float) -> float:
    """Return the mean probability of the predicted label, which is the accuracy if the probabilities are calibrated.

    Args:
        positive: Calibrated probability of the positive label, shape (n,).
        threshold: A row is predicted positive if its probability is above it.

    Source: average confidence in Garg et al., Leveraging Unlabeled Data to Predict Out-of-Distribution Performance
    (ICLR 2022).
    """
    return float(np.where(positive > threshold, positive, 1 - positive).mean())


def held_out_accuracy(held_out: HeldOutRows, *, threshold: float) -> float:
    """Return the accuracy on the held-out rows."""
    return float(((held_out.positive > threshold) == (held_out.labels == 1)).mean())

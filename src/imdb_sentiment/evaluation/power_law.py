"""Power law of the error rate over the number of training rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_error_rates", "extrapolate_error_rates"]

_MIN_ERROR = 1e-9  # of an error, whose logarithm is taken


def extrapolate_error_rates(errors: NDArray[np.float64], sizes: Sequence[int], rows: int) -> NDArray[np.float64]:
    """Extrapolate error rates by the power law `error = a * rows ** -b` with `b >= 0`, fitted in log space.

    Args:
        errors: Error rates above 0 for each number of rows, shape (..., sizes).
        sizes: Numbers of training rows, at least two different ones.
        rows: Number of training rows to predict for.

    Returns:
        Error rates at `rows`, at most 1, shape (...).

    Source: Hestness et al., Deep Learning Scaling is Predictable, Empirically (2017); Viering and Loog, The Shape of
    Learning Curves: a Review (2021), which also covers where such laws fail.
    """
    places, heights = np.log(sizes), np.log(errors)
    centred = places - places.mean()
    slopes = np.minimum((heights * centred).sum(-1) / (centred**2).sum(), 0)
    extended: NDArray[np.float64] = np.exp(heights.mean(-1) + slopes * (np.log(rows) - places.mean()))
    return np.minimum(extended, 1)


def draw_error_rates(wrong: NDArray[np.bool_], *, draws: int, seed: int) -> NDArray[np.float64]:
    """Draw error rates from a Bayesian bootstrap with the same row weights for all sizes.

    Half a row that is always wrong and half a row that never is are added, so that each column has the Jeffreys
    posterior, which allows for errors where none were observed.

    Args:
        wrong: Whether each row was wrong, shape (rows, sizes).
        draws: Number of draws.
        seed: Seed of the draws.

    Returns:
        Shape (draws, sizes), above 0.

    Source: Rubin, The Bayesian Bootstrap (1981); Brown, Cai and DasGupta, Interval Estimation for a Binomial Proportion
    (2001).
    """
    patterns, counts = np.unique(wrong, axis=0, return_counts=True)
    patterns = np.vstack((patterns, np.ones_like(patterns[:1]), np.zeros_like(patterns[:1])))
    weights = np.random.default_rng(seed).dirichlet([*counts, 0.5, 0.5], size=draws)
    errors: NDArray[np.float64] = weights @ patterns
    return np.maximum(errors, _MIN_ERROR)

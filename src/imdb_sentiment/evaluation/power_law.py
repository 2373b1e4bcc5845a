"""How an error rate falls with the number of training rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["draw_error_rates", "extrapolate_error_rates"]

_MIN_ERROR = 1e-9  # of an error, whose logarithm is taken


def extrapolate_error_rates(errors: "NDArray[np.float64]", sizes: Sequence[int], rows: int) -> "NDArray[np.float64]":
    """Extend error rates to another number of rows by the power law `error = a * rows ** -b` with `b >= 0`.

    It is fitted by least squares to the logarithms. More rows are never said to make a model worse.

    Args:
        errors: Error rates above 0 for each number of rows, shape (..., sizes).
        sizes: Numbers of training rows, at least two different ones.
        rows: Number of training rows asked for.

    Returns:
        Error rates at `rows`, at most 1, shape (...).

    Source: Hestness et al., Deep Learning Scaling is Predictable, Empirically (2017); Viering and Loog, The Shape of
    Learning Curves: a Review (2021), which also says where such laws fail.
    """
    import numpy as np

    places, heights = np.log(sizes), np.log(errors)
    centred = places - places.mean()
    slopes = np.minimum((heights * centred).sum(-1) / (centred**2).sum(), 0)
    extended: NDArray[np.float64] = np.exp(heights.mean(-1) + slopes * (np.log(rows) - places.mean()))
    return np.minimum(extended, 1)


def draw_error_rates(wrong: "NDArray[np.bool_]", *, draws: int, seed: int) -> "NDArray[np.float64]":
    """Draw error rates that agree with what was seen, for all numbers of rows from the same weights of the rows.

    A Bayesian bootstrap with half a row that is always wrong and half a row that never is. So each column by itself has
    the Jeffreys posterior of a share, which leaves room for mistakes where none were made.

    Args:
        wrong: Whether each row was wrong, shape (rows, sizes).
        draws: How many.
        seed: Of the draws.

    Returns:
        Shape (draws, sizes), above 0.

    Source: Rubin, The Bayesian Bootstrap (1981); Brown, Cai and DasGupta, Interval Estimation for a Binomial Proportion
    (2001).
    """
    import numpy as np

    patterns, counts = np.unique(wrong, axis=0, return_counts=True)
    patterns = np.vstack((patterns, np.ones_like(patterns[:1]), np.zeros_like(patterns[:1])))
    weights = np.random.default_rng(seed).dirichlet([*counts, 0.5, 0.5], size=draws)
    errors: NDArray[np.float64] = weights @ patterns
    return np.maximum(errors, _MIN_ERROR)

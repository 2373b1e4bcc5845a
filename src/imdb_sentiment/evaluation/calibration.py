"""Whether probabilities mean what they say."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BINS", "equal_mass_starts"]

BINS = 15
"""As in Guo et al. (2017)."""


def equal_mass_starts(ordered: "NDArray[np.float64]", *, bins: int = BINS) -> "NDArray[np.int64]":
    """Divide probabilities into bins of about as many rows each; rows of one probability are in one bin.

    Args:
        ordered: Probabilities from the lowest to the highest, shape (n,).
        bins: How many at most.

    Returns:
        Position of each bin's first row, the first of them 0.
    """
    import numpy as np

    cuts = np.arange(1, bins) * len(ordered) // bins
    starts = np.searchsorted(ordered, ordered[cuts])
    return np.unique(np.concatenate([[0], starts]))

"""Rows whose true figures are known, for tests of figures and their intervals."""

import numpy as np
from numpy.typing import NDArray


def made_up_rows(
    rows: int, rng: np.random.Generator, *, share: float = 0.5, apart: float = 1.2, sure: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw probabilities of the positive label and labels, of normal scores one for each label.

    Args:
        rows: How many.
        rng: Draws them.
        share: Of positive rows; exact, as splits are stratified.
        apart: Half the distance of the two labels' scores.
        sure: 1 gives calibrated probabilities, more gives those of a model that is too sure.
    """
    labels = (np.arange(rows) < round(share * rows)).astype(np.int64)
    scores = rng.normal(size=rows) + apart * (2 * labels - 1)
    logits = sure * 2 * apart * scores + np.log(share / (1 - share))
    return 1 / (1 + np.exp(-logits)), labels

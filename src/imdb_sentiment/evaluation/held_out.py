"""The held-out rows that a model was calibrated on, kept with it as numbers without texts."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.runtime.arrays import load_arrays, save_arrays

__all__ = ["HELD_OUT_FILE", "HeldOutRows"]

HELD_OUT_FILE = "held_out.npz"


class HeldOutRows(NamedTuple):
    """Calibrated probabilities and labels of n rows that the weights were not trained on."""

    positive: NDArray[np.float64]
    """Probability of the positive label, shape (n,)."""

    labels: NDArray[np.int8]
    """0 or 1, shape (n,)."""

    @classmethod
    def of(cls, logits: NDArray[np.float64], labels: Sequence[int]) -> Self:
        """Gather rows.

        Args:
            logits: Calibrated logits, shape (n, 2).
            labels: 0 or 1 for each row.
        """
        from scipy.special import expit

        return cls(expit(logits[:, 1] - logits[:, 0]), np.asarray(labels, dtype=np.int8))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read rows written by `save`.

        Raises:
            OSError: The file is missing or cannot be read.
            ValueError: The file is damaged.
        """
        positive, labels = load_arrays(path, {"positive": (np.float64, (None,)), "labels": (np.int8, (None,))})
        if len(positive) != len(labels) or not np.isin(labels, (0, 1)).all() or ((positive < 0) | (positive > 1)).any():
            raise ValueError("labels other than 0 and 1, or probabilities that do not belong to them")
        return cls(positive, labels)

    def save(self, path: Path) -> None:
        """Write the rows to one NumPy file without pickles."""
        save_arrays(path, self._asdict())

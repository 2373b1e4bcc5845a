"""Encoded texts, and overlapping windows of long ones, by which a model reads all of a text."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["EncodedText", "ModelInputs", "window_starts"]

_OVERLAP = 8
"""Consecutive windows share at least an eighth of their tokens, so that a sentence at a border is read with its
context."""


class EncodedText(NamedTuple):
    """An encoded text or pair of texts."""

    inputs: dict[str, NDArray[np.int32]]
    """Model input names (`input_ids`, `attention_mask`, ...) to arrays of shape (tokens,)."""

    truncated: bool
    """Whether tokens were cut off."""

    @property
    def length(self) -> int:
        """Return the number of tokens, special tokens included."""
        return len(self.inputs["input_ids"])


class ModelInputs(NamedTuple):
    """The inputs by which a model reads n texts, in order: one for each, or the windows of a long one."""

    inputs: list[EncodedText]

    first: NDArray[np.int64]
    """Position of the first input of each text, shape (n,)."""

    truncated: NDArray[np.bool_]
    """Whether some of the text is in none of its inputs, shape (n,)."""

    @classmethod
    def of(cls, texts: Sequence[Sequence[EncodedText]]) -> Self:
        """Gather the inputs of each text, at least one."""
        counts = np.array([len(inputs) for inputs in texts], dtype=np.int64)
        truncated = np.array([inputs[0].truncated for inputs in texts], dtype=np.bool_)
        return cls([part for inputs in texts for part in inputs], np.cumsum(counts) - counts, truncated)

    @property
    def tokens(self) -> NDArray[np.int64]:
        """Number of tokens read of each text, special tokens and overlaps included, shape (n,)."""
        lengths = np.array([part.length for part in self.inputs], dtype=np.int64)
        result: NDArray[np.int64] = np.add.reduceat(lengths, self.first)
        return result

    def mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of each text over its inputs.

        Args:
            values: Values of each input, shape (inputs, k).

        Returns:
            Shape (n, k).
        """
        counts = np.diff(self.first, append=len(self.inputs))
        result: NDArray[np.float64] = np.add.reduceat(values, self.first, axis=0) / counts[:, np.newaxis]
        return result


def window_starts(tokens: int, room: int) -> list[int]:
    """Return where the windows of a text begin, evenly spaced, so that the last one ends with the text.

    Args:
        tokens: Number of tokens of the text, above `room`.
        room: Number of tokens of a window.
    """
    overlap = room // _OVERLAP
    windows = -(-(tokens - overlap) // (room - overlap))
    return [round(start) for start in np.linspace(0, tokens - room, windows).tolist()]

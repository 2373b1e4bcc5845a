"""Fingerprints of training rows, so that a model can recognise texts it was trained on."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.cleaning import text_key
from imdb_sentiment.runtime.arrays import load_arrays, save_arrays

if TYPE_CHECKING:
    import datasets

__all__ = ["SEEN_ROWS_FILE", "TrainingFingerprints"]

SEEN_ROWS_FILE = "seen_rows.npz"
_BATCH_ROWS = 1000

Text = str | tuple[str, str]
"""A text, or a pair of texts."""


class TrainingFingerprints:
    """Eight-byte fingerprints of the training and validation texts, compared after normalisation (see `normalise`).

    With a million rows, an unseen text is taken for a seen one with a probability of about 1e-13.

    Args:
        train: Fingerprints of the training rows, sorted, shape (n,).
        validation: Fingerprints of the validation rows, sorted, shape (m,).
    """

    def __init__(self, train: NDArray[np.uint64], validation: NDArray[np.uint64]) -> None:
        self.train = train
        self.validation = validation

    @classmethod
    def of(cls, train: "datasets.Dataset", validation: "datasets.Dataset") -> Self:
        """Compute the fingerprints of two splits."""
        return cls(*(np.unique(_words(_texts(rows))) for rows in (train, validation)))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read fingerprints written by `save`.

        Raises:
            OSError: The file is missing or cannot be read.
            ValueError: The file is damaged.
        """
        return cls(*load_arrays(path, {"train": (np.uint64, (None,)), "validation": (np.uint64, (None,))}))

    def save(self, path: Path) -> None:
        """Write the fingerprints to one NumPy file without pickles."""
        save_arrays(path, {"train": self.train, "validation": self.validation})

    def known(self, texts: Sequence[Text], split: Literal["train", "validation"] | None = None) -> list[bool]:
        """Return for each text whether it is in a split, by default in either."""
        splits = {"train": self.train, "validation": self.validation}
        known = np.concatenate(list(splits.values())) if split is None else splits[split]
        found: list[bool] = np.isin(_words(texts), known).tolist()
        return found


def _texts(rows: "datasets.Dataset") -> Iterable[Text]:
    for part in rows.iter(_BATCH_ROWS):
        yield from zip(part["text"], part["text_pair"], strict=True) if "text_pair" in part else part["text"]


def _words(texts: Iterable[Text]) -> NDArray[np.uint64]:
    words = bytearray()
    for text in texts:
        words += text_key(*([text] if isinstance(text, str) else text))[:8]
    return np.frombuffer(words, dtype="<u8").astype(np.uint64)

"""Which words occur in each text of a sample, as hashes, which a model keeps to notice that its input has changed."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.cleaning import clean, joined_beginning
from imdb_sentiment.data.labels import Texts
from imdb_sentiment.data.word_counts import BUCKETS, HASHING, find_words, hash_words
from imdb_sentiment.runtime.arrays import load_arrays, save_arrays

if TYPE_CHECKING:
    import datasets

__all__ = ["MAX_TEXTS", "WORDS_FILE", "WordSets", "beginning_words", "sample_rows"]

WORDS_FILE = "training_words.npz"

MAX_TEXTS = 2000
"""More texts would hardly make a change easier to see, and would take a larger file."""

_MAX_CHARACTERS = 2000
"""Of each text; they bound the file: 1.1 MB with film reviews, whose words are 140 in the mean."""


class WordSets(NamedTuple):
    """The distinct words in the first 2,000 characters of each of n texts, without their order, number and case.

    A word is one of 2**20 hash buckets. Words that are not in a dictionary cannot be read back; others can be guessed.
    """

    buckets: NDArray[np.uint32]
    """The buckets of the first text in ascending order, then those of the second, and so on."""

    lengths: NDArray[np.uint16]
    """Number of buckets of each text, shape (n,)."""

    @classmethod
    def of(cls, texts: Texts) -> Self:
        """Hash the words of texts, or of pairs, whose parts are joined."""
        sets = [np.unique(hash_words(beginning_words(text))) for text in texts]
        lengths = np.array([len(buckets) for buckets in sets], dtype=np.uint16)
        return cls(np.concatenate([np.zeros(0, dtype=np.uint32), *sets]), lengths)

    @classmethod
    def of_sample(cls, rows: "datasets.Dataset") -> Self:
        """Hash the words of at most 2,000 rows with the columns of `DataSplits`, drawn by a fixed seed."""
        drawn = rows[sample_rows(len(rows), seed=0)]
        texts: Any = (
            list(zip(drawn["text"], drawn["text_pair"], strict=True)) if "text_pair" in drawn else drawn["text"]
        )
        return cls.of(texts)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            OSError: The file is missing or cannot be read.
            ValueError: The file is damaged, or of another version.
        """
        buckets, lengths, hashing = load_arrays(
            path, {"buckets": (np.uint32, (None,)), "lengths": (np.uint16, (None,)), "hashing": (np.int64, ())}
        )
        if hashing != HASHING:
            raise ValueError("it was written by another version of imdb-sentiment")
        if lengths.sum() != len(buckets) or (buckets >= BUCKETS).any():
            raise ValueError("words that do not belong to the texts")
        return cls(buckets, lengths)

    def save(self, path: Path) -> None:
        """Write one NumPy file without pickles."""
        save_arrays(path, {**self._asdict(), "hashing": np.array(HASHING, dtype=np.int64)})

    def joined(self, others: Self) -> Self:
        """Return these texts followed by others."""
        buckets, lengths = (self.buckets, others.buckets), (self.lengths, others.lengths)
        return type(self)(np.concatenate(buckets), np.concatenate(lengths))

    def matrix(self) -> Any:
        """Return a sparse matrix of 0 and 1, shape (n, 2**20)."""
        from scipy.sparse import csr_array

        starts = np.concatenate([[0], np.cumsum(self.lengths, dtype=np.int64)])
        values = np.ones(len(self.buckets), dtype=np.float32)
        return csr_array((values, self.buckets.astype(np.int64), starts), shape=(len(self.lengths), BUCKETS))


def beginning_words(text: str | tuple[str, str]) -> list[str]:
    """Return the distinct words in the first 2,000 characters of a text or of a joined pair, cleaned, in order."""
    return list(dict.fromkeys(find_words(clean(joined_beginning(text)[:_MAX_CHARACTERS]))))


def sample_rows(rows: int, *, seed: int, most: int = MAX_TEXTS) -> list[int]:
    """Draw at most so many of a number of rows, and return their positions from 0 in ascending order."""
    if rows <= most:
        return list(range(rows))
    drawn: list[int] = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False)).tolist()
    return drawn

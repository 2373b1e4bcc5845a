"""Hashed words of texts, the same on every platform, without a vocabulary."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.cleaning import clean, joined_beginning
from imdb_sentiment.data.labels import Texts

__all__ = ["BUCKETS", "HASHING", "WordCounts", "count_words", "find_words", "hash_words"]

_BUCKET_BITS = 20
BUCKETS = 2**_BUCKET_BITS

HASHING = 1
"""Version of the hash function, to be stored with what was hashed."""

_CHUNK = 4096
_WORD = re.compile(r"\w\w+")  # scikit-learn's token pattern
_MAX_CACHED = 2**18
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)  # odd; for words, and both words of a bigram
_SHIFT = np.uint64(64 - _BUCKET_BITS)


class WordCounts(NamedTuple):
    """Sparse counts of hashed words and bigrams, sorted by text."""

    texts: int
    """Number of texts."""

    rows: NDArray[np.int64]
    """Index of the text."""

    buckets: NDArray[np.int64]
    """Hash bucket, from 0 to `BUCKETS` - 1."""

    counts: NDArray[np.int64]
    """Number of occurrences."""


def count_words(texts: Texts, *, cleans: bool) -> Iterator[WordCounts]:
    """Count words and bigrams, a chunk of texts at a time.

    Args:
        texts: Texts, or pairs, which are joined; only the first million characters are read.
        cleans: Clean the texts first.
    """
    for start in range(0, len(texts), _CHUNK):
        joined = map(joined_beginning, texts[start : start + _CHUNK])
        yield _count([*map(clean, joined)] if cleans else [*joined])


def _count(texts: Sequence[str]) -> WordCounts:
    """Count words and bigrams by sorting their hashes.

    Buckets are computed by multiply-shift hashing (Dietzfelbinger et al., A Reliable Randomized Algorithm for the
    Closest-Pair Problem, 1997).
    """
    words = [*map(find_words, texts)]
    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    hashes = _hash(chain.from_iterable(words), int(lengths.sum()))
    row = np.repeat(np.arange(len(words), dtype=np.uint64), lengths)
    unigram, first, second = (np.uint64(factor) for factor in _FACTORS)
    bits = np.uint64(_BUCKET_BITS)
    adjacent = row[1:] == row[:-1]
    bigrams = hashes[:-1] * first + hashes[1:] * second
    features = np.concatenate([hashes * unigram, bigrams[adjacent]])
    keys = np.concatenate([row, row[1:][adjacent]]) << bits | features >> _SHIFT
    unique, counts = np.unique(keys, return_counts=True)
    unique = unique.astype(np.int64)
    return WordCounts(len(texts), unique >> _BUCKET_BITS, unique & (BUCKETS - 1), counts)


def find_words(text: str) -> list[str]:
    """Return the words of a text in lower case, each of two characters or more."""
    return _WORD.findall(text.lower())


def hash_words(words: Sequence[str]) -> NDArray[np.uint32]:
    """Return the bucket of each of n words, as `count_words` has it, shape (n,)."""
    return (_hash(words, len(words)) * np.uint64(_FACTORS[0]) >> _SHIFT).astype(np.uint32)


def _hash(words: Iterable[str], count: int) -> NDArray[np.uint64]:
    if len(_hashes) > _MAX_CACHED:
        _hashes.clear()
    return np.fromiter(map(_hashes.__getitem__, words), dtype=np.uint64, count=count)


class _Hashes(dict[str, int]):
    """Cache of word hashes by CRC-32, which is fast in Python and the same on every platform."""

    def __missing__(self, word: str) -> int:
        self[word] = value = crc32(word.encode())
        return value


_hashes = _Hashes()

"""TF-IDF model with feature hashing and logistic regression."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.cleaning import clean, joined_beginning
from imdb_sentiment.data.labels import Labelled, Texts
from imdb_sentiment.runtime.arrays import load_arrays, save_arrays
from imdb_sentiment.runtime.process_wide import WARNINGS_LOCK

__all__ = ["BUCKETS", "TfidfModel", "WordCounts", "count_words"]

_BUCKET_BITS = 20
BUCKETS = 2**_BUCKET_BITS

_CHUNK = 4096
_WORD = re.compile(r"\w\w+")  # scikit-learn's token pattern
_MAX_CACHED = 2**18
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)  # odd; for words, and both words of a bigram

_HASHING = 1
"""Version of the hash function, stored with the weights."""

_SMOOTHING = 0.1
"""Added to the sum of a feature's TF-IDF values per label."""

_INVERSE_PENALTY = 30.0


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
    if len(_hashes) > _MAX_CACHED:
        _hashes.clear()
    words = [_WORD.findall(text.lower()) for text in texts]
    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    word_hashes = map(_hashes.__getitem__, chain.from_iterable(words))
    hashes = np.fromiter(word_hashes, dtype=np.uint64, count=int(lengths.sum()))
    row = np.repeat(np.arange(len(words), dtype=np.uint64), lengths)
    unigram, first, second = (np.uint64(factor) for factor in _FACTORS)
    shift, bits = np.uint64(64 - _BUCKET_BITS), np.uint64(_BUCKET_BITS)
    adjacent = row[1:] == row[:-1]
    bigrams = hashes[:-1] * first + hashes[1:] * second
    features = np.concatenate([hashes * unigram, bigrams[adjacent]])
    keys = np.concatenate([row, row[1:][adjacent]]) << bits | features >> shift
    keys.sort()
    new = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
    counts = np.diff(new, append=len(keys))
    unique = keys[new].astype(np.int64)
    return WordCounts(len(texts), unique >> _BUCKET_BITS, unique & (BUCKETS - 1), counts)


class _Hashes(dict[str, int]):
    """Cache of word hashes by CRC-32, which is fast in Python and the same on every platform."""

    def __missing__(self, word: str) -> int:
        """Compute and store the hash."""
        self[word] = value = crc32(word.encode())
        return value


_hashes = _Hashes()


class TfidfModel:
    """Logistic regression on TF-IDF features of words and bigrams, hashed to a million buckets.

    TF-IDF values are scaled by the log-count ratio of the two labels, which is more accurate than TF-IDF alone.

    Source: Wang and Manning, Baselines and Bigrams: Simple, Good Sentiment and Topic Classification (2012).

    Args:
        idf: Inverse document frequency of each bucket, shape (2**20,).
        weights: Weight of each bucket in the log odds of the positive label, shape (2**20,); 0 if not trained.
        bias: Intercept of the log odds.
        cleans: Clean texts first.
    """

    def __init__(self, idf: NDArray[np.float32], weights: NDArray[np.float32], bias: float, *, cleans: bool) -> None:
        self.idf = idf
        self.weights = weights
        self.bias = bias
        self.cleans = cleans

    @classmethod
    @WARNINGS_LOCK
    def fit(cls, train: Labelled, *, cleans: bool) -> Self:
        """Fit a model to texts or pairs and their labels."""
        from scipy.sparse import csr_array, diags_array, vstack
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.linear_model import LogisticRegression

        chunks = [
            csr_array((counts, (rows, buckets)), shape=(texts, BUCKETS), dtype=np.float64)
            for texts, rows, buckets, counts in count_words(train.texts, cleans=cleans)
        ]
        transformer = TfidfTransformer(sublinear_tf=True)
        tfidf = transformer.fit_transform(vstack(chunks, format="csr"))
        used = np.unique(tfidf.indices)  # empty buckets would only take time
        weights = np.zeros(BUCKETS, dtype=np.float32)
        if not len(used):  # no words in any text, e.g. emoji only
            return cls(transformer.idf_.astype(np.float32), weights, 0.0, cleans=cleans)
        tfidf, labels = tfidf[:, used], list(train.labels)
        ratios = _log_ratios(tfidf, labels)
        model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=1000).fit(tfidf @ diags_array(ratios), labels)
        weights[used] = model.coef_[0] * ratios
        return cls(transformer.idf_.astype(np.float32), weights, float(model.intercept_[0]), cleans=cleans)

    @classmethod
    def load(cls, path: Path, *, cleans: bool) -> Self:
        """Load a saved model.

        Raises:
            OSError: The file cannot be read.
            ValueError: The file is damaged, or of another version.
        """
        buckets = (np.float32, (BUCKETS,))
        idf, weights, bias, hashing = load_arrays(
            path, {"rarity": buckets, "weights": buckets, "bias": (np.float64, ()), "hashing": (np.int64, ())}
        )
        if hashing != _HASHING:
            raise ValueError("it was written by another version of imdb-sentiment")
        return cls(idf, weights, float(bias), cleans=cleans)

    def save(self, path: Path) -> None:
        """Write a NumPy file without pickles."""
        bias, hashing = np.array(self.bias, dtype=np.float64), np.array(_HASHING, dtype=np.int64)
        save_arrays(path, {"rarity": self.idf, "weights": self.weights, "bias": bias, "hashing": hashing})

    def with_temperature(self, temperature: float) -> Self:
        """Return the model with its log odds divided by a temperature."""
        return type(self)(self.idf, self.weights / temperature, self.bias / temperature, cleans=self.cleans)

    def log_odds(self, texts: Texts) -> NDArray[np.float64]:
        """Return the log odds of the positive label for n texts or pairs, shape (n,).

        They are NaN for a text that has no word in common with the training rows.
        """
        parts = [np.zeros(0)]
        for count, rows, buckets, counts in count_words(texts, cleans=self.cleans):
            values, weights = (1 + np.log(counts)) * self.idf[buckets], self.weights[buckets]
            squares, sums, known = (
                np.bincount(rows, terms, minlength=count) for terms in (values**2, values * weights, weights != 0)
            )
            with np.errstate(invalid="ignore", divide="ignore"):
                parts.append(np.where(known > 0, sums / np.sqrt(squares) + self.bias, np.nan))
        return np.concatenate(parts)


def _log_ratios(tfidf: Any, labels: Sequence[int]) -> NDArray[np.float64]:
    """Return the log ratio of each column's share under the positive label to that under the negative label."""
    true = np.asarray(labels) == 1
    positive, negative = (np.asarray(tfidf[rows].sum(axis=0)).ravel() + _SMOOTHING for rows in (true, ~true))
    ratios: NDArray[np.float64] = np.log((positive / positive.sum()) / (negative / negative.sum()))
    return ratios

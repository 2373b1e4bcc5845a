"""How often words and pairs of words occur in texts, each hashed to a place."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from imdb_sentiment.data.cleaning import clean, divide
from imdb_sentiment.data.labelled import Texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["PLACES", "WordCounts", "count_words"]

_PLACE_BITS = 20
PLACES = 2**_PLACE_BITS

_CHUNK = 4096
_WORD = re.compile(r"\w\w+")  # what scikit-learn takes for one
_MOST_REMEMBERED = 2**18
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)  # odd; for words, and both words of a pair


class WordCounts(NamedTuple):
    """What occurs in n texts: a line for each text and place in it, in the order of texts."""

    texts: int
    """n."""

    rows: "NDArray[np.int64]"
    """Which text it is, from 0."""

    places: "NDArray[np.int64]"
    """Where in 0 to `PLACES` a word or a pair is hashed to."""

    counts: "NDArray[np.int64]"
    """How often it occurs."""


def count_words(texts: Texts, *, cleans: bool) -> Iterator[WordCounts]:
    """Count the words and the pairs of neighbouring words of texts, some thousand texts at a time.

    Args:
        texts: Texts, or pairs, which are read as one text each; of a very long one the first million characters.
        cleans: Whether they are cleaned first.
    """
    for start in range(0, len(texts), _CHUNK):
        joined = [text if isinstance(text, str) else "\n".join(text) for text in texts[start : start + _CHUNK]]
        joined = [next(divide(text)) for text in joined]
        yield _count([clean(text) for text in joined] if cleans else joined)


def _count(texts: Sequence[str]) -> WordCounts:
    """Count by sorting numbers: strings are looked at once a word, and not at all for pairs.

    A word goes to the upper bits of its hash times an odd number, a pair to those of a sum of two such products
    (multiply-shift hashing; Dietzfelbinger et al., A Reliable Randomized Algorithm for the Closest-Pair Problem, 1997).
    """
    import numpy as np

    if len(_hashes) > _MOST_REMEMBERED:
        _hashes.clear()
    words = [_WORD.findall(text.lower()) for text in texts]
    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    of_words = map(_hashes.__getitem__, chain.from_iterable(words))
    hashes = np.fromiter(of_words, dtype=np.uint64, count=int(lengths.sum()))
    row = np.repeat(np.arange(len(words), dtype=np.uint64), lengths)
    alone, first, second = (np.uint64(factor) for factor in _FACTORS)
    shift, bits = np.uint64(64 - _PLACE_BITS), np.uint64(_PLACE_BITS)
    neighbours = row[1:] == row[:-1]
    pairs = hashes[:-1] * first + hashes[1:] * second
    both = np.concatenate([hashes * alone, pairs[neighbours]])
    keys = np.concatenate([row, row[1:][neighbours]]) << bits | both >> shift
    keys.sort()
    new = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
    counts = np.diff(new, append=len(keys))
    kept = keys[new].astype(np.int64)
    return WordCounts(len(texts), kept >> _PLACE_BITS, kept & (PLACES - 1), counts)


class _Hashes(dict[str, int]):
    """Remembers the hash of each word; CRC-32, which Python has in C, and which is the same everywhere."""

    def __missing__(self, word: str) -> int:
        """Work it out."""
        self[word] = value = crc32(word.encode())
        return value


_hashes = _Hashes()

"""Words that occur in more, or in fewer, of some texts than of others, whose words are known as hashes only."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.word_counts import BUCKETS, hash_words
from imdb_sentiment.data.word_sets import WordSets
from imdb_sentiment.results.drift import WordChange

__all__ = ["ChangedWords", "changed_words", "names_of"]

_LEVEL = 0.05
"""Probability of naming any word where nothing has changed, in each direction."""

_MOST = 20


class ChangedWords(NamedTuple):
    """Words whose frequency has changed beyond chance, the least likely to be chance first."""

    more_frequent: tuple[WordChange, ...]

    less_frequent: tuple[WordChange, ...]

    unnamed: int
    """Those that are less frequent and have no name."""


def names_of(words: Iterable[str]) -> dict[int, str]:
    """Return a name for each bucket that some words are in: the first of them."""
    listed = list(words)
    return dict(zip(reversed(hash_words(listed).tolist()), reversed(listed), strict=True))


def changed_words(training: WordSets, new: WordSets, names: Mapping[int, str]) -> ChangedWords:
    """Find the words that occur in more or fewer texts than chance explains.

    Each word has Fisher's exact test, one-sided, at 5 % divided by the number of words (Bonferroni).

    Args:
        training: Words of the training texts.
        new: Words of the new texts.
        names: Name of each bucket, as far as known. The new texts name all of theirs.
    """
    from scipy.stats import hypergeom

    before, after = (np.bincount(sets.buckets, minlength=BUCKETS) for sets in (training, new))
    used = np.flatnonzero(before + after)
    before, after = before[used], after[used]
    sizes = len(training.lengths), len(new.lengths)
    arguments = sum(sizes), before + after, sizes[1]
    more, fewer = hypergeom.sf(after - 1, *arguments), hypergeom.cdf(after, *arguments)

    def listed(p_values: NDArray[np.float64]) -> list[WordChange | None]:
        order = np.argsort(p_values, kind="stable")
        chosen = order[p_values[order] < _LEVEL / max(len(used), 1)]
        return [
            WordChange(
                word=names[int(used[i])],
                training_share=float(before[i] / sizes[0]),
                new_share=float(after[i] / sizes[1]),
            )
            if int(used[i]) in names
            else None
            for i in chosen
        ]

    risen, fallen = listed(more), listed(fewer)
    return ChangedWords(
        tuple(change for change in risen if change)[:_MOST],
        tuple(change for change in fallen if change)[:_MOST],
        fallen.count(None),
    )

"""Find label leaks: single words or text lengths that nearly determine the class."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from imdb_sentiment.audit.finding_codes import find, find_whole
from imdb_sentiment.audit.sampling import read_texts
from imdb_sentiment.data.cleaning import divide, normalise
from imdb_sentiment.results.audit import Finding
from imdb_sentiment.runtime.messages import quote
from imdb_sentiment.runtime.process_wide import WARNINGS_LOCK

if TYPE_CHECKING:
    from imdb_sentiment.data.inspection import Rows

__all__ = ["find_shortcuts"]

_WORD = re.compile(r"\w+|[^\w\s]")
_AUC = 0.95
_MIN_CLASS_ROWS = 10
_NAMED = 3
_CHUNK = 1000
# a word's ROC-AUC is 0.5 plus half the difference between its shares of the two classes
_DIFFERENCE = 0.9


class _Shortcut(NamedTuple):
    word: str
    shares: tuple[float, float]
    """Share of the rows of each class that contain the word."""

    @property
    def difference(self) -> float:
        return abs(self.shares[0] - self.shares[1])


def find_shortcuts(parts: "Mapping[str, Rows]", names: Sequence[str]) -> list[Finding]:
    """Search for words or a text length that nearly determine the class, in splits with ten rows of each class.

    Args:
        parts: The rows of each split; their labels are 0 and 1.
        names: Names of the two classes.
    """
    from sklearn.metrics import roc_auc_score

    findings: list[Finding] = []
    for split, rows in parts.items():
        totals = np.bincount(rows.labels, minlength=2)
        if totals.min() < _MIN_CLASS_ROWS:
            continue
        if words := _find_words(rows, totals.tolist()):
            findings.append(_describe_words(words, split, rows, names))
        lengths = _count_characters(rows)
        with WARNINGS_LOCK:
            auc = roc_auc_score(rows.labels, lengths)
        if max(auc, 1 - auc) > _AUC:
            medians = [f"{np.median(lengths[rows.labels == i]):,.0f} in {quote(name)}" for i, name in enumerate(names)]
            summary = (
                f"the length of a text predicts its class in {split} (ROC-AUC {max(auc, 1 - auc):.3f}): its median in "
                f"characters is {' and '.join(medians)}"
            )
            findings.append(find_whole("giveaway_length", split, len(rows), summary))
    return findings


class _Presence:
    """Counts the rows of each class with each word, for words that may still predict the class.

    Args:
        totals: Number of rows of each class that will be added.
    """

    def __init__(self, totals: Sequence[int]) -> None:
        self._totals = totals
        self._left = list(totals)
        self._counts: tuple[Counter[str], Counter[str]] = Counter(), Counter()
        self._held: set[str] = set()

    @property
    def is_settled(self) -> bool:
        """Whether no word can predict the class any more."""
        return not self._held and self._too_late_for_more()

    def add(self, words: set[str], label: int) -> None:
        """Add a row."""
        if self._too_late_for_more():
            words &= self._held
        self._held |= words
        self._counts[label].update(words)
        self._left[label] -= 1

    def prune(self) -> None:
        """Drop words that cannot predict the class whatever the remaining rows are."""
        self._held = {word for word in self._held if max(self._reach(word, 0), self._reach(word, 1)) > _DIFFERENCE}
        for counts in self._counts:
            for word in counts.keys() - self._held:
                del counts[word]

    def shortcuts(self) -> list[_Shortcut]:
        """Return the words that predict the class, best first; call after the last row."""
        self.prune()
        found = []
        for word in self._held:
            first, second = (counts[word] / total for counts, total in zip(self._counts, self._totals, strict=True))
            found.append(_Shortcut(word, (first, second)))
        return sorted(found, key=lambda shortcut: (-shortcut.difference, shortcut.word))

    def _reach(self, word: str, label: int) -> float:
        """Return the largest possible lead of a word's share in one class over the other."""
        most = (self._counts[label][word] + self._left[label]) / self._totals[label]
        return most - self._counts[1 - label][word] / self._totals[1 - label]

    def _too_late_for_more(self) -> bool:
        return all(left <= _DIFFERENCE * total for left, total in zip(self._left, self._totals, strict=True))


def _find_words(rows: "Rows", totals: Sequence[int]) -> list[_Shortcut]:
    """Return the words that predict the class, best first; the order of digests mixes the classes for an early stop."""
    presence = _Presence(totals)
    order = np.argsort(rows.digests)
    for start in range(0, len(order), _CHUNK):
        chunk = np.sort(order[start : start + _CHUNK])
        texts = rows.raw.texts_at(rows.positions[chunk])
        for pair, label in zip(texts, rows.labels[chunk].tolist(), strict=True):
            presence.add(_words(pair), label)
        presence.prune()
        if presence.is_settled:
            return []
    return presence.shortcuts()


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for part in divide(text) for word in _WORD.findall(normalise(part))}


def _count_characters(rows: "Rows") -> NDArray[np.int64]:
    """Return the length of each text, or of both texts of a row together; shape (n,)."""
    found = []
    for batch in rows.raw.batches():
        columns = [batch.column(name) for name in ("text", "text_pair") if name in batch.schema.names]
        found.append(sum(pc.utf8_length(column).fill_null(0).to_numpy().astype(np.int64) for column in columns))
    lengths: NDArray[np.int64] = np.concatenate(found)[rows.positions]
    return lengths


def _describe_words(shortcuts: Sequence[_Shortcut], split: str, rows: "Rows", names: Sequence[str]) -> Finding:
    best, *others = shortcuts
    share = " and ".join(f"{part:.1%} of the {quote(name)} rows" for part, name in zip(best.shares, names, strict=True))
    summary = f"{quote(best.word)} predicts the class in {split}: it is in {share}"
    if others:
        named = ", ".join(quote(shortcut.word) for shortcut in others[: _NAMED - 1])
        more = f", and {len(others) - _NAMED + 1:,} more" if len(others) >= _NAMED else ""
        summary += f"; likewise {named}{more}"
    shown = {shortcut.word for shortcut in shortcuts[:_NAMED]}
    holds = [not shown.isdisjoint(_words(pair)) for texts in read_texts(rows, "finding the rows") for pair in texts]
    return find("giveaway_token", rows.raw, split, (rows.positions[np.array(holds)] + 1).tolist(), summary)

"""Find label leaks: single words or text lengths that nearly determine the class."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from imdb_sentiment.audit.finding_codes import find, find_whole
from imdb_sentiment.audit.sampling import read_texts, text_columns
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


def _find_words(rows: "Rows", totals: Sequence[int]) -> list[_Shortcut]:
    """Return the words that predict the class, best first.

    Words are dropped once they cannot predict it whatever the remaining rows are. The order of digests mixes the
    classes, so that this is soon.
    """
    counts: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    left = list(totals)

    def lead(word: str, label: int) -> float:
        """Return the largest possible lead of a word's share in one class over the other."""
        most = (counts[label][word] + left[label]) / totals[label]
        return most - counts[1 - label][word] / totals[1 - label]

    order = np.argsort(rows.digests)
    new_words_may_predict = True
    for start in range(0, len(order), _CHUNK):
        chunk = np.sort(order[start : start + _CHUNK])
        known = counts[0].keys() | counts[1].keys()
        for pair, label in zip(rows.raw.texts_at(rows.positions[chunk]), rows.labels[chunk].tolist(), strict=True):
            counts[label].update(_words(pair) if new_words_may_predict else _words(pair) & known)
            left[label] -= 1
        new_words_may_predict = any(rest > _DIFFERENCE * total for rest, total in zip(left, totals, strict=True))
        for word in counts[0].keys() | counts[1].keys():
            if max(lead(word, 0), lead(word, 1)) <= _DIFFERENCE:
                counts[0].pop(word, None)
                counts[1].pop(word, None)
        if not (new_words_may_predict or counts[0] or counts[1]):
            return []
    found = [
        _Shortcut(word, (counts[0][word] / totals[0], counts[1][word] / totals[1]))
        for word in counts[0].keys() | counts[1].keys()
    ]
    return sorted(found, key=lambda shortcut: (-shortcut.difference, shortcut.word))


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for part in divide(text) for word in _WORD.findall(normalise(part))}


def _count_characters(rows: "Rows") -> NDArray[np.int64]:
    """Return the length of each text, or of both texts of a row together; shape (n,)."""
    found = [
        sum(pc.utf8_length(column).fill_null(0).to_numpy().astype(np.int64) for column in text_columns(batch))
        for batch in rows.raw.batches()
    ]
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

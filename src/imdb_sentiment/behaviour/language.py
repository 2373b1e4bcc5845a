"""The language of texts, told by its most frequent words."""

import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["language_of"]

_WORD = re.compile(r"[^\W\d_]+")

# words that are frequent in one language, and rare in its neighbours: no "a", "as", "do" or "no", which are of both
_FREQUENT = {
    "en": "and the of to is was it this with that for you are not but have they from",
    "pt": "não um uma em é com os dos muito mas foi isso ele ela são mais você",
}
_MIN_SHARE, _MIN_WORDS = 0.05, 2  # German has "um", French "est"
_MAX_TEXTS = 1000


def language_of(texts: Sequence[str]) -> str | None:
    """Return the language of texts, `en` or `pt`; None if most of them seem to be in neither, or cannot be told.

    About a fifth of the words of English prose are among its list, and a tenth of those of Portuguese prose. In other
    languages hardly any are.
    """
    words = Counter(word for text in texts[:_MAX_TEXTS] for word in _WORD.findall(text.lower()))
    shares = {
        language: sum(words[word] for word in frequent.split()) / max(words.total(), 1)
        for language, frequent in _FREQUENT.items()
    }
    best = max(shares, key=lambda language: shares[language])
    distinct = sum(word in words for word in _FREQUENT[best].split())
    return best if shares[best] >= _MIN_SHARE and distinct >= _MIN_WORDS else None

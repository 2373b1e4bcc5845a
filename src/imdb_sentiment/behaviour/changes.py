"""Changes to a text that leave its meaning as it is."""

import re
from collections.abc import Callable
from random import Random

from imdb_sentiment.behaviour.templates import Words

__all__ = ["ADDITIONS", "CHANGES"]

_LONG_WORD = re.compile(r"[^\W\d_]{5,}")
_END = re.compile(r"[.!?…\s]*$")


def _misspell(text: str, random: Random) -> str:
    """Swap two neighbouring letters inside a word of five letters or more."""
    places = [match.start() + i for match in _LONG_WORD.finditer(text) for i in range(1, len(match[0]) - 2)]
    places = [i for i in places if text[i] != text[i + 1]]
    if not places:
        return text
    i = random.choice(places)
    return text[:i] + text[i + 1] + text[i] + text[i + 2 :]


def _lower(text: str, random: Random) -> str:
    return text.lower()


def _upper(text: str, random: Random) -> str:
    return text.upper()


def _punctuate(text: str, random: Random) -> str:
    """Drop the punctuation at the end, or add a full stop where there is none."""
    bare = _END.sub("", text)
    return bare if bare != text.rstrip() else f"{bare}."


def _append(text: str, words: Words, random: Random) -> str:
    return f"{text.rstrip()} {random.choice(words.irrelevant)}"


def _prepend(text: str, words: Words, random: Random) -> str:
    return f"{random.choice(words.irrelevant)} {text.lstrip()}"


CHANGES: dict[str, Callable[[str, Random], str]] = {
    "misspelled word": _misspell,
    "lower case": _lower,
    "upper case": _upper,
    "punctuation at the end": _punctuate,
}
"""Changes in any language, by name; each returns a text as it is if there is nothing to change."""

ADDITIONS: dict[str, Callable[[str, Words, Random], str]] = {
    "irrelevant sentence after": _append,
    "irrelevant sentence before": _prepend,
}
"""Changes that add a sentence of the text's language."""

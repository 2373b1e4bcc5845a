"""What counts as noise in a text, stated once: for the tokenizer, and for telling when two texts are the same."""

import hashlib
import re
from collections.abc import Iterable, Iterator

__all__ = ["CLEANING_RULES", "clean", "divide", "key_of_normalised", "normalise", "text_key"]

# White space in a tag is what HTML takes for it: `\s` is one set in Python and another in Oniguruma.
# Zero-width joiner and non-joiner stay: emoji, Persian and several Indic scripts need them.
CLEANING_RULES: tuple[tuple[str, str], ...] = (
    (r"<[bB][rR][ \t\n\f\r]*/?>", " "),
    ("[\u200b\u2060\ufeff\u00ad]", ""),
    ("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", " "),
)
"""Pairs of pattern and replacement, applied in this order. The patterns are read by Python's `re` and by the Oniguruma
of the `tokenizers` package alike, which a test holds."""

_COMPILED = tuple((re.compile(pattern), replacement) for pattern, replacement in CLEANING_RULES)


_PART = 2**20
_BETWEEN_PARTS = re.compile(r"(?<=[^rR\s])\s")  # what stands after an `r` may belong to the tag of a line break


def divide(text: str, size: int | None = None) -> Iterator[str]:
    """Give a long text in parts of about a million characters, or `size`, that end in white space; others as they are.

    A list of the words of a text takes some twelve times as much memory as the text.
    """
    start, size = 0, size or _PART
    while len(text) - start > size and (end := _BETWEEN_PARTS.search(text, start + size)):
        yield text[start : end.end()]
        start = end.end()
    yield text[start:]


def clean(text: str) -> str:
    """Replace HTML line breaks and control characters by spaces and remove zero-width characters."""
    return "".join(map(_clean, divide(text)))


def _clean(text: str) -> str:
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    return text


def normalise(text: str, second: str | None = None) -> str:
    """Bring a text, or a pair of texts, to the form in which those that count as the same are equal: case, white space,
    HTML breaks and invisible characters make no difference. It is empty where there is nothing to read.
    """
    first = "".join(_normalised(text))
    if second is None:
        return first
    other = normalise(second)
    return f"{first}\n{other}" if first or other else ""


def _normalised(text: str) -> Iterator[str]:
    """Give a normalised text in parts."""
    before = ""
    for part in divide(text):
        if words := " ".join(_clean(part).casefold().split()):
            yield before + words
            before = " "


def text_key(text: str, second: str | None = None) -> bytes:
    """Return 16 bytes that are equal for texts, or pairs of texts, that are the same when normalised, and else differ
    (BLAKE2b, so that a chance collision among a billion texts stays below 1e-20).
    """
    return _key(_normalised(text)) if second is None else key_of_normalised(normalise(text, second))


def key_of_normalised(text: str) -> bytes:
    """Return `text_key` of a text that is normalised already."""
    return _key([text])


def _key(parts: Iterable[str]) -> bytes:
    key = hashlib.blake2b(digest_size=16)
    for part in parts:
        key.update(part.encode("utf-8", "surrogatepass"))
    return key.digest()

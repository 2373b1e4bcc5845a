"""Text cleaning and normalisation, shared by the tokenizer and the comparison of texts."""

import hashlib
import re
from collections.abc import Iterator

__all__ = ["CLEANING_RULES", "clean", "divide", "joined_beginning", "key_of_normalised", "normalise", "text_key"]

# White space in a tag is HTML's set, since `\s` differs between Python and Oniguruma.
# Zero-width joiner and non-joiner stay: emoji, Persian and several Indic scripts need them.
CLEANING_RULES: tuple[tuple[str, str], ...] = (
    (r"<[bB][rR][ \t\n\f\r]*/?>", " "),
    ("[\u200b\u2060\ufeff\u00ad]", ""),
    ("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", " "),
)
"""Pairs of pattern and replacement, applied in order. The patterns mean the same in Python's `re` and in Oniguruma,
which `tokenizers` uses; a test checks this."""

_COMPILED = tuple((re.compile(pattern), replacement) for pattern, replacement in CLEANING_RULES)


_PART = 2**20
_BETWEEN_PARTS = re.compile(r"(?<=[^rR\s])\s")  # white space after an `r` may be part of a <br > tag


def divide(text: str, size: int | None = None) -> Iterator[str]:
    """Split a long text at white space into parts of about `size` characters, by default a million.

    This bounds memory, since a list of the words of a text takes many times as much as the text.
    """
    start, size = 0, size or _PART
    while len(text) - start > size and (end := _BETWEEN_PARTS.search(text, start + size)):
        yield text[start : end.end()]
        start = end.end()
    yield text[start:]


def joined_beginning(text: str | tuple[str, str]) -> str:
    """Join a pair, and keep only the beginning of a very long text, whose words would fill the memory."""
    return next(divide(text if isinstance(text, str) else "\n".join(text)))


def clean(text: str) -> str:
    """Replace HTML line breaks and control characters by spaces and remove zero-width characters."""
    return "".join(map(_clean, divide(text)))


def _clean(text: str) -> str:
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    return text


def normalise(text: str, second: str | None = None) -> str:
    """Normalise a text, or a pair, so that case, white space, HTML breaks and invisible characters make no difference.
    Blank texts become empty.
    """
    parts = (" ".join(_clean(part).casefold().split()) for part in divide(text))
    first = " ".join(filter(None, parts))
    if second is None:
        return first
    other = normalise(second)
    return f"{first}\n{other}" if first or other else ""


def text_key(text: str, second: str | None = None) -> bytes:
    """Return the 16-byte BLAKE2b hash of a normalised text or pair. Among a billion texts, the chance of a collision is
    below 1e-20.
    """
    return key_of_normalised(normalise(text, second))


def key_of_normalised(text: str) -> bytes:
    """Return the `text_key` of a text that is already normalised."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

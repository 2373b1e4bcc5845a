"""What counts as noise in a text, stated once: for the tokenizer, and for telling when two texts are the same."""

import hashlib
import re

__all__ = ["CLEANING_RULES", "clean", "text_key"]

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


def clean(text: str) -> str:
    """Replace HTML line breaks and control characters by spaces and remove zero-width characters."""
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    return text


def text_key(text: str) -> bytes:
    """Return 16 bytes that are equal for texts that differ only in case, white space, HTML breaks and invisible
    characters, and else differ (BLAKE2b, so that a chance collision among a billion texts stays below 1e-20).
    """
    normalised = " ".join(clean(text).casefold().split())
    return hashlib.blake2b(normalised.encode("utf-8", "surrogatepass"), digest_size=16).digest()

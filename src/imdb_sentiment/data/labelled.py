"""Texts, or pairs of texts, and what is true of them."""

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Labelled", "Texts"]

Texts = Sequence[str] | Sequence[tuple[str, str]]
"""Texts, or pairs of texts that a model reads together."""


class Labelled(NamedTuple):
    """Rows with what is true of them."""

    texts: Texts

    labels: Sequence[int]
    """0 or 1, as many as texts."""

"""Texts and pairs as a classifier was given them, checked before anything is computed."""

from collections.abc import Sequence
from typing import Any

from imdb_sentiment.data.cleaning import clean
from imdb_sentiment.data.labelled import Texts
from imdb_sentiment.data.values import is_unicode
from imdb_sentiment.errors import DataError, list_rows

__all__ = ["checked_texts"]


def checked_texts(texts: Texts, columns: Sequence[str]) -> Texts:
    """Return texts or pairs as a list.

    Args:
        texts: One text, several, or pairs.
        columns: The one or two columns of text that the model learnt from.

    Raises:
        DataError: An item is not what the model reads, or is blank; the message gives its position, counted from 1.
    """
    if len(columns) == 2:
        pairs = _listed_pairs(texts, columns)
        for place, column in enumerate(columns):
            parts = [pair[place] for pair in pairs]
            _check_strings(parts, what=repr(column), expected=f"pairs of texts ({', '.join(columns)})")
        _check_not_blank(pairs)
        return pairs
    listed: list[Any] = [texts] if isinstance(texts, str) else list(texts)
    expected = f"one text each, since the model learnt from one column ({columns[0]})"
    _check_strings(listed, what="item", expected=expected)
    _check_not_blank([(text,) for text in listed])
    return listed


def _listed_pairs(texts: Sequence[object], columns: Sequence[str]) -> list[tuple[str, str]]:
    """Return items of two as tuples; what the two are is not looked at."""
    names = ", ".join(columns)
    items: list[Any] = [texts] if isinstance(texts, str) else list(texts)
    wrong = [i for i, item in enumerate(items, start=1) if not (isinstance(item, tuple | list) and len(item) == 2)]
    if wrong:
        found = "a single text" if isinstance(texts, str) else f"{_kinds(items, wrong)} in {list_rows(wrong)}"
        alone = isinstance(items[wrong[0] - 1], str)
        raise DataError(
            "each item must be a pair of texts, since the model learnt from two columns",
            found=found,
            expected=f"pairs of texts ({names})",
            hint=f"a list also for one pair: [({names})]" if alone else None,
            rows=wrong,
        )
    return [(item[0], item[1]) for item in items]


def _check_strings(texts: Sequence[object], *, what: str, expected: str) -> None:
    wrong = [i for i, text in enumerate(texts, start=1) if not isinstance(text, str)]
    if wrong:
        found = f"{_kinds(texts, wrong)} in {list_rows(wrong)}"
        raise DataError(f"each {what} must be a string", found=found, expected=expected, rows=wrong)
    broken = [i for i, text in enumerate(texts, start=1) if not is_unicode(str(text))]
    if broken:
        raise DataError(f"each {what} must be valid Unicode", found=list_rows(broken), rows=broken)


def _check_not_blank(items: Sequence[tuple[str, ...]]) -> None:
    blank = [i for i, parts in enumerate(items, start=1) if not any(clean(part).strip() for part in parts)]
    if blank:
        raise DataError("there is nothing to classify in a blank text", found=list_rows(blank), rows=blank)


def _kinds(items: Sequence[object], rows: Sequence[int]) -> str:
    return ", ".join(sorted({_kind(items[row - 1]) for row in rows}))


def _kind(item: object) -> str:
    return f"{type(item).__name__} of {len(item)}" if isinstance(item, tuple | list) else type(item).__name__

"""Validation of what is passed to a classifier: texts and pairs, and the models that are to read them."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

from imdb_sentiment.data.arrow_strings import is_null, is_unicode
from imdb_sentiment.data.cleaning import clean
from imdb_sentiment.data.data_like import Table, as_list, is_table
from imdb_sentiment.data.labels import Texts
from imdb_sentiment.errors import ConfigError, DataError, list_rows
from imdb_sentiment.runtime.messages import list_values, quote

__all__ = ["Combination", "TextsLike", "check_items", "checked_texts", "combination_of", "listed_items"]


TextsLike = Iterable[str] | Iterable[tuple[str, str]] | Table
"""Texts, pairs of texts, or a table with the model's text columns."""

Combination: TypeAlias = Literal["encoder", "cascade", "ensemble"]
"""The models that a call uses: the encoder alone, or both in one of two ways."""


def combination_of(*, cascade: object, ensemble: object) -> Combination:
    """Return the combination that two options of a call name.

    Raises:
        ConfigError: One is not a bool, or both are set.
    """
    for name, value in (("cascade", cascade), ("ensemble", ensemble)):
        if not isinstance(value, bool):
            raise ConfigError(f"{name}={quote(value)} is not a bool", expected="True or False")
    if cascade and ensemble:
        raise ConfigError("the cascade and the ensemble exclude each other", expected="one of them")
    return "cascade" if cascade else "ensemble" if ensemble else "encoder"


def checked_texts(texts: TextsLike, columns: Sequence[str]) -> Texts:
    """Return the texts, or pairs for a model of two text columns, as a validated list.

    Raises:
        DataError: The input or an item has the wrong type, or an item is blank; positions are counted from 1.
    """
    return check_items(listed_items(texts, columns), columns)


def listed_items(texts: Any, columns: Sequence[str]) -> list[Any]:
    """Return texts or pairs as a list, without validating the items.

    Raises:
        DataError: The input has the wrong type, or a column is missing.
    """
    if isinstance(texts, str):
        return [texts]
    if is_table(texts):
        from imdb_sentiment.data.frames import list_texts

        values = list_texts(texts, columns)
        for column, part in zip(columns, values, strict=True):
            hint = "classifier(table), which gives such rows a reason instead of a label"
            _check_strings(part, what=quote(column), expected="a text in each row", hint=hint)
        return values[0] if len(columns) == 1 else list(zip(*values, strict=True))
    if hasattr(texts, "to_frame") and set(columns) & set(getattr(texts, "index", ())):  # of pandas
        hint = f"the row's text, or all rows: data[{list(columns)!r}]"
        raise DataError("one row of a table cannot be read", found=type(texts).__name__, hint=hint)
    return as_list(texts, "texts" if len(columns) == 1 else "pairs of texts")


def check_items(items: list[Any], columns: Sequence[str], *, before: int = 0) -> Texts:
    """Validate texts or pairs; their positions are counted after those of `before` items.

    Raises:
        DataError: An item has the wrong type or is blank.
    """
    names = list_values(columns)
    if len(columns) == 1:
        expected = f"one text each, since the model was trained on one column ({names})"
        _check_strings(items, what="item", expected=expected, before=before)
        _check_not_blank([(text,) for text in items], before)
        return items
    expected = f"pairs of texts ({names})"
    wrong = [i for i, item in enumerate(items) if not (isinstance(item, tuple | list) and len(item) == 2)]
    if wrong:
        hint = f"a list also for one pair: [({names})]" if isinstance(items[wrong[0]], str) else None
        summary = "each item must be a pair of texts, since the model was trained on two columns"
        raise _wrong(summary, items, wrong, before, expected=expected, hint=hint)
    for index, column in enumerate(columns):
        _check_strings([item[index] for item in items], what=quote(column), expected=expected, before=before)
    pairs: list[tuple[str, str]] = [(item[0], item[1]) for item in items]
    _check_not_blank(pairs, before)
    return pairs


def _check_strings(
    texts: Sequence[object], *, what: str, expected: str, before: int = 0, hint: str | None = None
) -> None:
    if wrong := [i for i, text in enumerate(texts) if not isinstance(text, str)]:
        raise _wrong(f"each {what} must be a string", texts, wrong, before, expected=expected, hint=hint)
    if broken := [before + i for i, text in enumerate(texts, start=1) if not is_unicode(str(text))]:
        raise DataError(f"each {what} must be valid Unicode", found=list_rows(broken), rows=broken)


def _check_not_blank(items: Sequence[tuple[str, ...]], before: int) -> None:
    blank = [before + i for i, parts in enumerate(items, start=1) if not any(clean(part).strip() for part in parts)]
    if blank:
        raise DataError("there is nothing to classify in a blank text", found=list_rows(blank), rows=blank)


def _wrong(
    summary: str, items: Sequence[object], wrong: Sequence[int], before: int, *, expected: str, hint: str | None = None
) -> DataError:
    rows = [before + i + 1 for i in wrong]
    found = f"{list_values(sorted({_kind(items[i]) for i in wrong}))} in {list_rows(rows)}"
    return DataError(summary, found=found, expected=expected, hint=hint, rows=rows)


def _kind(item: object) -> str:
    if is_null(item):
        return "null"
    return f"{type(item).__name__} of {len(item)}" if isinstance(item, tuple | list) else type(item).__name__

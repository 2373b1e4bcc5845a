"""Two raw columns, text and label, out of whatever held them: the form that every source is brought to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING

from imdb_sentiment.errors import DataError, list_rows, nearest

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["RawRows", "check_columns", "concatenate", "rows_from_arrow", "rows_from_values"]


@dataclass(frozen=True, slots=True)
class RawRows:
    """Texts and labels as the source holds them, unchecked, in the source's order.

    Attributes:
        origin: The file, folder or object they come from, for messages.
        texts: Arrow large strings; null where the source has null or something that is not text.
        labels: Arrow strings; a number or a truth value is written out (`1`, `true`); null where the source has null.
        not_text: Row numbers, from 1, whose text is neither null nor a valid string.
    """

    origin: str
    texts: "pa.ChunkedArray"
    labels: "pa.ChunkedArray"
    not_text: tuple[int, ...] = ()


def check_columns(names: Sequence[str], wanted: Iterable[tuple[str, str]], origin: str) -> None:
    """Check that each wanted column is there exactly once.

    Args:
        names: The columns of the source.
        wanted: Pairs of a column name and the configuration field that set it.
        origin: Name of the source for the message.

    Raises:
        DataError: A column is missing, or stands there twice.
    """
    for name, field in wanted:
        count = list(names).count(name)
        if count == 1:
            continue
        option = "--" + field.replace("_", "-")
        what = "text to classify" if field == "text_column" else "label"
        if count > 1:
            summary = f"column {name!r} stands {count} times in {origin}"
            raise DataError(summary, found=", ".join(names), hint="rename one of them")
        match = nearest(name, names)
        raise DataError(
            f"column {name!r} is not in {origin}",
            found=", ".join(map(str, names)) or "no columns",
            expected=f"the column that holds the {what}",
            hint=f"{option} {match}" if match else f"{option} NAME ({field}=... in Python)",
        )


def rows_from_arrow(texts: "pa.ChunkedArray", labels: "pa.ChunkedArray", origin: str) -> RawRows:
    """Take two Arrow columns of any type.

    Raises:
        DataError: The labels are neither text nor numbers nor booleans, or are not UTF-8.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(texts.type):
        texts = pc.cast(texts, texts.type.value_type)
    not_text: tuple[int, ...] = ()
    if not _is_string(texts.type):
        not_text = tuple(row + 1 for row, there in enumerate(pc.is_valid(texts).to_pylist()) if there)
        texts = pa.chunked_array([pa.nulls(len(texts), pa.large_string())])
    if pa.types.is_dictionary(labels.type):
        labels = pc.cast(labels, labels.type.value_type)
    if pa.types.is_floating(labels.type):
        labels = pc.if_else(pc.is_nan(labels), None, labels)
    if not _may_be_label(labels.type):
        found = f"labels of type {labels.type}"
        raise DataError(
            f"the label column of {origin} holds no labels", found=found, expected="text, numbers or booleans"
        )
    texts, labels = pc.cast(texts, pa.large_string()), pc.cast(labels, pa.string())
    if not (_is_utf8(texts) and _is_utf8(labels)):  # some programs write such Parquet files
        return rows_from_values(_decoded(texts), _decoded(labels), origin)
    return RawRows(origin, texts, labels, not_text)


def rows_from_values(texts: Sequence[object], labels: Sequence[object], origin: str) -> RawRows:
    """Take two sequences of Python values of any type.

    Raises:
        DataError: The sequences differ in length, or a label is not valid Unicode.
    """
    import pyarrow as pa

    if len(texts) != len(labels):
        found = f"{len(texts):,} texts and {len(labels):,} labels"
        raise DataError(f"{origin} has not one label for each text", found=found)
    kept: list[str | None] = []
    not_text: list[int] = []
    for row, text in enumerate(texts, start=1):
        valid = isinstance(text, str) and _is_unicode(text)
        kept.append(str(text) if valid else None)
        if not valid and not _is_null(text):
            not_text.append(row)
    names = [_label_text(label) for label in labels]
    broken = [row for row, name in enumerate(names, start=1) if name is not None and not _is_unicode(name)]
    if broken:
        summary = f"{origin} has labels that are not valid Unicode"
        raise DataError(summary, found=list_rows(broken), expected="labels encoded as UTF-8", rows=broken)
    text_column = pa.chunked_array([pa.array(kept, pa.large_string())])
    return RawRows(origin, text_column, pa.chunked_array([pa.array(names, pa.string())]), tuple(not_text))


def concatenate(parts: Sequence[RawRows], origin: str) -> RawRows:
    """Put several parts of one split one after the other; row numbers count through."""
    import pyarrow as pa

    if len(parts) == 1:
        return parts[0]
    not_text: list[int] = []
    offset = 0
    for part in parts:
        not_text += [offset + row for row in part.not_text]
        offset += len(part.texts)
    texts = pa.chunked_array([chunk for part in parts for chunk in part.texts.chunks], pa.large_string())
    labels = pa.chunked_array([chunk for part in parts for chunk in part.labels.chunks], pa.string())
    return RawRows(origin, texts, labels, tuple(not_text))


def _is_string(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    return any(test(kind) for test in tests)


def _may_be_label(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return _is_string(kind) or pa.types.is_primitive(kind) or pa.types.is_decimal(kind)


def _is_utf8(column: "pa.ChunkedArray") -> bool:
    import pyarrow as pa

    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _decoded(column: "pa.ChunkedArray") -> list[str | None]:
    """Decode strings of which some are not UTF-8; what is not becomes halves of surrogate pairs."""
    import pyarrow as pa

    values: list[bytes | None] = column.cast(pa.large_binary()).to_pylist()
    return [None if value is None else value.decode(errors="surrogateescape") for value in values]


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, as a JSON escape can spell it
        return False
    return True


def _is_null(value: object) -> bool:
    """None, NaN, NaT and pandas' NA; the last three differ from themselves, or cannot say."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, Real) and value != value


def _label_text(value: object) -> str | None:
    if _is_null(value):
        return None
    kind = type(value).__name__
    if kind in ("bool", "bool_"):
        return str(bool(value)).lower()
    if isinstance(value, Real) and not isinstance(value, Integral) and float(value).is_integer():
        return str(int(float(value)))
    return str(value)

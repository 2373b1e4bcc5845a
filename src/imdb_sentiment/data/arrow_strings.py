"""Values of any type as Arrow strings: what is a text, and what can name a class or a group."""

from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from imdb_sentiment.errors import DataError, list_rows

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "is_null",
    "is_unicode",
    "list_arrow",
    "names_from_arrow",
    "names_from_values",
    "size_of",
    "texts_from_arrow",
    "texts_from_values",
]

_MAX_CHUNK_BYTES = 2**30
_SMALL_CHUNK_ROWS = 1000


def texts_from_arrow(column: "pa.ChunkedArray") -> "tuple[pa.ChunkedArray, set[int]]":
    """Return the column as strings, and the row numbers (from 1) of what is neither null nor text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = _without_dictionary(column)
    if not _is_string(column.type):
        wrong = {row for row, there in enumerate(pc.is_valid(column).to_pylist(), start=1) if there}
        return pa.chunked_array([pa.nulls(len(column), pa.string())]), wrong
    if not _is_utf8(column):  # some programs write such Parquet files
        return texts_from_values(_decoded(column))
    return _cast_to_string(column), set()


def texts_from_values(values: Sequence[object]) -> "tuple[pa.ChunkedArray, set[int]]":
    """Return the values as strings, and the row numbers (from 1) of what is neither null nor a valid string."""
    if (plain := _plain_strings(values)) is not None:
        return plain, set()
    texts: list[str | None] = []
    wrong: set[int] = set()
    for row, text in enumerate(values, start=1):
        valid = isinstance(text, str) and is_unicode(text)
        texts.append(str(text) if valid else None)
        if not valid and not is_null(text):
            wrong.add(row)
    return _strings(texts), wrong


def names_from_arrow(column: "pa.ChunkedArray", role: str, origin: str, before: int) -> "pa.ChunkedArray":
    """Write labels or groups of any simple type as strings.

    Args:
        column: The labels or groups.
        role: Which of the two they are, for messages.
        origin: Where they come from, for messages.
        before: Rows of the source before these, for messages.

    Raises:
        DataError: They are neither text nor numbers nor booleans, or are not UTF-8.
    """
    names = _written_out(_without_dictionary(column))
    if names is None:
        raise _no_names(role, origin, f"{role}s of type {column.type}")
    return names if _is_utf8(names) else names_from_values(_decoded(names), role, origin, before)


def names_from_values(values: Sequence[object], role: str, origin: str, before: int) -> "pa.ChunkedArray":
    """Write labels or groups of any type as strings; see `names_from_arrow`.

    Raises:
        DataError: One of them is bytes or holds several values, as a list does, or is not valid Unicode.
    """
    if (plain := _plain_strings(values)) is not None:
        return plain
    values = [_out_of_tensor(value) if _is_several(value) else value for value in values]
    several = [before + row for row, value in enumerate(values, start=1) if _is_several(value)]
    if several:
        kind = type(values[several[0] - before - 1]).__name__
        raise _no_names(role, origin, f"{kind} in {list_rows(several)}", several)
    names = [_name_text(value) for value in values]
    broken = [before + row for row, name in enumerate(names, start=1) if name is not None and not is_unicode(name)]
    if broken:
        summary = f"{origin} has {role}s that are not valid Unicode"
        raise DataError(summary, found=list_rows(broken), expected=f"{role}s encoded as UTF-8", rows=broken)
    return _strings(names)


def list_arrow(column: "pa.Array | pa.ChunkedArray") -> list[Any]:
    """Return the values of a column; bytes of its strings that are not UTF-8 become halves of surrogate pairs."""
    import pyarrow as pa

    column = _without_dictionary(column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column]))
    return _decoded(column) if _is_string(column.type) and not _is_utf8(column) else column.to_pylist()


def size_of(data: Any) -> int:
    """Return the bytes that Arrow data take, or more if they are a part of others that are held by views."""
    import pyarrow as pa

    try:
        return int(data.nbytes)
    except pa.ArrowTypeError:  # views, in early versions
        return int(data.get_total_buffer_size())


def _out_of_tensor(value: Any) -> object:
    """Return the value of a tensor or array without a dimension; these look as if they held several."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


def _is_several(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str)  # bytes too: their text would be "b'pos'"


def _no_names(role: str, origin: str, found: str, rows: Sequence[int] = ()) -> DataError:
    summary = f"the {role} column of {origin} holds no {role}s"
    return DataError(summary, found=found, expected="text, numbers or booleans", rows=rows)


def _written_out(column: "pa.ChunkedArray") -> "pa.ChunkedArray | None":
    """Return simple values as strings; None for a type that has no such form."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not _may_be_name(column.type):
        return None
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    try:
        return _cast_to_string(column)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # Arrow writes out most simple types, but not all
        return None


def _without_dictionary(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return column
    kind = column.type.value_type
    kind = pa.string() if pa.types.is_string_view(kind) else kind  # Arrow does not decode those
    chunks = [chunk.dictionary.cast(kind).take(chunk.indices) for chunk in column.chunks]
    return pa.chunked_array(chunks, kind)


def _plain_strings(values: Sequence[object]) -> "pa.ChunkedArray | None":
    """Convert at once what are all strings or None, as nearly all columns are."""
    kinds = set(map(type, values))
    try:
        if kinds == {str}:
            return _packed(values)
        return _strings(values) if kinds <= {str, type(None)} else None
    except UnicodeEncodeError:
        return None


def _packed(texts: Sequence[Any]) -> "pa.ChunkedArray":
    """Make an array of strings that takes no more memory than they do; Arrow's own way takes up to twice as much."""
    import numpy as np
    import pyarrow as pa

    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)])
    if ends[-1] > _MAX_CHUNK_BYTES:
        return _strings(texts)
    offsets, content = pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(b"".join(encoded))
    return pa.chunked_array([pa.StringArray.from_buffers(len(encoded), offsets, content)])


def _strings(values: Sequence[object]) -> "pa.ChunkedArray":
    import pyarrow as pa

    made = pa.array(values, pa.string())  # several chunks when one cannot hold it
    return made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made])


def _cast_to_string(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Cast strings of any kind; a chunk of `string` holds 2 GiB, of `large_string` any number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if size_of(column) > _MAX_CHUNK_BYTES:
        rows = range(0, len(column), _SMALL_CHUNK_ROWS)
        pieces = [pc.cast(column.slice(row, _SMALL_CHUNK_ROWS), pa.string()) for row in rows]
        return pa.chunked_array([chunk for piece in pieces for chunk in piece.chunks], pa.string())
    return pc.cast(column, pa.string())


def _is_string(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    return any(test(kind) for test in tests)


def _may_be_name(kind: "pa.DataType") -> bool:
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


def is_unicode(text: str) -> bool:
    """Tell whether a string has no half of a surrogate pair: Python's stand-in for a byte that is not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:  # a JSON escape can spell one too
        return False
    return True


def is_null(value: object) -> bool:
    """None, NaN, NaT and pandas' NA; the last three differ from themselves, or cannot say."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, Real) and value != value


def _name_text(value: object) -> str | None:
    if is_null(value):
        return None
    kind = type(value).__name__
    if kind in ("bool", "bool_"):
        return str(bool(value)).lower()
    if isinstance(value, Real) and not isinstance(value, Integral) and float(value).is_integer():
        return str(int(float(value)))
    return str(value)

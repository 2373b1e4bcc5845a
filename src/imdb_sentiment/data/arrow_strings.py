"""Convert values of any type to Arrow strings, as texts or as names of classes and groups.

`datasets` stores classes as ids, and their names in the schema of a file or in `dataset_info.json`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imdb_sentiment.errors import DataError, list_rows

__all__ = [
    "ClassNames",
    "is_null",
    "is_unicode",
    "list_arrow",
    "named",
    "names_beside",
    "names_for",
    "names_in",
    "size_of",
    "to_names",
    "to_texts",
]

ClassNames = Mapping[str, Sequence[str]]
"""Class names by id, for each column of ids."""

_INFO_FILE = "dataset_info.json"
_SCHEMA_KEY = b"huggingface"

_MAX_CHUNK_BYTES = 2**30
_SMALL_CHUNK_ROWS = 1000


def to_texts(column: Sequence[object] | pa.ChunkedArray) -> tuple[pa.ChunkedArray, set[int]]:
    """Return values as strings, and the 1-based row numbers of values that are neither null nor valid strings."""
    if isinstance(column, pa.ChunkedArray):
        column = _without_dictionary(column)
        if not _is_string(column.type):
            wrong = {row for row, there in enumerate(pc.is_valid(column).to_pylist(), start=1) if there}
            return pa.chunked_array([pa.nulls(len(column), pa.string())]), wrong
        if _is_utf8(column):
            return _cast_to_string(column), set()
        column = _decoded(column)  # some programs write such Parquet files
    if (plain := _plain_strings(column)) is not None:
        return plain, set()
    texts: list[str | None] = []
    wrong = set()
    for row, text in enumerate(column, start=1):
        valid = isinstance(text, str) and is_unicode(text)
        texts.append(str(text) if valid else None)
        if not valid and not is_null(text):
            wrong.add(row)
    return _strings(texts), wrong


def to_names(column: Sequence[object] | pa.ChunkedArray, role: str, origin: str, before: int = 0) -> pa.ChunkedArray:
    """Convert labels or groups to strings.

    Args:
        column: The labels or groups, of any type.
        role: `label`, `group` or `slice`, for messages.
        origin: Name of the source, for messages.
        before: Number of preceding rows, for messages.

    Raises:
        DataError: One of them is bytes or holds several values, as a list does, or is not valid Unicode.
    """
    if isinstance(column, pa.ChunkedArray):
        names = _written_out(_without_dictionary(column))
        if names is None:
            raise _no_names(role, origin, f"{role}s of type {column.type}")
        if _is_utf8(names):
            return names
        column = _decoded(names)
    if (plain := _plain_strings(column)) is not None:
        return plain
    values = [_out_of_tensor(value) if _is_several(value) else value for value in column]
    several = [before + row for row, value in enumerate(values, start=1) if _is_several(value)]
    if several:
        kind = type(values[several[0] - before - 1]).__name__
        raise _no_names(role, origin, f"{kind} in {list_rows(several)}", several)
    texts = [_name_text(value) for value in values]
    broken = [before + row for row, text in enumerate(texts, start=1) if text is not None and not is_unicode(text)]
    if broken:
        summary = f"{origin} has {role}s that are not valid Unicode"
        raise DataError(summary, found=list_rows(broken), expected=f"{role}s encoded as UTF-8", rows=broken)
    return _strings(texts)


def list_arrow(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Return the values of a column; bytes that are not UTF-8 become lone surrogates."""
    column = _without_dictionary(column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column]))
    return _decoded(column) if _is_string(column.type) and not _is_utf8(column) else column.to_pylist()


def size_of(data: Any) -> int:
    """Return the size of Arrow data in bytes; an upper bound for slices of string views."""
    try:
        return int(data.nbytes)
    except pa.ArrowTypeError:  # views, in early versions
        return int(data.get_total_buffer_size())


def _out_of_tensor(value: Any) -> object:
    """Return the value of a zero-dimensional tensor or array."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


def _is_several(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str)  # bytes too: str() would give "b'pos'"


def _no_names(role: str, origin: str, found: str, rows: Sequence[int] = ()) -> DataError:
    summary = f"the {role} column of {origin} does not hold {role}s"
    return DataError(summary, found=found, expected="text, numbers or booleans", rows=rows)


def _written_out(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Cast simple values to strings; return None for types that cannot be."""
    if not (_is_string(column.type) or pa.types.is_primitive(column.type) or pa.types.is_decimal(column.type)):
        return None
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    try:
        return _cast_to_string(column)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # Arrow casts most simple types, but not all
        return None


def _without_dictionary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_dictionary(column.type):
        return column
    kind = column.type.value_type
    kind = pa.string() if pa.types.is_string_view(kind) else kind  # Arrow does not decode those
    chunks = [chunk.dictionary.cast(kind).take(chunk.indices) for chunk in column.chunks]
    return pa.chunked_array(chunks, kind)


def _plain_strings(values: Sequence[object]) -> pa.ChunkedArray | None:
    """Convert a column of strings and None at once; return None for others."""
    kinds = set(map(type, values))
    try:
        if kinds == {str}:
            return _packed(values)
        return _strings(values) if kinds <= {str, type(None)} else None
    except UnicodeEncodeError:
        return None


def _packed(texts: Sequence[Any]) -> pa.ChunkedArray:
    """Build a string array without overhead; Arrow's own conversion takes up to twice the memory."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)])
    if ends[-1] > _MAX_CHUNK_BYTES:
        return _strings(texts)
    offsets, content = pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(b"".join(encoded))
    return pa.chunked_array([pa.StringArray.from_buffers(len(encoded), offsets, content)])


def _strings(values: Sequence[object]) -> pa.ChunkedArray:
    made = pa.array(values, pa.string())  # several chunks when one cannot hold it
    return made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made])


def _cast_to_string(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cast strings of any kind; a chunk of `string` holds at most 2 GiB, one of `large_string` any size."""
    if size_of(column) > _MAX_CHUNK_BYTES:
        rows = range(0, len(column), _SMALL_CHUNK_ROWS)
        slices = [pc.cast(column.slice(row, _SMALL_CHUNK_ROWS), pa.string()) for row in rows]
        return pa.chunked_array([chunk for part in slices for chunk in part.chunks], pa.string())
    return pc.cast(column, pa.string())


def _is_string(kind: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    return any(test(kind) for test in tests)


def _is_utf8(column: pa.ChunkedArray) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _decoded(column: pa.ChunkedArray) -> list[str | None]:
    """Decode strings; bytes that are not UTF-8 become lone surrogates."""
    values: list[bytes | None] = column.cast(pa.large_binary()).to_pylist()
    return [None if value is None else value.decode(errors="surrogateescape") for value in values]


def is_unicode(text: str) -> bool:
    """Return whether a string has no lone surrogates, Python's stand-ins for bytes that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:  # a JSON escape can spell one too
        return False
    return True


def is_null(value: object) -> bool:
    """Return whether a value is None, NaN, NaT or pandas' NA."""
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


def names_in(schema: pa.Schema, origin: str) -> ClassNames:
    """Return the class names in a schema, as `to_parquet` and `save_to_disk` write them.

    Raises:
        DataError: The metadata cannot be read.
    """
    content = (schema.metadata or {}).get(_SCHEMA_KEY)
    return {} if content is None else _class_labels(content, ("info", "features"), origin)


def names_beside(path: Path) -> ClassNames:
    """Return the class names in the `dataset_info.json` beside a file.

    Raises:
        DataError: The file is not valid JSON.
        OSError: The file cannot be read.
    """
    file = path.parent / _INFO_FILE
    return _class_labels(file.read_bytes(), ("features",), str(file)) if file.is_file() else {}


def names_for(ids: Iterable[Any], names: Sequence[str]) -> list[Any]:
    """Replace ids by names; an id without a name, such as -1 for no label, stays a number."""
    return [names[i] if i is not None and 0 <= i < len(names) else i for i in ids]


def named(column: pa.Array, names: Sequence[str] | None) -> pa.Array:
    """Replace ids by names; a column of another type stays as it is."""
    if names is None or not pa.types.is_integer(column.type):
        return column
    return pa.array([None if name is None else str(name) for name in names_for(column.to_pylist(), names)], pa.string())


def _class_labels(content: bytes, keys: Sequence[str], origin: str) -> ClassNames:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        summary = f"{origin} has a description of its columns that cannot be read"
        raise DataError(summary, found=f"not JSON: {error}", expected="what the library datasets writes") from None
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    class_names: dict[str, Sequence[str]] = {}
    for name, feature in found.items() if isinstance(found, dict) else ():
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel":
            names = feature.get("names")
            if isinstance(names, list) and all(isinstance(one, str) for one in names):
                class_names[name] = names
    return class_names

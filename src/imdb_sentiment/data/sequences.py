"""In-memory sequences of values from any library."""

from collections.abc import Iterable, Mapping, Set
from pathlib import PurePath
from typing import Any

from imdb_sentiment.data.arrow_strings import list_arrow
from imdb_sentiment.data.class_names import names_for
from imdb_sentiment.errors import DataError
from imdb_sentiment.runtime.messages import quote

__all__ = ["as_list", "is_table"]

_SINGLE = (str, bytes, bytearray, PurePath)


def is_table(data: object) -> bool:
    """Return whether an object of any library has named columns; a single column has none."""
    # on the type: a polars plan would be computed for its columns, a pandas row may have a value with that name
    if any(hasattr(type(data), name) or name in getattr(data, "__dict__", ()) for name in ("columns", "column_names")):
        return True
    return hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__len__")


def as_list(values: Any, what: str = "values") -> list[Any]:
    """Return a sequence, an iterator or a column of any library as a list.

    Args:
        values: The values.
        what: What to call them in messages.

    Raises:
        DataError: It is a single value, unordered, or has several columns.
    """
    if isinstance(values, (*_SINGLE, Mapping, Set)) or is_table(values):
        raise _no_list(values, what)
    if type(values).__module__.startswith("pyarrow") and hasattr(values, "to_pylist"):
        return list_arrow(values)
    if hasattr(values, "tolist"):
        values = values.tolist()  # a single value for a zero-dimensional array
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise _no_list(values, what)
    names = getattr(getattr(values, "features", None), "names", None)  # of a ClassLabel, in a column of `datasets`
    return list(values) if names is None else names_for(values, names)


def _no_list(values: object, what: str) -> DataError:
    kind = type(values).__name__
    hint = None
    if is_table(values):
        hint = "one of its columns"
    elif isinstance(values, Set):
        hint = "a list: a set has no order"
    elif isinstance(values, Mapping):
        hint = "one of its values, or a table: pandas.DataFrame(data)"
    found = f"a single {kind}" if isinstance(values, _SINGLE) else f"{kind}: {quote(values)}"
    return DataError("data of this type cannot be read", found=found, expected=f"a list of {what}", hint=hint)

"""The data that the library accepts, and sequences of any library as lists."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from os import PathLike
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from imdb_sentiment.data.arrow_strings import list_arrow, names_for
from imdb_sentiment.errors import DataError
from imdb_sentiment.runtime.messages import quote

if TYPE_CHECKING:
    import datasets

    from imdb_sentiment.config import DataConfig
    from imdb_sentiment.results.splits import SplitSummary

__all__ = ["DataLike", "DataSplits", "Table", "as_list", "is_table"]

_SINGLE = (str, bytes, bytearray, PurePath)


@dataclass(frozen=True, slots=True)
class DataSplits:
    """Training, validation and test rows.

    Attributes:
        train: Rows to train on; columns `text` (str), `text_pair` (str, if `text_columns` is set), `label` (0 negative,
            1 positive) and `weight` (float, above 0, if rows have weights).
        validation: Rows to choose the best epoch on; same columns.
        test: Rows for the final evaluation; same columns. Slice columns have names such as `slice:year`.
        summary: Number of rows per split and class, and of rows left out.
        folds: Fold of each training row, from 0, if the rows are cross-validated; `validation` is then empty, and
            `test` may be too.

    Example:
        ```python
        splits = SentimentFineTuner(DataConfig(source="reviews.csv")).splits
        print(splits.train.num_rows, splits.test.num_rows)
        ```
    """

    train: "datasets.Dataset"
    validation: "datasets.Dataset"
    test: "datasets.Dataset"
    summary: "SplitSummary"
    folds: tuple[int, ...] = ()


class _HasColumns(Protocol):
    @property
    def columns(self) -> Any: ...


class _HasColumnNames(Protocol):
    @property
    def column_names(self) -> Any: ...


class _HasArrowStream(Protocol):
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


Table: TypeAlias = _HasColumns | _HasColumnNames
"""A table of pandas, polars, Arrow or `datasets`."""

DataLike: TypeAlias = (
    "str | PathLike[str] | Table | _HasArrowStream | Mapping[str, Any] | Sequence[Mapping[str, Any]]"
    " | tuple[Iterable[Any], Iterable[Any]] | DataSplits | DataConfig"
)
"""What `fit`, `audit_dataset`, `cross_validate`, `learning_curve` and `find_label_issues` take: a path, a pattern, the
id of a data set on the hub or a mapping from split names to paths, as `DataConfig.source` takes them; a table; a list
of dictionaries; a mapping from split names to tables; a pair of texts and labels, each a list, a Series or an array;
`DataSplits`; or a `DataConfig`."""


def is_table(data: object) -> bool:
    """Return whether an object of any library has named columns; a single column has none."""
    if isinstance(data, type):  # a library's class of tables, without the parentheses
        return False
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

"""The types of data that the library accepts."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig
    from imdb_sentiment.data.splits import DataSplits

__all__ = ["DataLike", "Table"]


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

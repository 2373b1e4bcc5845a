"""Tables in memory: pandas, polars, Arrow, `datasets`, and texts with their labels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from imdb_sentiment.data.arrow_strings import list_arrow, named, names_in
from imdb_sentiment.data.data_like import as_list, is_table
from imdb_sentiment.data.formats.columns import ColumnSpec, Role, check_columns, column_specs, text_specs
from imdb_sentiment.data.raw_rows import RawRows, batches_from_rows, batches_from_tables, collect
from imdb_sentiment.errors import DataError, list_rows
from imdb_sentiment.runtime.messages import list_values, quote

if TYPE_CHECKING:
    import datasets

    from imdb_sentiment.config import DataConfig

__all__ = ["check_in_memory", "list_texts", "read_pair", "read_table"]

_ROWS_AT_ONCE = 1_000
"""Small, since the rows of a shuffled data set are copied into memory."""

_NOT_IN_ARROW = ("Object", "Int128", "UInt128")
_TABLES = "a DataFrame of pandas or polars, an Arrow table or a datasets.Dataset"
_EXPECTED = f"a path, {_TABLES}, a list of dictionaries, or (texts, labels)"
_UNREADABLE = "data of this type cannot be read"


def read_table(table: Any, config: "DataConfig", origin: str) -> RawRows:
    """Read the requested columns of a table.

    Args:
        table: A `datasets.Dataset`; a polars frame, Arrow table or other object that exports an Arrow stream; a pandas
            frame or other object with `columns` and access by name; or a list of dictionaries.
        config: Names the columns.
        origin: Name of the table, for messages.

    Raises:
        DataError: The table is of another type, or lacks a column.
    """
    specs = column_specs(config)
    columns = _columns_of_records(table, specs, origin) if isinstance(table, list) else _open(table, specs, origin)
    if isinstance(columns, dict):
        return collect(_column_batches(columns, specs, origin), origin)
    return collect(batches_from_tables(columns, specs, origin), origin)


def list_texts(table: Any, names: Sequence[str]) -> list[list[object]]:
    """Return the text columns of a table as lists.

    Args:
        table: As for `read_table`, except a list.
        names: The one or two columns.

    Raises:
        DataError: The table is of another type, or lacks a column.
    """
    specs, origin = text_specs(names, field=""), "the given data"
    columns = _open(table, specs, origin)
    if isinstance(columns, dict):
        return [as_list(columns[column.role]) for column in specs]
    lists: list[list[object]] = [[] for _ in names]
    batch: Any
    for batch in columns:
        class_names = names_in(batch.schema, origin)
        for name, values in zip(names, lists, strict=True):
            values += list_arrow(named(batch.column(name), class_names.get(name)))
    return lists


def check_in_memory(table: Any) -> None:
    """Check that columns can be added to a table.

    Raises:
        DataError: It is none of pandas, polars or `datasets`, or its rows are not in memory.
    """
    library = type(table).__module__.partition(".")[0]
    if library == "datasets":
        _check_dataset(table)
    elif library == "polars" and hasattr(table, "collect"):
        raise _unreadable(table, hint="a DataFrame: .collect()")
    elif library != "polars" and not hasattr(table, "assign"):  # which frames of pandas and what imitates them have
        raise _unreadable(table, hint="its rows in memory: .read_all(), .toPandas() or .compute()")


def read_pair(texts: object, labels: object, config: "DataConfig", origin: str) -> RawRows:
    """Read texts and their labels; with `text_columns`, each text is a pair.

    Raises:
        DataError: Their lengths differ, a type is wrong, or the configuration names other columns.
    """
    if more := [column for column in column_specs(config) if column.role not in ("text", "text_pair", "label")]:
        raise DataError(
            f"{origin} has no column {quote(more[0].name)}",
            found="texts and labels",
            expected=f"a table with the columns {list_values(column.name for column in column_specs(config))}",
            hint=f"a DataFrame, or without {more[0].field}",
        )
    columns: dict[Role, Sequence[object]] = {"text": as_list(texts, "texts"), "label": as_list(labels, "labels")}
    if len(columns["text"]) != len(columns["label"]):
        found = f"{len(columns['text']):,} texts and {len(columns['label']):,} labels"
        raise DataError(f"{origin} needs one label for each text", found=found)
    if config.text_columns:
        columns["text"], columns["text_pair"] = _unzipped(columns["text"], origin)
    return collect(_column_batches(columns, column_specs(config), origin), origin)


def _open(table: Any, specs: Sequence[ColumnSpec], origin: str) -> Iterable[pa.RecordBatch] | dict[Role, Any]:
    """Return the rows of a table as Arrow batches, or its requested columns where Arrow cannot hold them."""
    library = type(table).__module__.partition(".")[0]
    if library == "datasets":
        return _dataset_batches(table, specs, origin)
    if library == "polars" and hasattr(table, "collect"):
        raise _unreadable(table, hint="a DataFrame: .collect()")
    if library != "pandas" and hasattr(table, "__arrow_c_stream__") and not _holds_objects(table, specs):
        return _stream_batches(table, specs, origin)
    if not hasattr(table, "columns"):
        raise _unreadable(table)
    names = {str(name): name for name in table.columns}  # pandas numbers columns without a header
    check_columns([str(name) for name in table.columns], specs, origin)
    columns = {column.role: table[names[column.name]] for column in specs}
    if not all(hasattr(column, "__len__") for column in columns.values()):  # a lazy table, such as Spark's and Dask's
        raise _unreadable(table, hint="its rows in memory: .toPandas() or .compute()")
    # the array of a pandas series is sliced without a copy
    return {role: getattr(column, "array", column) for role, column in columns.items()}


def _columns_of_records(records: list[Any], specs: Sequence[ColumnSpec], origin: str) -> dict[Role, Any]:
    """Return the requested columns of dictionaries; missing fields are null, as in JSON Lines."""
    if wrong := [row for row, record in enumerate(records, start=1) if not isinstance(record, Mapping)]:
        found = f"list with a {type(records[wrong[0] - 1]).__name__} in {list_rows(wrong)}"
        hint = "(texts, labels): two lists in a tuple"
        raise DataError(_UNREADABLE, found=found, expected=_EXPECTED, hint=hint, rows=wrong)
    check_columns(list(dict.fromkeys(chain.from_iterable(records))), specs, origin)
    return {column.role: [record.get(column.name) for record in records] for column in specs}


def _dataset_batches(table: "datasets.Dataset", specs: Sequence[ColumnSpec], origin: str) -> Iterator[pa.RecordBatch]:
    _check_dataset(table)
    check_columns(table.column_names, specs, origin)
    names = list({column.name for column in specs})
    tables = table.select_columns(names).with_format("arrow").iter(_ROWS_AT_ONCE)
    return (batch for part in tables for batch in part.to_batches())


def _check_dataset(table: Any) -> None:
    import datasets

    if isinstance(table, Mapping):
        raise _unreadable(table, hint=f"one of its splits: {list_values(table, quoted=True)}")
    if not isinstance(table, datasets.Dataset):
        raise _unreadable(table, hint="load it whole: load_dataset(...) without streaming=True")


def _holds_objects(table: Any, specs: Sequence[ColumnSpec]) -> bool:
    """Return whether a polars frame has a requested column that Arrow cannot hold."""
    kinds = getattr(table, "schema", None) if type(table).__module__.startswith("polars") else None
    return kinds is not None and any(str(kinds.get(column.name)) in _NOT_IN_ARROW for column in specs)


def _stream_batches(table: Any, specs: Sequence[ColumnSpec], origin: str) -> Iterable[pa.RecordBatch]:
    names = getattr(table, "columns" if type(table).__module__.startswith("polars") else "column_names", None)
    if isinstance(names, list):  # an unrequested column may be of a type that Arrow does not have
        check_columns(names, specs, origin)
        table = table.select(list({column.name for column in specs}))
    try:
        stream: pa.RecordBatchReader = pa.RecordBatchReader.from_stream(table)
    except (TypeError, pa.ArrowException):
        raise _unreadable(table) from None
    check_columns(stream.schema.names, specs, origin)
    return (batch for batch in stream)


def _column_batches(columns: Mapping[Role, Any], specs: Sequence[ColumnSpec], origin: str) -> Iterator[RawRows]:
    rows = len(columns["text"])
    parts = (
        [as_list(columns[column.role][start : start + _ROWS_AT_ONCE]) for column in specs]
        for start in range(0, rows, _ROWS_AT_ONCE)
    )
    return batches_from_rows((row for part in parts for row in zip(*part, strict=True)), specs, origin)


def _unzipped(pairs: Sequence[object], origin: str) -> tuple[list[object], list[object]]:
    """Unzip pairs of texts; a null pair becomes two nulls."""
    whole = [(None, None) if pair is None else pair for pair in pairs]
    wrong = [row for row, pair in enumerate(whole, start=1) if not isinstance(pair, tuple | list) or len(pair) != 2]
    if wrong:
        raise DataError(
            f"{origin} has texts that are not pairs",
            found=list_rows(wrong),
            expected="two texts in each row, (title, body), as text_columns is set",
            rows=wrong,
        )
    firsts, seconds = zip(*whole, strict=True) if whole else ((), ())
    return list(firsts), list(seconds)


def _unreadable(data: object, hint: str | None = None) -> DataError:
    expected = _TABLES if is_table(data) else _EXPECTED
    return DataError(_UNREADABLE, found=type(data).__name__, expected=expected, hint=hint)

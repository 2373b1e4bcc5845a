"""Tables in memory: pandas, polars, Arrow, `datasets`, and texts with their labels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imdb_sentiment.data.columns import RawRows, collect
from imdb_sentiment.data.pieces import pieces_from_batches, pieces_from_rows
from imdb_sentiment.data.wanted import Role, Wanted, check_columns, wanted_columns
from imdb_sentiment.errors import DataError, list_rows

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

    from imdb_sentiment.config import DataConfig

__all__ = ["read_pair", "read_table"]

_ROWS_AT_ONCE = 1_000
"""Few, since the rows of a shuffled data set are copied into memory."""

_NOT_IN_ARROW = ("Object", "Int128", "UInt128")
_EXPECTED = "a DataFrame of pandas or polars, an Arrow table, a datasets.Dataset or DatasetDict, or (texts, labels)"


def read_table(table: Any, config: "DataConfig", origin: str) -> RawRows:
    """Read the wanted columns of a table.

    Args:
        table: A `datasets.Dataset`; a frame of polars, a table of Arrow or anything else that gives an Arrow stream; or
            a frame of pandas or anything else with `columns` and access to them by name.
        config: Names the columns.
        origin: Name of the table for messages.

    Raises:
        DataError: The table is of another type, or lacks a column.
    """
    wanted = wanted_columns(config)
    library = type(table).__module__.partition(".")[0]
    if library == "datasets":
        return collect(_dataset_pieces(table, wanted, origin), origin)
    if library == "polars" and hasattr(table, "collect"):
        raise _unreadable(table, hint="a DataFrame: .collect()")
    if library != "pandas" and hasattr(table, "__arrow_c_stream__") and not _holds_objects(table, wanted):
        return collect(_stream_pieces(table, wanted, origin), origin)
    if not hasattr(table, "columns"):
        raise _unreadable(table)
    return collect(_frame_pieces(table, wanted, origin), origin)


def read_pair(texts: object, labels: object, config: "DataConfig", origin: str) -> RawRows:
    """Read texts and their labels; with `text_columns`, each text is a pair of texts.

    Raises:
        DataError: They are not so many of one as of the other, or of another type, or another column is asked for.
    """
    if more := [column for column in wanted_columns(config) if column.field in ("group_column", "slice_columns")]:
        raise DataError(
            f"{origin} has no column {more[0].name!r}",
            found="texts and labels",
            expected=f"a table with the columns {', '.join(column.name for column in wanted_columns(config))}",
            hint=f"a DataFrame, or without {more[0].field}",
        )
    columns: dict[Role, Sequence[object]] = {"text": _listed(texts), "label": _listed(labels)}
    if len(columns["text"]) != len(columns["label"]):
        found = f"{len(columns['text']):,} texts and {len(columns['label']):,} labels"
        raise DataError(f"{origin} has not one label for each text", found=found)
    if config.text_columns:
        columns["text"], columns["text_pair"] = _unzipped(columns["text"], origin)
    return collect(_column_pieces(columns, wanted_columns(config), origin), origin)


def _dataset_pieces(table: "datasets.Dataset", wanted: Sequence[Wanted], origin: str) -> Iterator[RawRows]:
    import datasets

    if not isinstance(table, datasets.Dataset):
        raise _unreadable(table, hint="load it whole: load_dataset(...) without streaming=True")
    check_columns(table.column_names, wanted, origin)
    names = list({column.name for column in wanted})
    tables = table.select_columns(names).with_format("arrow").iter(_ROWS_AT_ONCE)
    class_labels = {
        name: feature.names for name in names if isinstance(feature := table.features[name], datasets.ClassLabel)
    }
    batches = (batch for part in tables for batch in _with_names(part, class_labels).to_batches())
    return pieces_from_batches(batches, wanted, origin)


def _with_names(table: "pa.Table", class_labels: dict[str, list[str]]) -> "pa.Table":
    """Write class names for ids; an id without a name, as -1 for no label, stays a number."""
    import pyarrow as pa

    for name, known in class_labels.items():
        ids = table[name].to_pylist()
        names = [None if i is None else known[i] if 0 <= i < len(known) else str(i) for i in ids]
        table = table.set_column(table.column_names.index(name), name, pa.array(names, pa.string()))
    return table


def _holds_objects(table: Any, wanted: Sequence[Wanted]) -> bool:
    """Tell whether a polars frame has a wanted column that Arrow cannot hold."""
    kinds = getattr(table, "schema", None) if type(table).__module__.startswith("polars") else None
    return kinds is not None and any(str(kinds.get(column.name)) in _NOT_IN_ARROW for column in wanted)


def _stream_pieces(table: Any, wanted: Sequence[Wanted], origin: str) -> Iterator[RawRows]:
    import pyarrow as pa

    names = getattr(table, "columns" if type(table).__module__.startswith("polars") else "column_names", None)
    if isinstance(names, list):  # what is not wanted may be of a type that Arrow does not have
        check_columns(names, wanted, origin)
        table = table.select(list({column.name for column in wanted}))
    try:
        stream = pa.RecordBatchReader.from_stream(table)
    except (TypeError, pa.ArrowException):
        raise _unreadable(table) from None
    check_columns(stream.schema.names, wanted, origin)
    return pieces_from_batches(stream, wanted, origin)


def _frame_pieces(table: Any, wanted: Sequence[Wanted], origin: str) -> Iterator[RawRows]:
    names = {str(name): name for name in table.columns}  # pandas numbers the columns of a table without a header
    check_columns([str(name) for name in table.columns], wanted, origin)
    columns = {column.role: table[names[column.name]] for column in wanted}
    # the array of a pandas series is cut without a copy
    arrays = {role: getattr(column, "array", column) for role, column in columns.items()}
    return _column_pieces(arrays, wanted, origin)


def _column_pieces(columns: Mapping[Role, Any], wanted: Sequence[Wanted], origin: str) -> Iterator[RawRows]:
    rows = len(columns["text"])
    parts = (
        [_listed(columns[column.role][start : start + _ROWS_AT_ONCE]) for column in wanted]
        for start in range(0, rows, _ROWS_AT_ONCE)
    )
    return pieces_from_rows((row for part in parts for row in zip(*part, strict=True)), wanted, origin)


def _unzipped(pairs: Sequence[object], origin: str) -> tuple[list[object], list[object]]:
    """Split pairs of texts; where there is null for a pair, both are."""
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


def _listed(values: Any) -> list[object]:
    values = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        found = f"a single {type(values).__name__}"
        raise DataError("data of this type cannot be read", found=found, expected="a list of texts, a list of labels")
    return list(values)


def _unreadable(data: object, hint: str | None = None) -> DataError:
    return DataError("data of this type cannot be read", found=type(data).__name__, expected=_EXPECTED, hint=hint)

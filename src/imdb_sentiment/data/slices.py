"""Slice columns, by which a report divides its rows."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from imdb_sentiment.data.data_like import as_list
from imdb_sentiment.data.formats.columns import SLICE
from imdb_sentiment.data.inspection import Rows
from imdb_sentiment.errors import DataError
from imdb_sentiment.runtime.messages import quote

if TYPE_CHECKING:
    import datasets

__all__ = ["checked_slices", "slices_of_rows", "slices_of_split"]

_MAX_VALUES = 100
_NO_VALUE = "no value"


def slices_of_rows(rows: Rows) -> dict[str, list[str]]:
    """Return the values of each of `DataConfig.slice_columns` by column.

    Raises:
        DataError: A column has more than 100 values.
    """
    return checked_slices(_named(rows.raw.slices_at(rows.positions)))


def slices_of_split(split: "datasets.Dataset") -> dict[str, list[str]]:
    """Return the values of each slice column of a split of `DataSplits`.

    Raises:
        DataError: A column has more than 100 values.
    """
    return checked_slices(_named({role: split[role] for role in split.column_names if role.startswith(SLICE)}))


def checked_slices(columns: Mapping[str, Iterable[object]]) -> dict[str, list[str]]:
    """Convert slice columns to text.

    Raises:
        DataError: `columns` is not a mapping from names to columns, or a column has more than 100 values.
    """
    if not hasattr(columns, "items"):  # pandas frames have it too
        expected = "a mapping from names to columns of values"
        raise DataError("slices of this type cannot be read", found=quote(columns), expected=expected)
    texts = {str(name): [*map(str, as_list(values, "values"))] for name, values in columns.items()}
    for name, values in texts.items():
        if (count := len(set(values))) > _MAX_VALUES:
            raise DataError(
                f"{quote(name)} has too many values for slices",
                found=f"{count:,} different values in {len(values):,} rows",
                expected=f"{_MAX_VALUES} at most",
                hint="ranges instead of numbers, such as decades instead of dates",
            )
    return texts


def _named(columns: Mapping[str, Iterable[str | None]]) -> dict[str, list[str]]:
    return {role.removeprefix(SLICE): [value or _NO_VALUE for value in values] for role, values in columns.items()}

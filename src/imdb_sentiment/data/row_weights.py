"""Weights of rows."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imdb_sentiment.errors import DataError, list_rows
from imdb_sentiment.runtime.messages import list_values

__all__ = ["to_weights"]


def to_weights(column: Sequence[object] | pa.ChunkedArray, origin: str, before: int = 0) -> pa.ChunkedArray:
    """Convert weights to numbers.

    Args:
        column: The weights, as numbers or as text.
        origin: Name of the source, for messages.
        before: Number of preceding rows, for messages.

    Raises:
        DataError: One of them is not a positive, finite number.
    """
    values = column.to_pylist() if isinstance(column, pa.ChunkedArray) else list(column)
    weights: NDArray[np.float64] = np.array([_number(value) for value in values], dtype=np.float64)
    usable = np.isfinite(weights) & (weights > 0)
    if not usable.all():
        wrong = np.flatnonzero(~usable).tolist()
        rows = [before + row + 1 for row in wrong]
        raise DataError(
            f"{origin} has weights that are not positive numbers",
            found=f"{list_values([values[row] for row in wrong], quoted=True)} in {list_rows(rows)}",
            expected="a number above 0 in each row",
            hint="remove rows that should not count",
            rows=rows,
        )
    return pa.chunked_array([weights])


def _number(value: object) -> float:
    """Return a number, or NaN if the value is none."""
    if isinstance(value, bool) or value is None:
        return float("nan")
    try:
        return float(value)  # type: ignore[arg-type]  # whatever converts itself
    except (TypeError, ValueError):
        return float("nan")

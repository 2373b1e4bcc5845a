"""Scoring of in-memory batches, as used by Ray Data and Spark."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from imdb_sentiment.data.formats.arrow import with_columns
from imdb_sentiment.data.formats.columns import Added, check_columns, text_specs
from imdb_sentiment.errors import ConfigError
from imdb_sentiment.inference.row_labels import RowLabeler, added_names, check_names, label_batch

__all__ = ["score_batch"]

_ORIGIN = "the batch"


def score_batch(batch: Any, text_columns: Sequence[str], prefix: str, labeler: RowLabeler) -> Any:
    """Return a batch with columns for label, score and reason.

    Args:
        batch: A dictionary of NumPy arrays, a `pyarrow.Table` or a `pyarrow.RecordBatch`.
        text_columns: Text column, or the two of a pair.
        prefix: Prefix of the added columns.
        labeler: Labels the rows.

    Raises:
        DataError: A text column is missing.
        ConfigError: The batch has another type, or already has an added column.
    """
    if isinstance(batch, Mapping):
        names, values = list(batch), [list(batch[name]) for name in text_columns if name in batch]
    elif isinstance(batch, pa.Table | pa.RecordBatch):
        names = batch.schema.names
        values = [batch.column(name).to_pylist() for name in text_columns if names.count(name) == 1]
    else:
        raise ConfigError(
            f"unsupported type of batch: {type(batch).__module__}.{type(batch).__qualname__}",
            expected="a dictionary of NumPy arrays, a pyarrow.Table or a pyarrow.RecordBatch",
            hint="batch_format='pyarrow' of map_batches",
        )
    check_columns(names, text_specs(text_columns), _ORIGIN)
    check_names(added_names(prefix), names, _ORIGIN)
    added, _ = label_batch(list(zip(*values, strict=True)), labeler, added_names(prefix))
    return {**batch, **_arrays(added)} if isinstance(batch, Mapping) else with_columns(batch, added)


def _arrays(added: Added) -> dict[str, Any]:
    """Return the columns as arrays; a missing score is NaN."""
    dtypes = (np.object_, np.float32, np.object_)
    columns = zip(added.names, added[1:], dtypes, strict=True)
    return {name: np.array(values, dtype=dtype) for name, values, dtype in columns}

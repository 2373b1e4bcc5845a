"""Batches of rows in memory, as Ray Data and Spark hand them over."""

from collections.abc import Mapping, Sequence
from typing import Any

from imdb_sentiment.data.formats.arrow import with_columns
from imdb_sentiment.data.formats.columns import check_columns, text_specs
from imdb_sentiment.data.formats.table import Added
from imdb_sentiment.errors import ConfigError
from imdb_sentiment.inference.row_labels import RowLabeler, added_names, check_names, label_batch

__all__ = ["score_batch"]

_ORIGIN = "the batch"


def score_batch(batch: Any, text_columns: Sequence[str], prefix: str, judge: RowLabeler) -> Any:
    """Return a batch with three more columns.

    Args:
        batch: A dictionary of NumPy arrays, a `pyarrow.Table` or a `pyarrow.RecordBatch`.
        text_columns: Columns that hold the text, or the two of a pair.
        prefix: Put before the names of the three columns.
        judge: What gives rows their labels.

    Raises:
        DataError: A column of texts is missing.
        ConfigError: It is no such batch, or has a column of the name of one that is added.
    """
    import pyarrow as pa

    if isinstance(batch, Mapping):
        names, values = list(batch), [list(batch[name]) for name in text_columns if name in batch]
    elif isinstance(batch, pa.Table | pa.RecordBatch):
        names = batch.schema.names
        values = [batch.column(name).to_pylist() for name in text_columns if names.count(name) == 1]
    else:
        raise ConfigError(
            f"a batch cannot be a {type(batch).__module__}.{type(batch).__qualname__}",
            expected="a dictionary of NumPy arrays, a pyarrow.Table or a pyarrow.RecordBatch",
            hint="batch_format='pyarrow' of map_batches",
        )
    check_columns(names, text_specs(text_columns), _ORIGIN)
    check_names(added_names(prefix), names, _ORIGIN)
    added, _ = label_batch(list(zip(*values, strict=True)), judge, added_names(prefix))
    return {**batch, **_arrays(added)} if isinstance(batch, Mapping) else with_columns(batch, added)


def _arrays(added: Added) -> dict[str, Any]:
    """Return the columns as arrays; NumPy's numbers have no null, so a score that is missing is NaN."""
    import numpy as np

    kinds = (np.object_, np.float32, np.object_)
    columns = zip(added.names, added[1:], kinds, strict=True)
    return {name: np.array(values, dtype=kind) for name, values, kind in columns}

"""Class names that `datasets` stores for label ids: in the schema of a file, or in `dataset_info.json`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from imdb_sentiment.errors import DataError

__all__ = ["ClassNames", "named", "names_beside", "names_for", "names_in", "with_names"]

ClassNames = Mapping[str, Sequence[str]]
"""Class names by id, for each column of ids."""

_INFO_FILE = "dataset_info.json"
_SCHEMA_KEY = b"huggingface"


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


def with_names(batch: pa.RecordBatch, class_names: ClassNames) -> pa.RecordBatch:
    """Replace the ids in a batch by names, and drop the schema's metadata."""
    columns = [named(batch.column(name), class_names.get(name)) for name in batch.schema.names]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


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

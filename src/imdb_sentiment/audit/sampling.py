"""Sample rows for expensive checks, and read their texts in batches."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from imdb_sentiment.runtime.progress import progress_bar

if TYPE_CHECKING:
    from imdb_sentiment.data.inspection import Rows

__all__ = ["read_texts", "smallest_digests", "text_columns"]


def smallest_digests(parts: "Mapping[str, Rows]", most: int) -> "dict[str, Rows]":
    """Return at most `most` rows, those with the smallest digests, so that their order does not matter."""
    if sum(map(len, parts.values())) <= most:
        return dict(parts)
    digests = np.concatenate([rows.digests for rows in parts.values()])
    labels = np.concatenate([rows.labels for rows in parts.values()])
    chosen = np.zeros(len(digests), dtype=bool)
    chosen[np.lexsort((labels, digests))[:most]] = True
    ends = np.cumsum([len(rows) for rows in parts.values()])[:-1]
    return {split: rows.where(keep) for (split, rows), keep in zip(parts.items(), np.split(chosen, ends), strict=True)}


def text_columns(batch: pa.RecordBatch) -> list[pa.Array]:
    """Return the text column of a batch, or the two of a pair."""
    return [batch.column(name) for name in ("text", "text_pair") if name in batch.schema.names]


def read_texts(rows: "Rows", description: str) -> Iterator[list[tuple[str, ...]]]:
    """Yield the texts of the rows in order, one or two per row, in batches."""
    start = done = 0
    with progress_bar(description, total=len(rows), unit="row") as bar:
        for batch in rows.raw.batches():
            upto = int(np.searchsorted(rows.positions, start + len(batch)))
            columns = [column.take(rows.positions[done:upto] - start) for column in text_columns(batch)]
            yield list(zip(*(column.to_pylist() for column in columns), strict=True))
            bar.update(upto - done)
            start += len(batch)
            done = upto

"""Which rows are looked at closely, and the texts of rows, a part of them at a time."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from imdb_sentiment.runtime.progress import progress_bar

if TYPE_CHECKING:
    from imdb_sentiment.data.inspection import Rows

__all__ = ["read_texts", "smallest_digests"]


def smallest_digests(parts: "Mapping[str, Rows]", most: int) -> "dict[str, Rows]":
    """Return all rows, or of more than `most` those with the smallest digests: whatever their order, the same."""
    import numpy as np

    if sum(map(len, parts.values())) <= most:
        return dict(parts)
    digests = np.concatenate([rows.digests for rows in parts.values()])
    labels = np.concatenate([rows.labels for rows in parts.values()])
    chosen = np.zeros(len(digests), dtype=bool)
    chosen[np.lexsort((labels, digests))[:most]] = True
    ends = np.cumsum([len(rows) for rows in parts.values()])[:-1]
    return {split: rows.where(keep) for (split, rows), keep in zip(parts.items(), np.split(chosen, ends), strict=True)}


def read_texts(rows: "Rows", description: str) -> Iterator[list[tuple[str, ...]]]:
    """Give the texts of the rows in order, one a row or two, without holding them all."""
    import numpy as np

    start = done = 0
    with progress_bar(description, total=len(rows), unit="row") as bar:
        for batch in rows.raw.batches():
            upto = int(np.searchsorted(rows.positions, start + len(batch)))
            names = [name for name in ("text", "text_pair") if name in batch.schema.names]
            columns = [batch.column(name).take(rows.positions[done:upto] - start).to_pylist() for name in names]
            yield list(zip(*columns, strict=True))
            bar.update(upto - done)
            start += len(batch)
            done = upto

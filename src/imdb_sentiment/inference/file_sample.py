"""Rows drawn from a file of any size, for what needs some of them only."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from imdb_sentiment.data.formats.columns import ColumnSpec, check_columns
from imdb_sentiment.data.formats.opening import Table, open_table
from imdb_sentiment.data.labels import Texts
from imdb_sentiment.data.word_sets import sample_rows
from imdb_sentiment.inference.row_labels import parse_text

__all__ = ["RowSample", "sample_file"]

_CHUNK_ROWS = 2048


class RowSample(NamedTuple):
    """Rows that were drawn from others."""

    texts: Texts
    """Those that can be classified, in their order."""

    labels: Sequence[object] | None
    """The label of each as it stands there; None if there are no labels."""

    rows_given: int
    """Number of rows that they were drawn from."""

    left_out: Mapping[str, int]
    """Number of drawn rows that cannot be classified, by reason."""

    notes: tuple[str, ...] = ()
    """Remarks on how the file was read."""


def sample_file(
    path: Path,
    text_columns: Sequence[str],
    label_column: str | None,
    *,
    most: int,
    seed: int,
    encoding: str | None = None,
    header: bool = True,
) -> RowSample:
    """Draw at most so many rows from a file of texts, reading it in a stream.

    Args:
        path: CSV, TSV, JSONL or Parquet, also compressed.
        text_columns: The text column, or the two of a pair.
        label_column: Column of labels, if there is one.
        most: Number of rows to draw.
        seed: Seed of the draw.
        encoding: As for `open_table`.
        header: As for `open_table`.

    Raises:
        DataError: The file is missing or damaged, or lacks a column.
    """
    options = {"encoding": encoding, "header": header}
    with open_table(path, text_columns, **options) as table:  # type: ignore[arg-type]
        drawn = sample_rows(table.rows, seed=seed, most=most)
        parsed = [parse_text(item) for item in _at(table, drawn)]
        rows, notes, columns = table.rows, table.notes, table.columns
    labels: list[Any] | None = None
    if label_column is not None:
        # nested fields of JSON are not among the columns, and are looked for when the file is opened
        if "." not in label_column:
            check_columns(columns, [ColumnSpec(label_column, "label_column", "label", config="")], str(path))
        with open_table(path, [label_column], **options) as table:  # type: ignore[arg-type]
            labels = [value for (value,) in _at(table, drawn)]
    kept = [i for i, (_, reason) in enumerate(parsed) if reason is None]
    return RowSample(
        [parsed[i][0] for i in kept],
        None if labels is None else [labels[i] for i in kept],
        rows,
        Counter(reason for _, reason in parsed if reason is not None),
        notes,
    )


def _at(table: Table, positions: Sequence[int]) -> Iterator[tuple[object, ...]]:
    """Yield the rows at ascending positions."""
    wanted = iter(positions)
    position, start = next(wanted, None), 0
    for chunk in table.chunks(_CHUNK_ROWS):
        while position is not None and position < start + len(chunk.items):
            yield chunk.items[position - start]
            position = next(wanted, None)
        start += len(chunk.items)

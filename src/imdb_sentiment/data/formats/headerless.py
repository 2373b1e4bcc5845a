"""Detect files without a header line."""

from collections.abc import Sequence
from pathlib import Path

from imdb_sentiment.data.formats.columns import ColumnSpec
from imdb_sentiment.errors import ConfigError, DataError
from imdb_sentiment.runtime.messages import Advice, Either, Setting, list_values

__all__ = ["no_header_error", "refuse_missing_header"]

_WORDS = 4
_ENDS = (".", "!", "?", "\u2026", "\u3002")
"""A text has at least this many words or ends like this; column names rarely do."""

NO_HEADER = Either("header=False", "--no-header")


def refuse_missing_header(
    first: Sequence[str], rows: Sequence[Sequence[str]], specs: Sequence[ColumnSpec], origin: str
) -> None:
    """Check that the first line of a file that lacks a requested column is not a row.

    Args:
        first: The first record.
        rows: Some of the following rows.
        specs: The requested columns.
        origin: Name of the file, for the message.

    Raises:
        DataError: It looks like a row.
    """
    if {column.name for column in specs} <= set(first):
        return
    rows = [row for row in rows if len(row) == len(first)]
    text = _text(first, rows)
    label = _label(first, rows, text)
    reads_as_text = len(first[text].split()) >= _WORDS or first[text].rstrip().endswith(_ENDS)
    repeated = label is not None and first[label] in {row[label] for row in rows}
    if not (reads_as_text or repeated):
        return
    raise DataError(
        f"{origin} has no header: its first line is a row",
        found=list_values(first),
        expected="a first line with the names of the columns; without one they are counted from 1",
        hint=_hint(specs, {"text": str(text + 1), "label": "N" if label is None else str(label + 1)}),
    )


def _text(first: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return the index of the column with the longest values."""
    return max(range(len(first)), key=lambda place: sum(len(row[place]) for row in (first, *rows)))


def _label(first: Sequence[str], rows: Sequence[Sequence[str]], text: int) -> int | None:
    """Return the index of the column with the fewest values among those that repeat the first line's value.

    Of two columns, it is the one without the text.
    """
    values = {place: {row[place] for row in rows} for place in range(len(first)) if place != text}
    repeating = [place for place in values if first[place] in values[place]]
    other = 1 - text if len(first) == 2 else None
    return min(repeating, key=lambda place: len(values[place]), default=other)


def _hint(specs: Sequence[ColumnSpec], places: dict[str, str]) -> Advice:
    """Suggest the settings that read the file."""
    simple = [column for column in specs if column.role in places]
    if len(simple) < len(specs):
        return Advice(NO_HEADER, ", and a position for each column")
    parts: list[str | Setting | Either] = [NO_HEADER]
    for column in simple:
        several = column.field.endswith("s")
        value = [places[column.role]] if several else places[column.role]
        parts += [Either(", ", " "), Setting(column.field, value, flag="" if column.config else "--text-column")]
    return Advice(*parts)


def no_header_error(path: Path) -> ConfigError:
    """Return the error for `header=False` with a format whose columns always have names."""
    return ConfigError(
        "a header can be missing from CSV, TSV and TXT files only",
        found=path.name,
        hint=Advice("without ", NO_HEADER),
    )

"""CSV and TSV, read strictly: every record arrives whole, or the error names it."""

from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.data.columns import RawRows
from imdb_sentiment.data.dialects import Dialect, find_dialect
from imdb_sentiment.data.pieces import pieces_from_rows
from imdb_sentiment.data.records import long_fields, read_records
from imdb_sentiment.data.text_files import TextFile, UndecodableError
from imdb_sentiment.data.wanted import Wanted, check_columns, wanted_columns
from imdb_sentiment.errors import DataError, list_rows

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["read_delimited"]


def read_delimited(path: Path, config: "DataConfig", notes: list[str]) -> Iterator[RawRows]:
    """Read the wanted columns of a CSV or TSV file whose first line names the columns.

    Every field stays the text it is; an empty label or group is null. A quote character opens a quoted field only at
    the field's beginning, and must then be closed (RFC 4180). Many TSV files use quote characters as ordinary text
    instead, as the format's registration with IANA has it; a TSV file in which each line has as many fields as the
    header is read in that way whenever quoting would merge its lines or fields.

    Args:
        path: The file, compressed or not.
        config: Names the columns and the encoding.
        notes: Takes what the user should know about how the file is read.

    Raises:
        DataError: The file is empty, cannot be decoded, lacks a column, or has ragged records or quotes that are never
            closed.
        OSError: The file cannot be read.
    """
    text = TextFile(path, config.encoding)
    wanted = wanted_columns(config)
    try:
        with long_fields():
            dialect = find_dialect(text, wanted)
    except UndecodableError as error:
        raise text.explain(error, 0) from None
    notes += [*text.notes, *dialect.notes]
    pieces = pieces_from_rows(_rows(text, dialect, wanted), wanted, str(path))
    while True:
        with long_fields():
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def _rows(text: TextFile, dialect: Dialect, wanted: Sequence[Wanted]) -> Iterator[Sequence[str | None]]:
    records = read_records(text, dialect)
    header = next(records, None)
    if header is None or not text.beginning():
        raise DataError(f"{text.path} is empty", expected="a header line and at least one row")
    if len(header) == 1:
        expected = f"a column of texts and a column of labels, separated by {dialect.separator!r}"
        raise DataError(f"{text.path} has one column only", found=header[0], expected=expected)
    check_columns(header, wanted, str(text.path))
    pick = itemgetter(*(header.index(column.name) for column in wanted))
    texts = sum(column.role in ("text", "text_pair") for column in wanted)
    width = len(header)
    ragged: list[int] = []
    first: list[str] = []
    for row, record in enumerate(records, start=1):
        if len(record) != width:
            first = first or record
            ragged.append(row)
        elif not ragged:
            values = pick(record)
            yield values if all(values) else (*values[:texts], *(value or None for value in values[texts:]))
    if ragged:
        raise DataError(
            f"{text.path} is ragged in {list_rows(ragged)}",
            found=f"{len(first)} fields in row {ragged[0]}",
            expected=f"{width}: {', '.join(header)}",
            hint="put fields that contain the separator between double quotes",
            rows=ragged,
        )

"""Read and write JSON Lines."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imdb_sentiment.data.formats.columns import Added, Chunk, ColumnSpec, check_columns, column_specs
from imdb_sentiment.data.formats.compression import concatenate
from imdb_sentiment.data.formats.text import TextError, TextFile
from imdb_sentiment.data.raw_rows import RawRows, batches_from_rows
from imdb_sentiment.errors import DataError
from imdb_sentiment.runtime.messages import quote

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["JsonTable", "extended", "find_field", "parse_object", "read_jsonl", "read_objects"]

_MISSING = object()
_MAX_NAMES = 1000


def read_jsonl(path: Path, config: "DataConfig") -> Iterator[RawRows]:
    """Read the requested columns of a JSONL file. A column may be nested: `review.body`.

    Args:
        path: The file, compressed or not.
        config: Names the columns and the encoding.

    Raises:
        DataError: The file is empty, cannot be decoded, has a line that is not a JSON object, or no row has a requested
            column.
        OSError: The file cannot be read.
    """
    text = TextFile(path, config.encoding)
    specs = column_specs(config)
    for batch in batches_from_rows(_rows(text, specs), specs, str(path)):
        yield replace(batch, notes=text.notes)


def _rows(text: TextFile, specs: Sequence[ColumnSpec]) -> Iterator[Sequence[object]]:
    unseen = {column.name for column in specs}
    names: dict[str, None] = {}
    for _, record in read_objects(text):
        values = [find_field(record, column.name, _MISSING) for column in specs]
        if unseen:
            unseen -= {column.name for column, value in zip(specs, values, strict=True) if value is not _MISSING}
            if unseen and len(names) < _MAX_NAMES:
                names.update(dict.fromkeys(_names(record)))
        yield [None if value is _MISSING else value for value in values]
    check_columns(list(names), [column for column in specs if column.name in unseen], str(text.path))


def read_objects(text: TextFile) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each non-blank line with its object.

    Raises:
        DataError: A line is not a JSON object, or cannot be decoded, or there are none.
    """
    row = 1
    try:
        for number, line in enumerate(text.lines(), start=1):
            if line.isspace():
                continue
            yield line, parse_object(line, text.path, f"row {row:,} (line {number:,})", row)
            row += 1
    except TextError as error:
        raise error.explain(text.path, row) from None
    if row == 1:
        raise DataError(f"{text.path} is empty", expected="one JSON object per line")


def parse_object(line: str, origin: Path | str, place: str, row: int) -> dict[str, Any]:
    """Parse the object on a line.

    Args:
        line: The line.
        origin: Name of the source, for messages.
        place: Its place there, for messages.
        row: The row number.

    Raises:
        DataError: It is not JSON or not an object, or has duplicate field names.
    """
    expected = 'one object per line, {"text": ..., "label": ...}'
    try:
        record = json.loads(line, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        found = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise DataError(f"{origin} is not JSON in {place}", found=found, expected=expected, rows=[row]) from None
    if isinstance(record, dict):
        return record
    found = f"a {type(record).__name__}"
    raise DataError(f"{origin} is not a JSON object in {place}", found=found, expected=expected, rows=[row])


def _without_repeats(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object, rejecting duplicate field names as ambiguous."""
    record = dict(fields)
    if len(record) < len(fields):
        names = [name for name, _ in fields]
        raise ValueError(f"two fields with the name {quote(next(name for name in names if names.count(name) > 1))}")
    return record


def find_field(record: dict[str, Any], name: str, missing: object = None) -> object:
    """Return a field of an object, which may be nested (`review.body`); `missing` if there is none."""
    if name in record:
        return record[name]
    value: object = record
    for key in name.split("."):
        if not isinstance(value, dict) or key not in value:
            return missing
        value = value[key]
    return value


def _names(record: dict[str, Any]) -> Iterator[str]:
    """Yield the names of all fields, including nested ones."""
    for name, value in record.items():
        if isinstance(value, dict) and value:
            yield from (f"{name}.{inner}" for inner in _names(value))
        else:
            yield name


class JsonTable:
    """A JSONL file whose rows are scored.

    Args:
        text: The file.
        specs: The text fields, which may be nested.
    """

    def __init__(self, text: TextFile, specs: Sequence[ColumnSpec]) -> None:
        self._text = text
        self._names = [column.name for column in specs]
        self.rows = 0
        names: dict[str, None] = {}
        unseen = set(self._names)
        for self.rows, (_, record) in enumerate(read_objects(text), start=1):
            names.update(dict.fromkeys(record))
            unseen -= {name for name in unseen if find_field(record, name, _MISSING) is not _MISSING}
        check_columns(list(names), [column for column in specs if column.name in unseen], str(text.path))
        self.columns = tuple(names)
        self.notes = text.notes

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield the rows in order, `size` at a time."""
        objects = read_objects(self._text)
        while rows := list(islice(objects, size)):
            items = [tuple(find_field(record, name) for name in self._names) for _, record in rows]
            yield Chunk(items, [line for line, _ in rows])

    def write_part(self, part: Path, chunk: Chunk, added: Added) -> None:
        """Write each object unchanged, with the added fields at its end."""
        with part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(extended(chunk.rows, added))

    def join(self, parts: Sequence[Path], target: Path, names: Sequence[str]) -> None:
        """Concatenate the parts."""
        concatenate(parts, target)


def extended(lines: Iterable[str], added: Added) -> Iterator[str]:
    """Yield lines of JSON objects with the added fields at the end of each object."""
    for line, (label, score, reason) in zip(lines, added.rows(), strict=True):
        values = (label, None if score is None else round(score, 6), reason)
        more = json.dumps(dict(zip(added.names, values, strict=True)), ensure_ascii=False)
        start = line[: line.rindex("}")].rstrip()
        yield start  # separately, as it may be long
        yield f"{'' if start.endswith('{') else ', '}{more[1:]}\n"

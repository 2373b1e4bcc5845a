"""JSONL; the objects stay as they are written, and get more fields at their end."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from imdb_sentiment.data.jsonl import MISSING, find_field, read_objects
from imdb_sentiment.data.text_files import TextFile
from imdb_sentiment.data.wanted import Wanted, check_columns
from imdb_sentiment.errors import DataError
from imdb_sentiment.tables.compressing import concatenate
from imdb_sentiment.tables.table import Added, Chunk

__all__ = ["JsonTable", "extended"]


class JsonTable:
    """A JSONL file.

    Args:
        text: The file.
        wanted: The fields of texts; `review.body` lies in an object inside.
    """

    def __init__(self, text: TextFile, wanted: Sequence[Wanted]) -> None:
        self._text = text
        self._names = [column.name for column in wanted]
        self.rows = 0
        names: dict[str, None] = {}
        unseen = set(self._names)
        for self.rows, (_, record) in enumerate(read_objects(text), start=1):
            names.update(dict.fromkeys(record))
            unseen -= {name for name in unseen if find_field(record, name) is not MISSING}
        if not self.rows:
            raise DataError(f"{text.path} is empty", expected="one JSON object a line")
        check_columns(list(names), [column for column in wanted if column.name in unseen], str(text.path))
        self.columns = tuple(names)
        self.notes = text.notes

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Give the rows in order, so many at a time."""
        objects = read_objects(self._text)
        while rows := list(islice(objects, size)):
            values = [[find_field(record, name) for name in self._names] for _, record in rows]
            items = [tuple(None if value is MISSING else value for value in row) for row in values]
            yield Chunk(items, [line for line, _ in rows])

    def write_part(self, part: Path, chunk: Chunk, added: Added) -> None:
        """Write each object as it is, with more fields at its end."""
        with part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(extended(chunk.rows, added))

    def join(self, parts: Sequence[Path], target: Path, names: Sequence[str]) -> None:
        """Write the objects of all parts."""
        concatenate(parts, target)


def extended(lines: Iterable[str], added: Added) -> Iterator[str]:
    """Give the text of lines that hold an object each, with more fields at the end of it."""
    for line, (label, score, reason) in zip(lines, added.rows(), strict=True):
        values = (label, None if score is None else round(score, 6), reason)
        more = json.dumps(dict(zip(added.names, values, strict=True)), ensure_ascii=False)
        start = line[: line.rindex("}")].rstrip()
        yield start  # apart, as it may be long
        yield f"{'' if start.endswith('{') else ', '}{more[1:]}\n"

"""Streaming of texts and JSON objects from standard input."""

import codecs
import io
import re
import sys
from collections.abc import Callable, Iterator
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from imdb_sentiment.cli.console import print_json_lines, warn

if TYPE_CHECKING:
    from imdb_sentiment.persistence.opened_model import OpenedModel

__all__ = ["classify_lines", "read_lines"]

_BYTES = 2**20
_ORIGIN = "standard input"


def classify_lines(
    opened: "Callable[[], OpenedModel]",
    columns: list[str] | None,
    prefix: str,
    *,
    abstain_below: float,
    abstain: str | None,
    cascade: bool,
    ensemble: bool,
) -> None:
    """Read JSON objects, one per line, and write them with `label`, `score` and `reason` appended.

    Available lines are classified together: a slow writer gets each answer at once, a fast one gets batches.

    Args:
        opened: Returns the model; called after the first line, so that an endless line is refused in little memory.
        columns: Text field, or the two of a pair; None for those that the model was trained on.
        prefix: Prefix of the three fields.
        abstain_below: As for `SentimentClassifier.predict_file`.
        abstain: The same.
        cascade: The same.
        ensemble: The same.

    Raises:
        ConfigError: The model does not read so many columns, or cannot make the promise. No line was answered.
        DataError: A line is not a JSON object, or already has such a field. Earlier lines were answered.
    """
    from imdb_sentiment.data.formats.jsonl import extended, find_field
    from imdb_sentiment.inference.inputs import combination_of
    from imdb_sentiment.inference.row_labels import added_names, label_batch

    names = added_names(prefix)
    numbers = count(1)
    arriving = _arriving(sys.stdin.buffer, any_end=True)
    first = next(arriving, [])
    model = opened()
    columns_read = model.text_columns(columns)
    combination = combination_of(cascade=cascade, ensemble=ensemble)
    labeler = model.row_labeler(combination, abstain_below=abstain_below, abstain=abstain)
    if abstain:
        warn(str(model.abstention(abstain)))
    for lines in chain([first], arriving):
        numbered = [(next(numbers), line) for line in lines]
        rows, error = _objects([(number, line) for number, line in numbered if line.strip()], names)
        items = [tuple(find_field(record, name) for name in columns_read) for _, record in rows]
        added, _ = label_batch(items, labeler, names)
        print_json_lines(extended((line for line, _ in rows), added))
        if error:
            raise error


def _objects(
    lines: list[tuple[int, str]], names: tuple[str, ...]
) -> tuple[list[tuple[str, dict[str, Any]]], Exception | None]:
    """Return the lines and their objects up to the first invalid line, and the error of that line."""
    from imdb_sentiment.data.formats.jsonl import parse_object
    from imdb_sentiment.errors import DataError
    from imdb_sentiment.runtime.messages import quote

    rows: list[tuple[str, dict[str, Any]]] = []
    for number, line in lines:
        try:
            record = parse_object(line, _ORIGIN, f"line {number:,}", number)
        except DataError as error:
            return rows, error
        if taken := [name for name in names if name in record]:
            return rows, DataError(
                f"line {number:,} of {_ORIGIN} already has a field {quote(taken[0])}",
                hint="--prefix predicted_",
                rows=[number],
            )
        rows.append((line, record))
    return rows, None


def read_lines() -> list[str]:
    """Read all texts from standard input, one per line.

    Raises:
        DataError: It is not text, or a line is too long.
    """
    arriving = _arriving(sys.stdin.buffer, any_end=False)
    lines = [line.removesuffix("\n").removesuffix("\r") for some in arriving for line in some]
    return lines[0].split("\r") if len(lines) == 1 else lines


def _arriving(source: Any, *, any_end: bool) -> Iterator[list[str]]:
    """Yield complete lines as soon as they are available.

    Args:
        source: Binary stream.
        any_end: Treat a carriage return as a line end too; outside of JSON it may belong to a text.

    Raises:
        DataError: They are not text, or one is too long.
    """
    from imdb_sentiment.data.formats.text import TextError, lines_by_block

    lines_before = 0
    try:
        for lines in lines_by_block(_decoded(source, any_end=any_end)):
            yield lines
            lines_before += len(lines)
    except TextError as error:
        raise error.explain(_ORIGIN, lines_before + 1) from None


def _decoded(source: Any, *, any_end: bool) -> Iterator[str]:
    from imdb_sentiment.data.formats.text import find_mark
    from imdb_sentiment.data.signatures import refuse_binary
    from imdb_sentiment.errors import DataError

    block = source.read1(_BYTES)  # what is available, without waiting for more
    refuse_binary(block, _ORIGIN)
    mark = find_mark(block)
    encoding = mark.encoding if mark else "utf-8"
    incremental = codecs.getincrementaldecoder(encoding)()
    decoder = io.IncrementalNewlineDecoder(incremental, translate=True) if any_end else incremental
    block = block[len(mark.content) :] if mark else block
    lines_before = 0
    at_end = not block and not mark
    while True:
        try:
            text = decoder.decode(block, final=at_end)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(encoding, errors="replace")
            lines_before += len(re.findall(r"\r\n?|\n" if any_end else r"\n", before))
            found = f"byte 0x{error.object[error.start]:02x} on line {lines_before + 1:,}"
            raise DataError(f"{_ORIGIN} is not {encoding.upper()}", found=found) from None
        lines_before += text.count("\n")
        yield text
        if at_end:
            return
        block = source.read1(_BYTES)
        at_end = not block

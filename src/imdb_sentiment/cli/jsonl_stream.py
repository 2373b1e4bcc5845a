"""Lines from standard input as they come: texts, and JSON objects, which go to standard output with their labels."""

import codecs
import io
import re
import sys
from collections.abc import Callable, Iterator
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from imdb_sentiment.cli.console import print_json_lines

if TYPE_CHECKING:
    from imdb_sentiment.classifier import SentimentClassifier

__all__ = ["classify_lines", "read_lines"]

_BYTES = 2**20
_ORIGIN = "standard input"


def classify_lines(
    opened: "Callable[[], SentimentClassifier]",
    columns: tuple[str, ...] | None,
    prefix: str,
    *,
    cascade: bool = False,
) -> None:
    """Read objects, one a line, and write them with `label`, `score` and `reason` at their end.

    What is there is classified together, so that a slow writer gets each answer at once, and a quick one many.

    Args:
        opened: Gives the model, once the first line has come: one that never ends is refused in little memory.
        columns: Fields that hold the text, or the two of a pair; None for those that the model was trained on.
        prefix: Put before the names of the three fields.
        cascade: As for `SentimentClassifier.predict`.

    Raises:
        DataError: A line is no JSON object, or has such a field already. What stood before it was answered.
    """
    from imdb_sentiment.data.formats.jsonl import MISSING, extended, find_field
    from imdb_sentiment.data.formats.table import Added
    from imdb_sentiment.inference.row_labels import added_names, parse_text

    names = added_names(prefix)
    numbers = count(1)
    arriving = _arriving(sys.stdin.buffer, any_end=True)
    first = next(arriving, [])
    classifier = opened()
    columns = columns or classifier.metadata.text_columns
    for lines in chain([first], arriving):
        numbered = [(next(numbers), line) for line in lines]
        rows, fault = _objects([(number, line) for number, line in numbered if line.strip()], names)
        found = [[find_field(record, name) for name in columns] for _, record in rows]
        read = [parse_text(tuple(None if value is MISSING else value for value in values)) for values in found]
        answers = iter(classifier.predict([text for text, reason in read if reason is None], cascade=cascade))
        given = [None if reason else next(answers) for _, reason in read]
        added = Added(
            names,
            [answer.label if answer else None for answer in given],
            [answer.score if answer else None for answer in given],
            [reason for _, reason in read],
        )
        print_json_lines(extended((line for line, _ in rows), added))
        if fault:
            raise fault


def _objects(
    lines: list[tuple[int, str]], names: tuple[str, ...]
) -> tuple[list[tuple[str, dict[str, Any]]], Exception | None]:
    """Return the lines with their objects, up to the first that cannot be taken; and what is wrong with that."""
    from imdb_sentiment.data.formats.jsonl import parse_object
    from imdb_sentiment.errors import DataError
    from imdb_sentiment.runtime.messages import quote

    rows: list[tuple[str, dict[str, Any]]] = []
    for number, line in lines:
        try:
            record = parse_object(line, _ORIGIN, f"line {number:,}", number)
        except DataError as fault:
            return rows, fault
        if taken := [name for name in names if name in record]:
            return rows, DataError(
                f"line {number:,} of {_ORIGIN} has a field {quote(taken[0])} already",
                hint="--prefix predicted_",
                rows=[number],
            )
        rows.append((line, record))
    return rows, None


def read_lines() -> list[str]:
    """Read standard input to its end, as texts, one a line.

    Raises:
        DataError: It is not text, or a line is longer than any that is read.
    """
    arriving = _arriving(sys.stdin.buffer, any_end=False)
    lines = [line.removesuffix("\n").removesuffix("\r") for some in arriving for line in some]
    return lines[0].split("\r") if len(lines) == 1 else lines


def _arriving(source: Any, *, any_end: bool) -> Iterator[list[str]]:
    """Give the whole lines that have come, as soon as there are some.

    Args:
        source: What they are read from.
        any_end: Take a carriage return for a line end too; outside of JSON it may belong to a text.

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

    block = source.read1(_BYTES)  # what there is, without waiting for more
    refuse_binary(block, _ORIGIN)
    mark = find_mark(block)
    encoding = mark.encoding if mark else "utf-8"
    bare = codecs.getincrementaldecoder(encoding)()
    decoder = io.IncrementalNewlineDecoder(bare, translate=True) if any_end else bare
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

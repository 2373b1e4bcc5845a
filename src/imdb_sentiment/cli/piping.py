"""JSON lines from standard input to standard output, as they come."""

import codecs
import json
import sys
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from imdb_sentiment.classifier import SentimentClassifier

__all__ = ["classify_lines"]

_BYTES = 2**20


def classify_lines(
    classifier: "SentimentClassifier",
    columns: tuple[str, ...],
    prefix: str,
    *,
    cascade: Literal["auto"] | None = None,
) -> None:
    """Read objects, one a line, and write them with `label`, `score` and `reason` at their end.

    What is there is classified together, so that a slow writer gets each answer at once, and a quick one many.

    Args:
        classifier: Gives the labels.
        columns: Fields that hold the text, or the two of a pair.
        prefix: Put before the names of the three fields.
        cascade: As for `SentimentClassifier.predict`.

    Raises:
        DataError: A line is no JSON object, or has such a field already. What stood before it was answered.
    """
    from imdb_sentiment.data.jsonl import MISSING, find_field
    from imdb_sentiment.judging import added_names, readable
    from imdb_sentiment.tables import Added, extended

    names = added_names(prefix)
    numbers = count(1)
    for lines in _arriving(sys.stdin.buffer):
        numbered = [(next(numbers), line) for line in lines]
        rows, fault = _objects([(number, line) for number, line in numbered if line.strip()], names)
        found = [[find_field(record, name) for name in columns] for _, record in rows]
        read = [readable(tuple(None if value is MISSING else value for value in values)) for values in found]
        answers = iter(classifier.predict([text for text, reason in read if reason is None], cascade=cascade))
        given = [None if reason else next(answers) for _, reason in read]
        added = Added(
            names,
            [answer.label if answer else None for answer in given],
            [answer.score if answer else None for answer in given],
            [reason for _, reason in read],
        )
        sys.stdout.writelines(extended((line for line, _ in rows), added))
        sys.stdout.flush()
        if fault:
            raise fault


def _objects(
    lines: list[tuple[int, str]], names: tuple[str, ...]
) -> tuple[list[tuple[str, dict[str, Any]]], Exception | None]:
    """Return the lines with their objects, up to the first that cannot be taken; and what is wrong with that."""
    from imdb_sentiment.errors import DataError

    rows: list[tuple[str, dict[str, Any]]] = []
    for number, line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            return rows, DataError(f"line {number:,} of standard input is not JSON", found=str(error), rows=[number])
        if not isinstance(record, dict):
            found, expected = f"a {type(record).__name__}", '{"text": ...}'
            return rows, DataError(
                f"line {number:,} of standard input is no object", found=found, expected=expected, rows=[number]
            )
        if taken := [name for name in names if name in record]:
            return rows, DataError(
                f"line {number:,} of standard input has a field {taken[0]!r} already",
                hint="--prefix predicted_",
                rows=[number],
            )
        rows.append((line, record))
    return rows, None


def _arriving(source: Any) -> Iterator[list[str]]:
    """Give the whole lines that have come, as soon as there are some.

    Raises:
        DataError: They are not UTF-8.
    """
    from imdb_sentiment.errors import DataError

    decoder = codecs.getincrementaldecoder("utf-8")()
    rest: list[str] = []
    lines_before = 0
    while True:
        block = source.read1(_BYTES)  # what there is, without waiting for more
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            found = f"byte 0x{error.object[error.start]:02x} after line {lines_before:,}"
            raise DataError("standard input is not UTF-8", found=found) from None
        *whole, last = text.split("\n")
        if whole:
            whole[0] = "".join([*rest, whole[0]])
            rest = []
            lines_before += len(whole)
            yield whole
        rest.append(last)
        if not block:
            if line := "".join(rest):
                yield [line]
            return

"""Text files decoded while streaming."""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import NamedTuple, Self

from imdb_sentiment.data.formats.compression import open_bytes
from imdb_sentiment.data.spill import disk_errors
from imdb_sentiment.errors import DataError
from imdb_sentiment.runtime.messages import Advice, Setting

__all__ = ["LongText", "TextError", "TextFile", "TooLongError", "find_mark", "lines_by_block", "row_name"]

_HEAD = 2**17
_BLOCK = 2**17
"""Small enough that a block and its lines stay in the CPU cache."""

_MAX_ROW_BYTES = 100 * 2**20
"""Maximum bytes of a row. A longer one is a decompression bomb or an unclosed quote."""

_MAX_IN_MEMORY = 2**22
"""Bytes of an incomplete row held in memory."""

_SURE = "cp1252"
_SURE_PAGES = ("cp1250", "cp1254", "cp1257", "cp1258", "latin-1", "iso8859-2", "iso8859-15", "iso8859-16")
_SURE_LETTERS = b"".join(
    bytes([byte])
    for byte in range(0xC0, 0x100)
    if {bytes([byte]).decode(page, "replace") for page in _SURE_PAGES} == {bytes([byte]).decode(_SURE)}
)
"""Bytes of letters that are the same in every Latin code page."""

_SURELY_WINDOWS = re.compile(
    rb"(?:[\x00-\x7f]|(?:(?<=[A-Za-z])|(?<![\x80-\xff])(?=.[a-z]))[" + _SURE_LETTERS + rb"](?![\x80-\xff])"
    rb"|(?<![A-Za-z\x80-\xff])[\x91\x93](?=[A-Za-z])|(?<=[A-Za-z.,!?])\x94(?![A-Za-z\x80-\xff])"
    rb"|(?<=[A-Za-z])\x92(?=(?:s|t|d|m|ll|re|ve)\b))*+"
)


class Mark(NamedTuple):
    """A byte order mark."""

    content: bytes
    encoding: str
    names: tuple[str, ...]
    """Normalised names of the encodings that use the mark."""


_MARKS = (
    Mark(codecs.BOM_UTF32_LE, "utf-32-le", ("utf-32", "utf-32-le")),  # begins with the mark of UTF-16
    Mark(codecs.BOM_UTF32_BE, "utf-32-be", ("utf-32", "utf-32-be")),
    Mark(codecs.BOM_UTF8, "utf-8", ("utf-8", "utf-8-sig")),
    Mark(codecs.BOM_UTF16_LE, "utf-16-le", ("utf-16", "utf-16-le")),
    Mark(codecs.BOM_UTF16_BE, "utf-16-be", ("utf-16", "utf-16-be")),
)


_QUOTED = re.compile('"(?:[^"]|"")*+"')


class TextError(Exception):
    """Text that cannot be read; the reader, which knows the row, turns it into a `DataError`."""

    def explain(self, origin: Path | str, row: int) -> DataError:
        """Return the error for the user.

        Args:
            origin: The file.
            row: The row; 0 for the header.
        """
        raise NotImplementedError


@dataclass(eq=False)
class UndecodableError(TextError):
    """Bytes that are not valid in the encoding."""

    line: int
    offset: int
    byte: int
    encoding: str
    windows: bool
    """Whether the bytes are text as Windows encodes it."""

    def explain(self, origin: Path | str, row: int) -> DataError:
        name = self.encoding.upper() if self.encoding.startswith("utf-") else self.encoding
        hint = Advice(Setting("encoding", "NAME"), ", the encoding it was written in; or save it again as UTF-8")
        if self.windows:
            hint = Advice(Setting("encoding", _SURE), ", if the file was written on Windows")
        return DataError(
            f"{origin} is not {name} in {row_name(row)} (line {self.line:,})",
            found=f"byte 0x{self.byte:02x} at offset {self.offset:,}",
            expected=f"text encoded as {name}",
            hint=hint,
            rows=[row] if row else (),
        )


class TooLongError(TextError):
    """A row that would take too much memory."""

    def explain(self, origin: Path | str, row: int) -> DataError:
        """Return the error for the user."""
        return DataError(
            f"{origin} has an overlong text in {row_name(row)}",
            found=f"more than {_MAX_ROW_BYTES // 2**20} MiB without an end",
            expected="rows that end; in CSV, quoted fields that are closed",
            hint="look at that row; a model reads only the first pages of a text this long",
            rows=[row] if row else (),
        )


def row_name(row: int) -> str:
    """Return the name of a row for a message; 0 is the header."""
    return f"row {row:,}" if row else "its header"


class TextFile:
    """A text file, compressed or not, that can be read from the start any number of times.

    Attributes:
        path: The file.
        encoding: Its encoding.
        newline: Its line end: a line feed, or a carriage return if there are no line feeds.
        notes: Remarks for the user on how it is decoded.
    """

    def __init__(self, path: Path, encoding: str | None) -> None:
        self.path = path
        with open_bytes(path) as stream:
            head = stream.read(_HEAD)
        given = codecs.lookup(encoding).name if encoding else None
        self._named = encoding is not None
        self._mark = find_mark(head, given)
        self.encoding = self._mark.encoding if self._mark else encoding or "utf-8"
        self.notes: tuple[str, ...] = ()
        if self._mark:
            name = self._mark.encoding.upper()
            self.notes = (f"{path.name}: begins with a {name[:6].rstrip('-')} mark and is read as such",)
        elif not encoding:
            _refuse_wide(path, head)
        elif head and given in ("utf-16", "utf-32"):
            expected = f"a {given.upper()} mark, which gives the byte order"
            hint = Advice(Setting("encoding", f"{given}-le"))
            raise DataError(f"{path} does not begin with a byte order mark", expected=expected, hint=hint)
        outside = _QUOTED.sub("", codecs.getincrementaldecoder(self.encoding)("replace").decode(head))
        self.newline = "\r" if "\r" in outside and "\n" not in outside else "\n"

    def lines(self) -> Iterator[str]:
        """Yield the lines with their ends; only `newline` ends a line.

        Raises:
            UndecodableError: A line cannot be decoded; raised after the lines before it.
            TooLongError: A line exceeds the size limit; raised after the lines before it.
            DataError: The file is compressed and damaged.
            OSError: The file cannot be read.
        """
        return chain.from_iterable(lines_by_block(self.blocks(), self.newline))

    def beginning(self) -> list[str]:
        """Return some lines, beginning with the first non-blank one; none if all are blank.

        Raises:
            TextError: The first line cannot be read.
            DataError: The file is compressed and damaged.
            OSError: The file cannot be read.
        """
        some = lines_by_block(self.blocks(), self.newline)
        return next((lines for lines in some if any(map(str.strip, lines))), [])

    def blocks(self) -> Iterator[str]:
        """Yield the text in blocks of about 128 KiB.

        Raises:
            UndecodableError: Some bytes cannot be decoded; raised after the text before them.
            DataError: The file is compressed and damaged.
            OSError: The file cannot be read.
        """
        decoder = codecs.getincrementaldecoder(self.encoding)()
        given = 0
        with open_bytes(self.path) as stream:
            offset = len(stream.read(len(self._mark.content))) if self._mark else 0
            at_end = False
            while not at_end:
                block = stream.read(_BLOCK)
                at_end = not block
                state = decoder.getstate()
                pending = len(state[0])  # of a character that the last block began
                try:
                    text = decoder.decode(block, final=at_end)
                except UnicodeDecodeError as error:
                    decoder.setstate(state)
                    text = decoder.decode(error.object[pending : error.start])
                    if text:
                        yield text
                    # reread, since counting lines always would be slow
                    line = 1 + text.count("\n") + sum(part.count("\n") for part in islice(self.blocks(), given))
                    place = offset - pending + error.start
                    byte, context = error.object[error.start], error.object[max(0, error.start - 1) :]
                    windows = not self._named and _SURELY_WINDOWS.fullmatch(context) is not None
                    raise UndecodableError(line, place, byte, self.encoding, windows) from None
                if text:
                    yield text
                    given += 1
                offset += len(block)


def find_mark(head: bytes, encoding: str | None = None) -> Mark | None:
    """Return the byte order mark that a text begins with; None if there is none, or it is content in the encoding."""
    return next((mark for mark in _MARKS if head.startswith(mark.content) and encoding in (None, *mark.names)), None)


def lines_by_block(blocks: Iterable[str], newline: str = "\n") -> Iterator[list[str]]:
    """Yield the lines that end in each block, split there only, not at a dozen other characters as by `splitlines`."""
    with LongText() as rest:  # of a line that is longer than a block
        for block in blocks:
            lines = block.split(newline)
            last = lines.pop()
            if lines:
                lines[0] = rest.take() + lines[0]
                yield [line + newline for line in lines]
            rest.add(last)
        if line := rest.take():
            yield [line]


class LongText:
    """A buffer for incomplete text, on disk if it is large, so that endless text does not fill the memory.

    Attributes:
        characters: Number of characters.
    """

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.characters = 0
        self._file = SpooledTemporaryFile(_MAX_IN_MEMORY)  # noqa: SIM115  __exit__ closes it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def add(self, text: str) -> None:
        """Append text.

        Raises:
            TooLongError: The buffer exceeds the size limit.
            DataError: The disk is full.
        """
        with disk_errors():
            self._file.write(text.encode("utf-8", "surrogatepass"))
        self.characters += len(text)
        if self._file.tell() > _MAX_ROW_BYTES:
            raise TooLongError

    def take(self) -> str:
        """Return the content and clear the buffer."""
        with self._file as file:
            file.seek(0)
            content = file.read()
        self._clear()
        return content.decode("utf-8", "surrogatepass")


def _refuse_wide(path: Path, head: bytes) -> None:
    """Reject UTF-16 and UTF-32 without a mark, which may be valid UTF-8 but contain many NUL bytes."""
    first = head.partition(b"\n")[0][:200]
    ends = [place for place, byte in enumerate(head) if byte == ord("\n")] if b"\0" in head else []
    for width, name in ((4, "utf-32"), (2, "utf-16")):
        count = len(first) // width
        zeros = [first[place : count * width : width].count(0) for place in range(width)]
        for order, letter, side in (("le", 0, "after"), ("be", width - 1, "before")):
            english = zeros[letter] == 0 and min(zeros[:letter] + zeros[letter + 1 :]) > count // 2
            starts = [place - letter for place in ends]
            end = "\n".encode(f"{name}-{order}")
            aligned = all(start % width == 0 and head.startswith(end, start) for start in starts)
            if (english and count > 1) or (aligned and len(ends) > 1):
                raise DataError(
                    f"{path} seems to be {name.upper()} without a byte order mark",
                    found=f"NUL {side} every line end, or most letters",
                    expected=f"text encoded as UTF-8, or {name.upper()} with its mark",
                    hint=Advice(Setting("encoding", f"{name}-{order}")),
                )

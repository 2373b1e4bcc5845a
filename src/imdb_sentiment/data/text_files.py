"""Text files, decoded while they are read."""

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from imdb_sentiment.data.compressed import open_bytes
from imdb_sentiment.errors import DataError
from imdb_sentiment.messages import Advice, Setting

__all__ = ["TextFile", "UndecodableError", "lines_of"]

_BLOCK = 2**17
"""Small enough that a block and its lines stay in the processor's cache."""

_WINDOWS = "cp1252"


class _Mark(NamedTuple):
    """A byte order mark: the first bytes of a file, by which it tells its encoding."""

    content: bytes
    encoding: str
    names: tuple[str, ...]
    """Encodings, as Python normalises their names, of which the mark is no content."""


_MARKS = (
    _Mark(codecs.BOM_UTF32_LE, "utf-32-le", ("utf-32", "utf-32-le")),  # begins with the mark of UTF-16
    _Mark(codecs.BOM_UTF32_BE, "utf-32-be", ("utf-32", "utf-32-be")),
    _Mark(codecs.BOM_UTF8, "utf-8", ("utf-8", "utf-8-sig")),
    _Mark(codecs.BOM_UTF16_LE, "utf-16-le", ("utf-16", "utf-16-le")),
    _Mark(codecs.BOM_UTF16_BE, "utf-16-be", ("utf-16", "utf-16-be")),
)


class UndecodableError(Exception):
    """Bytes that are no text in the encoding; the reader, who knows the row, makes a `DataError` of it."""

    def __init__(self, line: int, offset: int, content: bytes) -> None:
        self.line = line
        self.offset = offset
        self.content = content
        super().__init__(line, offset)


class TextFile:
    """A text file, compressed or not, that can be read from the start any number of times.

    Attributes:
        path: Where it is.
        encoding: What its bytes are decoded with.
        notes: What the user should know about how it is decoded.
    """

    def __init__(self, path: Path, encoding: str | None) -> None:
        self.path = path
        with open_bytes(path) as stream:
            head = stream.read(_BLOCK)
        given = codecs.lookup(encoding).name if encoding else None
        self._named = encoding is not None
        self._mark = next((m for m in _MARKS if head.startswith(m.content) and given in (None, *m.names)), None)
        self.encoding = self._mark.encoding if self._mark else encoding or "utf-8"
        self.notes: tuple[str, ...] = ()
        if self._mark:
            name = self._mark.encoding.upper()
            self.notes = (f"{path.name}: begins with a {name[:6].rstrip('-')} mark and is read as such",)
        elif not encoding:
            _refuse_utf16(path, head)
        elif head and given in ("utf-16", "utf-32"):
            expected = f"a {given.upper()} mark, which tells the order of the bytes"
            hint = Advice(Setting("encoding", f"{given}-le"))
            raise DataError(f"{path} does not begin with a mark", expected=expected, hint=hint)

    def lines(self) -> Iterator[str]:
        """Give the lines, each with its line feed; nothing else ends a line.

        Raises:
            UndecodableError: After the lines before the one that cannot be decoded.
            DataError: The file is compressed and damaged.
            OSError: The file cannot be read.
        """
        return lines_of(self.blocks())

    def beginning(self) -> list[str]:
        """Return some lines from the first that is not blank on; none if all are blank.

        Raises:
            UndecodableError: There is something that cannot be decoded before any line.
            DataError: The file is compressed and damaged.
            OSError: The file cannot be read.
        """
        return next((lines for lines in _some_lines(self.blocks()) if any(map(str.strip, lines))), [])

    def explain(self, error: UndecodableError, row: int) -> DataError:
        """Return the error for what cannot be decoded.

        Args:
            error: Where and what it is.
            row: The row in which it stands; 0 in the header.
        """
        name = self.encoding.upper() if self.encoding.startswith("utf-") else self.encoding
        hint = Advice("another encoding: ", Setting("encoding", "NAME"))
        if not self._named and _may_be_windows(error.content):
            hint = Advice(Setting("encoding", _WINDOWS), ", if the file was written on Windows")
        return DataError(
            f"{self.path} is not {name} in {f'row {row:,}' if row else 'its header'} (line {error.line:,})",
            found=f"byte 0x{error.content[0]:02x} at offset {error.offset:,}",
            expected=f"text encoded as {name}",
            hint=hint,
            rows=[row] if row else (),
        )

    def blocks(self) -> Iterator[str]:
        """Give the text, about 128 KiB at a time.

        Raises:
            UndecodableError: After the text before what cannot be decoded.
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
                pending = len(state[0])  # bytes of a character that the last block began
                try:
                    text = decoder.decode(block, final=at_end)
                except UnicodeDecodeError as error:
                    decoder.setstate(state)
                    text = decoder.decode(error.object[pending : error.start])
                    yield text
                    before = chain(islice(self.blocks(), given), [text])  # read again: to count always would cost time
                    line = 1 + sum(part.count("\n") for part in before)
                    place = offset - pending + error.start
                    raise UndecodableError(line, place, error.object[error.start :]) from None
                if text:
                    yield text
                    given += 1
                offset += len(block)


def lines_of(blocks: Iterable[str]) -> Iterator[str]:
    """Cut text after each line feed, not at the dozen other characters that `splitlines` takes for line ends."""
    return chain.from_iterable(_some_lines(blocks))


def _some_lines(blocks: Iterable[str]) -> Iterator[list[str]]:
    rest: list[str] = []  # of a line that is longer than a block
    for block in blocks:
        lines = block.split("\n")
        last = lines.pop()
        if lines:
            lines[0] = "".join((*rest, lines[0]))
            rest = []
            yield [line + "\n" for line in lines]
        rest.append(last)
    if line := "".join(rest):
        yield [line]


def _refuse_utf16(path: Path, head: bytes) -> None:
    """UTF-16 without its mark is valid UTF-8 as long as it is English, but every second character is NUL."""
    first = head.partition(b"\n")[0][:200]
    half = len(first) // 2
    if half < 2:
        return
    for encoding, zeros, others in (("utf-16-le", first[1::2], first[::2]), ("utf-16-be", first[::2], first[1::2])):
        if zeros.count(0) > half // 2 and 0 not in others:
            raise DataError(
                f"{path} seems to be UTF-16 without the mark that says so",
                found="a NUL after every character" if encoding == "utf-16-le" else "a NUL before every character",
                expected="text encoded as UTF-8, or UTF-16 with its mark",
                hint=Advice(Setting("encoding", encoding)),
            )


def _may_be_windows(content: bytes) -> bool:
    try:
        content.decode(_WINDOWS)
    except UnicodeDecodeError:
        return False
    return b"\0" not in content

"""Read and write compressed files."""

import gzip
import io
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pyarrow as pa

from imdb_sentiment.data.spill import disk_errors
from imdb_sentiment.errors import DataError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["COMPRESSIONS", "concatenate", "open_bytes", "plain_suffix", "whole_file"]

COMPRESSIONS = {".gz": "gzip", ".gzip": "gzip", ".zst": "Zstandard", ".zstd": "Zstandard"}
"""Compression of each suffix."""

_BUFFER = 2**17


def plain_suffix(path: Path) -> str:
    """Return the lower-case suffix before that of the compression: `.csv` for `reviews.CSV.gz`."""
    compressed = path.suffix.lower() in COMPRESSIONS
    return Path(path.stem).suffix.lower() if compressed else path.suffix.lower()


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading, with transparent decompression.

    Raises:
        OSError: The file cannot be opened.
    """
    if path.suffix.lower() not in COMPRESSIONS:
        return path.open("rb")
    kind = COMPRESSIONS[path.suffix.lower()]
    source = gzip.GzipFile(path) if kind == "gzip" else pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
    return cast("BinaryIO", io.BufferedReader(_Decompressed(path, kind, source), _BUFFER))


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield the path of the file, or of a decompressed copy for formats that need random access.

    Raises:
        DataError: The compressed file is damaged, or there is no room for the copy.
    """
    if path.suffix.lower() not in COMPRESSIONS:
        yield path
        return
    with disk_errors():
        folder = tempfile.TemporaryDirectory(prefix="imdb-sentiment-", ignore_cleanup_errors=True)
    with folder:
        copy = Path(folder.name) / "file"
        with open_bytes(path) as source:
            _copy(source, copy)
        yield copy


def _copy(source: BinaryIO, target: Path) -> None:
    with disk_errors():
        file = target.open("wb")
    with file:
        while block := source.read(_BUFFER):
            with disk_errors():
                file.write(block)
        with disk_errors():
            file.flush()


class _Decompressed(io.RawIOBase):
    """Decompressed bytes of a file; damage raises a `DataError`."""

    def __init__(self, path: Path, kind: str, source: Any) -> None:
        self._path = path
        self._kind = kind
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        try:
            return cast("int", self._source.readinto(buffer))
        except (OSError, EOFError, zlib.error) as error:
            if isinstance(error, OSError) and error.errno:
                raise
            raise DataError(
                f"{self._path} is damaged or truncated",
                found=str(error),
                expected=f"a whole {self._kind} file",
                hint="get the file again, or compress it again",
            ) from None

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def concatenate(parts: Sequence[Path], target: Path) -> None:
    """Concatenate files.

    Args:
        parts: In order.
        target: Named `NAME.partial`; the suffix of `NAME` decides the compression.
    """
    kind = COMPRESSIONS.get(Path(target.stem).suffix.lower())
    with target.open("wb") as plain, ExitStack() as stack:
        file: Any = plain
        if kind:  # unlike the gzip module, Arrow writes no time, so that the bytes can be reproduced
            file = stack.enter_context(pa.CompressedOutputStream(plain, "gzip" if kind == "gzip" else "zstd"))
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, file)

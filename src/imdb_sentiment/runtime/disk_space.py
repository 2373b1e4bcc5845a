"""Report a full disk as one error, whatever library was writing."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imdb_sentiment.errors import DiskFullError

__all__ = ["disk_size", "full_disk_errors", "is_disk_full"]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_MESSAGES = tuple(os.strerror(code) for code in _FULL)


@contextmanager
def full_disk_errors(partial: Path, summary: str, *, hint: str, expected: str | None = None) -> Iterator[None]:
    """Turn any error of a full disk into a `DiskFullError`.

    Args:
        partial: The file or folder that is being written.
        summary: What could not be written.
        hint: What to do.
        expected: The space needed.

    Raises:
        DiskFullError: There is too little room.
    """
    try:
        yield
    except Exception as error:
        free = shutil.disk_usage(partial.parent).free
        written = sum(path.stat().st_size for path in partial.rglob("*") if path.is_file())
        # torch's writer does not report why it failed
        if is_disk_full(error) or (isinstance(error, RuntimeError) and free < written):
            raise DiskFullError(summary, found=f"{disk_size(free)} free", expected=expected, hint=hint) from error
        raise


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error means that the disk is full, even without an error number."""
    return getattr(error, "errno", None) in _FULL or any(message in str(error) for message in _FULL_MESSAGES)


def disk_size(size: int) -> str:
    """Format a number of bytes, such as `1.5 GB` or `8 MB`."""
    return f"{size / 1e9:.3g} GB" if size >= 1e8 else f"{size / 1e6:.3g} MB"

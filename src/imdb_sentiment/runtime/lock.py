"""Writer lock that the system releases when its process ends, however it ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_ident

from imdb_sentiment.errors import DiskFullError, OutputExistsError
from imdb_sentiment.runtime.disk_space import is_disk_full

__all__ = ["one_writer"]

_owners: dict[Path, tuple[int, int]] = {}
"""The process and the thread that hold each lock of this process."""


@contextmanager
def one_writer(
    target: Path, *, lock: Path | None = None, who: str = "another process", patience: float = 0.0
) -> Iterator[None]:
    """Hold an exclusive lock for writing to a file or folder. Reentrant within a thread.

    Args:
        target: The file or folder; its parent exists.
        lock: A permanent lock file. By default a hidden one beside the target, which is removed at the end.
        who: The other writer, for the message.
        patience: Seconds to wait.

    Raises:
        OutputExistsError: Something else is writing to the target, or the lock file cannot be created.
        DiskFullError: The disk is full.
    """
    from filelock import FileLock, Timeout

    real = target.resolve()
    path = real.with_name(f".{real.name}.lock") if lock is None else lock.resolve()
    owner = os.getpid(), get_ident()  # a forked process has a copy of the table but not the lock
    if _owners.get(path) == owner:
        yield
        return
    try:
        held = FileLock(path, thread_local=False)
        held.acquire(timeout=patience, poll_interval=0.01)
    except Timeout:
        if path in _owners and _owners[path][0] == owner[0]:
            who = "another thread"
        raise OutputExistsError(
            f"{who} is writing to {target}", expected="one writer at a time", hint="wait for it, or another place"
        ) from None
    except OSError as error:
        kind = DiskFullError if is_disk_full(error) else OutputExistsError
        raise kind(f"{target} cannot be written", found=error.strerror, hint="another place") from None
    _owners[path] = owner
    try:
        yield
    finally:
        del _owners[path]
        if lock is None:
            with suppress(OSError):  # Windows cannot remove an open file
                path.unlink()  # while held: a waiting process notices and retries
        held.release()

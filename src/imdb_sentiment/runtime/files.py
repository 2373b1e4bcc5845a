"""Atomic writes of files and folders, by one writer at a time."""

import ctypes
import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_ident
from typing import Any

from imdb_sentiment.errors import ConfigError, DiskFullError, OutputExistsError
from imdb_sentiment.runtime.messages import Advice, Setting, cut, quote

__all__ = [
    "LOCK_FILE",
    "METADATA_FILE",
    "as_path",
    "check_new_file",
    "check_output",
    "disk_size",
    "full_disk_errors",
    "is_disk_full",
    "is_path",
    "link_target",
    "make_folder",
    "new_folder",
    "one_writer",
    "write_bytes",
    "write_json",
    "write_text",
]

_MAX_PATH, _MAX_NAME = 4096, 255  # bytes, of Linux
_MAX_TARGET_NAME = _MAX_NAME - len("..partial")  # the temporary name is longer

METADATA_FILE = "imdb_sentiment.json"
"""The file that marks a folder as a model saved by this library."""

LOCK_FILE = ".lock"
"""The file that a run locks while it writes to its folder."""

_LOCK_TIMEOUT_SECONDS = 10.0
"""Longest wait for another writer of the same file."""

_owners: dict[Path, tuple[int, int]] = {}
"""The process and the thread that hold each lock of this process."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_MESSAGES = tuple(os.strerror(code) for code in _FULL)
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def as_path(value: object, argument: str) -> Path:
    """Convert an argument to a path, with `~` for the home folder.

    Raises:
        ConfigError: It is not a path.
    """
    if not isinstance(value, str | os.PathLike) or "\0" in str(value) or not is_path(str(value)):
        raise ConfigError(f"{argument} must be a path", found=quote(value))
    return Path(os.path.expanduser(value))  # noqa: PTH111  Path.expanduser fails if there is no such user


def is_path(text: str) -> bool:
    """Return whether a text is short enough for a path; with a longer one, even a lookup fails."""
    try:
        encoded = os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return len(encoded) < _MAX_PATH and max(map(len, encoded.split(b"/"))) <= _MAX_NAME


def check_output(folder: Path, *, overwrite: bool) -> None:
    """Check that a model may be written to `folder`.

    Raises:
        OutputExistsError: `folder` is not empty and `overwrite` is false; it is not empty and not a model of this
            library, which is never overwritten; a file is in place of it or of a parent; or its parent is not writable.
    """
    folder = link_target(as_path(folder, "the folder to write"))
    if not folder.exists():
        above = next(parent for parent in folder.absolute().parents if parent.exists())
        if not above.is_dir():
            raise OutputExistsError(f"{folder} cannot be created, as {above} is a file", expected="a folder")
        if not os.access(above, os.W_OK | os.X_OK):
            raise OutputExistsError(f"{folder} cannot be created, as {above} is not writable", hint="another folder")
        return
    if not folder.is_dir():
        raise OutputExistsError(f"{folder} is a file", expected="a folder, or an unused name")
    content = sorted(entry.name for entry in folder.iterdir())
    if not content:
        return
    found = cut(content[0]) + (f" and {len(content) - 1} more" if len(content) > 1 else "")
    if not overwrite:
        hint = Advice("another folder, or ", Setting("overwrite", True))
        raise OutputExistsError(f"{folder} is not empty and was not changed", found=found, hint=hint)
    if METADATA_FILE not in content:
        raise OutputExistsError(
            f"{folder} is not a model of this library and was not changed",
            found=found,
            expected=f"a folder with {METADATA_FILE}; nothing else is ever overwritten",
            hint="another folder",
        )


def make_folder(folder: Path) -> None:
    """Create a folder and its parents if they do not exist.

    Raises:
        OutputExistsError: It cannot be created.
        DiskFullError: The disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        kind = DiskFullError if is_disk_full(error) else OutputExistsError
        raise kind(f"{folder} cannot be created", found=error.strerror, hint="another folder") from None


@contextmanager
def new_folder(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a hidden sibling folder that atomically replaces `folder` at the end.

    Whenever the process is killed, `folder` is the complete old or new one. Leftovers of a killed process are removed
    by the next. For a symbolic link, its target is replaced.

    Raises:
        OutputExistsError: See `check_output`; or another process or thread is writing to the folder.
        DiskFullError: The disk is full; the old folder stays.
    """
    check_output(folder, overwrite=overwrite)
    folder = folder.resolve()
    make_folder(folder.parent)
    partial = folder.parent / f".{folder.name}.partial"
    full = full_disk_errors(partial, f"there is no space left to write {folder}", hint="free space, or another place")
    with one_writer(folder):
        check_output(folder, overwrite=overwrite)  # another writer may have just finished
        shutil.rmtree(partial, ignore_errors=True)
        make_folder(partial)
        try:
            with full:
                yield partial
                _sync(partial)
                _put(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _put(new: Path, target: Path) -> None:
    if not target.exists() or not any(target.iterdir()):
        new.replace(target)
    elif not _exchange(new, target):
        # without an atomic exchange (not Linux), the old folder is moved aside for an instant
        aside = target.parent / f".{target.name}.old"
        shutil.rmtree(aside, ignore_errors=True)  # left by a killed process
        target.rename(aside)
        new.rename(target)
        shutil.rmtree(aside)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders atomically with Linux's renameat2; return whether that was possible."""
    try:
        renameat2 = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    result: int = renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    return result == 0


def _sync(folder: Path) -> None:
    """Flush the files to disk before the rename, so that a power cut cannot leave empty files."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def link_target(path: Path) -> Path:
    """Resolve a symbolic link, also one to a path that does not exist yet.

    Raises:
        OutputExistsError: The link is circular, or the name is too long.
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_symlink():
        raise OutputExistsError(f"{path} is a circular symbolic link", hint="another name")
    if (length := len(os.fsencode(target.name))) > _MAX_TARGET_NAME:
        raise OutputExistsError(
            f"{cut(target.name)} is too long for a name",
            found=f"{length} bytes",
            expected=f"{_MAX_TARGET_NAME} at most",
            hint="a shorter name",
        )
    return target


def check_new_file(path: Path, *, overwrite: bool) -> Path:
    """Check that a file may be written, before its content is computed.

    Returns:
        The file to write: `path`, or its target if it is a symbolic link.

    Raises:
        OutputExistsError: It exists and `overwrite` is false; it is a folder, device, pipe or socket; or its folder is
            missing or not writable.
    """
    if as_path(path, "the file to write").is_dir():
        raise OutputExistsError(f"{path} is a folder", expected="the name of a file")
    if path.exists() and not path.is_file():
        raise OutputExistsError(f"{path} is a device, a pipe or a socket", expected="the name of a file")
    if path.exists() and not overwrite:
        hint = Advice("another name, or ", Setting("overwrite", True))
        raise OutputExistsError(f"{path} already exists and was not changed", hint=hint)
    target = link_target(path)
    folder = target.absolute().parent
    if not folder.is_dir():
        raise OutputExistsError(
            f"{path} cannot be written, as there is no folder {target.parent}", hint="another place"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputExistsError(f"{path} cannot be written, as its folder is not writable", hint="another place")
    return target


def write_json(path: Path, content: Mapping[str, Any], *, overwrite: bool) -> None:
    """Write an indented JSON file; see `write_text`."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n", overwrite=overwrite)


def write_text(path: Path, text: str, *, overwrite: bool) -> None:
    """Write a file as UTF-8, without changing line ends; see `write_bytes`."""
    write_bytes(path, text.encode(), overwrite=overwrite)


def write_bytes(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a file atomically. Concurrent writers wait for each other.

    Raises:
        OutputExistsError: See `check_new_file`; or the file cannot be written.
        DiskFullError: The disk is full; the old file stays.
    """
    target = check_new_file(path, overwrite=overwrite)
    partial = target.with_name(f".{target.name}.partial")
    full = full_disk_errors(partial, f"there is no space left to write {path}", hint="free space, or another place")
    with one_writer(target, patience=_LOCK_TIMEOUT_SECONDS):
        check_new_file(path, overwrite=overwrite)  # another writer may have just finished
        try:
            with full:
                partial.write_bytes(content)
                partial.replace(target)
        except OSError as error:
            partial.unlink(missing_ok=True)
            if isinstance(error, DiskFullError):
                raise
            raise OutputExistsError(f"{path} cannot be written", found=error.strerror, hint="another place") from None


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

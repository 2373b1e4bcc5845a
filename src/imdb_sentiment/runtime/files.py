"""Atomic writes of files and folders."""

import ctypes
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imdb_sentiment.errors import ConfigError, DiskFullError, OutputExistsError
from imdb_sentiment.runtime.disk_space import full_disk_errors, is_disk_full
from imdb_sentiment.runtime.lock import one_writer
from imdb_sentiment.runtime.messages import Advice, Setting, cut, quote

__all__ = [
    "LOCK_FILE",
    "METADATA_FILE",
    "as_path",
    "check_new_file",
    "check_output",
    "is_path",
    "link_target",
    "make_folder",
    "new_folder",
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

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def as_path(value: object, argument: str) -> Path:
    """Convert an argument to a path.

    Raises:
        ConfigError: It is not a path.
    """
    if not isinstance(value, str | os.PathLike) or "\0" in str(value) or not is_path(str(value)):
        raise ConfigError(f"{argument} must be a path", found=quote(value))
    return Path(value)


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
    """Write a file atomically, without changing line ends. Concurrent writers wait for each other.

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
                partial.write_text(text, encoding="utf-8", newline="")
                partial.replace(target)
        except OSError as error:
            partial.unlink(missing_ok=True)
            if isinstance(error, DiskFullError):
                raise
            raise OutputExistsError(f"{path} cannot be written", found=error.strerror, hint="another place") from None

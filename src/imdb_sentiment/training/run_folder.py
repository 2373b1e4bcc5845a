"""The folder of a run: one writer at a time, and room for its checkpoints."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.errors import DiskFullError, OutputExistsError
from imdb_sentiment.output import LOCK_FILE, make_folder

if TYPE_CHECKING:
    from torch import nn

__all__ = ["check_room", "checkpoint_bytes", "full_disk_errors", "locked"]

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FULL_SAID = ("No space left", "quota exceeded")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only run that writes to a folder, which is made if it is not there. May be nested in one process.

    The system lets go of the lock when the process ends, however it ends. A folder made here is taken away again if
    nothing was written to it.

    Raises:
        OutputExistsError: Another run is writing to it, or it cannot be made.
    """
    from filelock import FileLock, Timeout

    made = not folder.exists()
    make_folder(folder)
    lock = FileLock(folder.resolve() / LOCK_FILE, is_singleton=True, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise OutputExistsError(
            f"another run is writing to {folder}", expected="one run at a time", hint="wait for it, or another folder"
        ) from None
    try:
        yield
    finally:
        if made and [path.name for path in folder.iterdir()] == [LOCK_FILE]:
            shutil.rmtree(folder)
        lock.release()


def checkpoint_bytes(model: "nn.Module") -> int:
    """Return about how much a checkpoint takes: the weights, and AdamW's two moments of those that are learnt."""
    sizes = [(value.numel() * value.element_size(), value.requires_grad) for value in model.parameters()]
    return sum(size * (3 if learnt else 1) for size, learnt in sizes)


def check_room(folder: Path, model: "nn.Module", checkpoints: int) -> None:
    """Check before training that the checkpoints of a run will fit.

    Args:
        folder: Where they go.
        model: What is trained.
        checkpoints: The largest number of them at one time, less those that are there.

    Raises:
        DiskFullError: There is too little room.
    """
    free = shutil.disk_usage(folder).free
    needed = checkpoint_bytes(model) * checkpoints
    if free < needed:
        raise DiskFullError(
            f"the disk of {folder} has too little room for the checkpoints of this run",
            found=f"{_gigabytes(free)} free",
            expected=f"{_gigabytes(needed)}, for {checkpoints} checkpoint{'s' * (checkpoints > 1)} at a time",
            hint="a folder on another disk, or fewer checkpoints (keep_checkpoints, load_best_model_at_end)",
        )


@contextmanager
def full_disk_errors(partial: Path) -> Iterator[None]:
    """Turn what happens when the disk fills into one error, and remove what was half written.

    Raises:
        DiskFullError: `partial` could not be written for want of room.
    """
    try:
        yield
    except Exception as error:
        said = any(words in str(error) for words in _FULL_SAID)
        free = shutil.disk_usage(partial.parent).free
        written = sum(path.stat().st_size for path in partial.rglob("*") if path.is_file())
        shutil.rmtree(partial, ignore_errors=True)
        # torch's writer does not say why it failed
        if said or getattr(error, "errno", None) in _FULL or (isinstance(error, RuntimeError) and free < written):
            raise DiskFullError(
                f"the disk of {partial.parent} is full, and {partial.name} could not be written",
                found=f"{_gigabytes(free)} free",
                expected="room for one more checkpoint; those before it are whole",
                hint="make room, then go on with fit(resume=True) (--resume on the command line)",
            ) from error
        raise


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.3g} GB" if size >= 1e8 else f"{size / 1e6:.3g} MB"

"""Run folder: locking, and disk space for checkpoints."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.errors import DiskFullError
from imdb_sentiment.runtime.disk_space import disk_size, full_disk_errors
from imdb_sentiment.runtime.files import LOCK_FILE, make_folder
from imdb_sentiment.runtime.lock import one_writer
from imdb_sentiment.runtime.messages import Advice, Either

if TYPE_CHECKING:
    from torch import nn

__all__ = ["check_room", "checkpoint_bytes", "complete_or_removed", "locked"]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder against other runs, creating it if needed. Reentrant within a thread.

    A folder created here is removed again if nothing was written to it.

    Raises:
        OutputExistsError: Another run is writing to it, or it cannot be created.
    """
    created = not folder.exists()
    make_folder(folder)
    with one_writer(folder, lock=folder / LOCK_FILE, who="another run"):
        try:
            yield
        finally:
            if created and [path.name for path in folder.iterdir()] == [LOCK_FILE]:
                shutil.rmtree(folder)


def checkpoint_bytes(model: "nn.Module") -> int:
    """Estimate the size of a checkpoint: the weights, and AdamW's two moments of the trainable ones."""
    sizes = [(value.numel() * value.element_size(), value.requires_grad) for value in model.parameters()]
    return sum(size * (3 if trainable else 1) for size, trainable in sizes)


def check_room(folder: Path, model: "nn.Module", checkpoints: int) -> None:
    """Check before training that the checkpoints of a run fit on the disk.

    Args:
        folder: Folder for the checkpoints.
        model: Model to train.
        checkpoints: Largest number of additional checkpoints at one time.

    Raises:
        DiskFullError: There is too little space.
    """
    free = shutil.disk_usage(folder).free
    needed = checkpoint_bytes(model) * checkpoints
    if free < needed:
        raise DiskFullError(
            f"not enough disk space in {folder} for the checkpoints of this run",
            found=f"{disk_size(free)} free",
            expected=f"{disk_size(needed)}, for {checkpoints} checkpoint{'s' * (checkpoints > 1)} at a time",
            hint="a folder on another disk, or fewer checkpoints (save_total_limit, load_best_model_at_end)",
        )


@contextmanager
def complete_or_removed(partial: Path) -> Iterator[None]:
    """Remove a checkpoint if it cannot be written completely.

    Raises:
        DiskFullError: The disk is full.
    """
    try:
        with full_disk_errors(
            partial,
            f"the disk of {partial.parent} is full, and {partial.name} could not be written",
            expected="space for one more checkpoint; earlier checkpoints are complete",
            hint=Advice("free disk space, then ", Either("fit(resume=True)", "the same command with --resume")),
        ):
            yield
    except Exception:
        shutil.rmtree(partial, ignore_errors=True)
        raise

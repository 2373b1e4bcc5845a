"""The folder of a run: one writer at a time, and room for its checkpoints."""

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

__all__ = ["check_room", "checkpoint_bytes", "locked", "whole_checkpoint"]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let no other run write to a folder, which is made if it is not there. May be nested in one thread.

    A folder made here is taken away again if nothing was written to it.

    Raises:
        OutputExistsError: Another run is writing to it, or it cannot be created.
    """
    made = not folder.exists()
    make_folder(folder)
    with one_writer(folder, lock=folder / LOCK_FILE, who="another run"):
        try:
            yield
        finally:
            if made and [path.name for path in folder.iterdir()] == [LOCK_FILE]:
                shutil.rmtree(folder)


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
            found=f"{disk_size(free)} free",
            expected=f"{disk_size(needed)}, for {checkpoints} checkpoint{'s' * (checkpoints > 1)} at a time",
            hint="a folder on another disk, or fewer checkpoints (save_total_limit, load_best_model_at_end)",
        )


@contextmanager
def whole_checkpoint(partial: Path) -> Iterator[None]:
    """Remove a checkpoint that could not be written to its end.

    Raises:
        DiskFullError: It could not for want of room.
    """
    try:
        with full_disk_errors(
            partial,
            f"the disk of {partial.parent} is full, and {partial.name} could not be written",
            expected="room for one more checkpoint; those before it are whole",
            hint=Advice("make room, then ", Either("fit(resume=True)", "the same command with --resume")),
        ):
            yield
    except Exception:
        shutil.rmtree(partial, ignore_errors=True)
        raise

"""The folder of a run: its lock, its checkpoints, their room on the disk, and what can be resumed."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.errors import ConfigError, DiskFullError, OutputExistsError
from imdb_sentiment.runtime.files import LOCK_FILE, disk_size, full_disk_errors, make_folder, one_writer
from imdb_sentiment.runtime.messages import Advice, Either, quote
from imdb_sentiment.training.claiming import claimed
from imdb_sentiment.training.fold_scores import last_fold, recorded_run

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "RUN_RECORD",
    "Keep",
    "check_same_run",
    "checkpoint_bytes",
    "claimed_for_checkpoints",
    "complete_checkpoints",
    "complete_or_removed",
    "describe_resume_point",
    "finish",
    "locked",
    "newest_checkpoint",
    "prepare_folder",
    "prune",
    "recorded_precision",
    "resume_point",
]

RUN_RECORD = "RunRecord"
"""Name of the run's description in `trainer_state.json`."""

_COMPLETE = "complete.json"
_NAME = re.compile(r"checkpoint-(\d+)")


class Keep(NamedTuple):
    """Which checkpoints to keep."""

    newest: int
    """Number of newest checkpoints."""

    best: bool
    """Whether to also keep the best."""


@contextmanager
def temporary_folder(unfinished: Path | None) -> Iterator[Path]:
    """Yield a folder for a run whose checkpoints are not wanted afterwards.

    It is removed, unless the run breaks and can be resumed; a note of the exception then says where it is.

    Args:
        unfinished: Such a folder of a run that is to be resumed.
    """
    folder = unfinished or Path(tempfile.mkdtemp(prefix="imdb-sentiment-"))
    try:
        yield folder
    except BaseException as error:
        if point := resume_point(folder):
            error.add_note(
                f"The run is kept in {folder} ({describe_resume_point(point)}). To resume it, call fit(resume=True)"
                f" on the same object, or on SentimentFineTuner(..., output_dir={str(folder)!r})."
            )
        else:
            shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


def claimed_for_checkpoints(folder: Path, *, resume: bool) -> AbstractContextManager[None]:
    """Lock a folder for the checkpoints of a run; see `claimed`."""
    hint = "fit(resume=True) to resume the run in it, or another output_dir"
    return claimed(folder, locked(folder), resume=resume, purpose="the checkpoints of this run", hint=hint)


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


def finish(checkpoint: Path) -> None:
    """Sync a checkpoint to the disk, and mark it complete.

    The list of its files and their sizes is written last, atomically. A checkpoint without the list, or with a file of
    another size, is incomplete. `trainer_state.json`, which upstream writes last, is not enough: other processes write
    their random states after it, and a file may exist on the disk before its content.
    """
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file())
    for path in files:
        _sync(path)
    sizes = {path.relative_to(checkpoint).as_posix(): path.stat().st_size for path in files}
    partial = checkpoint / f"{_COMPLETE}.partial"
    partial.write_text(json.dumps(sizes, indent=2) + "\n", encoding="utf-8")
    _sync(partial)
    partial.rename(checkpoint / _COMPLETE)
    _sync(checkpoint)
    _sync(checkpoint.parent)


def complete_checkpoints(folder: Path) -> dict[int, Path]:
    """Return the complete checkpoints in `folder` by their step, the oldest first."""
    return {step: path for step, path in sorted(_checkpoints(folder).items()) if _is_complete(path)}


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint in `folder`, or None. Upstream does not check completeness."""
    return next(reversed(complete_checkpoints(folder).values()), None)


def resume_point(folder: Path) -> Path | None:
    """Return what a run can be resumed from: the newest complete checkpoint, or the file of the last finished fold."""
    return newest_checkpoint(folder) or last_fold(folder)


def describe_resume_point(path: Path) -> str:
    """Describe the result of `resume_point`."""
    return f"finished folds up to {path}" if path.is_file() else f"a complete checkpoint in {path}"


def prepare_folder(folder: Path, model: "nn.Module", keep: Keep) -> None:
    """Remove incomplete and damaged checkpoints, and check that those of a run will fit on the disk.

    Args:
        folder: Folder for the checkpoints.
        model: Model to train.
        keep: Which checkpoints the run keeps.

    Raises:
        OutputExistsError: A checkpoint belongs to another program; nothing was changed.
        DiskFullError: There is too little space.
    """
    found = _checkpoints(folder).values()
    for path in found:
        state = _state(path)
        if state and RUN_RECORD not in state.get("stateful_callbacks", {}):
            raise OutputExistsError(
                f"{path} was not written by this library, and was left as it is", hint="another output_dir"
            )
    for path in found:
        if not _is_complete(path):
            _remove(path)
    most = keep.newest + keep.best + 1  # the last is the one being written
    checkpoints = max(most - len(complete_checkpoints(folder)), 1)
    free, needed = shutil.disk_usage(folder).free, checkpoint_bytes(model) * checkpoints
    if free < needed:
        raise DiskFullError(
            f"not enough disk space in {folder} for the checkpoints of this run",
            found=f"{disk_size(free)} free",
            expected=f"{disk_size(needed)}, for {checkpoints} checkpoint{'s' * (checkpoints > 1)} at a time",
            hint="a folder on another disk, or fewer checkpoints (save_total_limit, load_best_model_at_end)",
        )


def checkpoint_bytes(model: "nn.Module") -> int:
    """Estimate the size of a checkpoint: the weights, and AdamW's two moments of the trainable ones."""
    sizes = [(value.numel() * value.element_size(), value.requires_grad) for value in model.parameters()]
    return sum(size * (3 if trainable else 1) for size, trainable in sizes)


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


def prune(folder: Path, keep: Keep, *, best_step: int | None) -> None:
    """Remove incomplete checkpoints, and those not to be kept.

    Args:
        folder: Folder of the checkpoints.
        keep: Which checkpoints to keep.
        best_step: Step of the best checkpoint, if known.
    """
    complete = complete_checkpoints(folder)
    kept = {*list(complete.values())[-keep.newest :]}
    if keep.best and best_step in complete:
        kept.add(complete[best_step])
    for path in _checkpoints(folder).values():
        if path not in kept:
            _remove(path)


def recorded_precision(point: Path) -> str | None:
    """Return the precision of a run, which a resumed run keeps.

    Args:
        point: A complete checkpoint, or the file of a finished fold.
    """
    precision: str | None = _recorded(point).get("precision_used")
    return precision


def check_same_run(point: Path, run: Mapping[str, Any]) -> None:
    """Check that a checkpoint belongs to a run.

    Args:
        point: A complete checkpoint, or the file of a finished fold.
        run: Description of the run.

    Raises:
        ConfigError: It was made with other data or another configuration.
    """
    recorded = _recorded(point)
    differing = [name for name, value in run.items() if recorded.get(name) != value]
    if differing:
        raise ConfigError(
            f"{point} belongs to another run, and cannot be resumed",
            found="; ".join(f"{name} was {quote(recorded.get(name))}" for name in differing),
            expected="; ".join(f"{name} is {quote(run[name])}" for name in differing),
            hint=Advice(
                "the data and the configuration of that run; or ",
                Either("another output_dir", "--overwrite, which discards it"),
            ),
        )


def _recorded(point: Path) -> dict[str, Any]:
    """Return the run's description in a checkpoint or a finished fold."""
    if point.is_file():
        return recorded_run(point)
    recorded: dict[str, Any] = _state(point).get("stateful_callbacks", {}).get(RUN_RECORD, {}).get("args", {})
    return recorded


def _state(checkpoint: Path) -> dict[str, Any]:
    """Return the content of `trainer_state.json`; empty if it is missing or damaged."""
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _checkpoints(folder: Path) -> dict[int, Path]:
    """Return all checkpoints in `folder` by their step, complete or not."""
    named = {path: _NAME.fullmatch(path.name) for path in folder.glob("checkpoint-*") if path.is_dir()}
    return {int(match[1]): path for path, match in named.items() if match}


def _remove(checkpoint: Path) -> None:
    (checkpoint / _COMPLETE).unlink(missing_ok=True)  # first, so that a partly removed checkpoint is incomplete
    shutil.rmtree(checkpoint, ignore_errors=True)


def _is_complete(checkpoint: Path) -> bool:
    try:
        sizes = json.loads((checkpoint / _COMPLETE).read_text(encoding="utf-8"))
        return bool(sizes) and all((checkpoint / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

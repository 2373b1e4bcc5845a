"""Completeness, resumption and retention of checkpoints."""

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from imdb_sentiment.errors import ConfigError, OutputExistsError
from imdb_sentiment.runtime.messages import Advice, Either, quote
from imdb_sentiment.training.fold_scores import last_fold, recorded_run

__all__ = [
    "RUN_RECORD",
    "Keep",
    "check_own_checkpoints",
    "check_same_run",
    "complete_checkpoints",
    "describe_resume_point",
    "finish",
    "newest_checkpoint",
    "prune",
    "recorded_precision",
    "remove_incomplete",
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


def check_own_checkpoints(folder: Path) -> None:
    """Check that no checkpoint in `folder` belongs to another program, since incomplete checkpoints are removed.

    Raises:
        OutputExistsError: One does; nothing was changed.
    """
    for path in _checkpoints(folder).values():
        state = _state(path)
        if state and RUN_RECORD not in state.get("stateful_callbacks", {}):
            raise OutputExistsError(
                f"{path} was not written by this library, and was left as it is", hint="another output_dir"
            )


def remove_incomplete(folder: Path) -> None:
    """Remove incomplete and damaged checkpoints."""
    for path in _checkpoints(folder).values():
        if not _is_complete(path):
            _remove(path)


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

"""Which checkpoint is complete, which a run can go on from, and which are kept."""

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
    "check_ours",
    "check_same_run",
    "complete_checkpoints",
    "describe_resume_point",
    "drop_unfinished",
    "finish",
    "newest_checkpoint",
    "prune",
    "recorded_precision",
    "resume_point",
]

RUN_RECORD = "RunRecord"
"""Name under which `trainer_state.json` keeps what the run was made of."""

_COMPLETE = "complete.json"
_NAME = re.compile(r"checkpoint-(\d+)")


class Keep(NamedTuple):
    """Which checkpoints stay."""

    newest: int
    """How many of the newest."""

    best: bool
    """And the best."""


def finish(checkpoint: Path) -> None:
    """Declare a checkpoint complete, once all that was written to it is on the disk.

    The list of its files and their sizes is written last, and put in place in one step. A checkpoint without the list,
    or with a file of another size, counts as not there. `trainer_state.json`, which upstream writes last, does not
    say that much: other processes write their random states after it, and a file may be on the disk before its content.
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
    """Return the complete checkpoints below `folder` by their step, the oldest first."""
    return {step: path for step, path in sorted(_checkpoints(folder).items()) if _is_complete(path)}


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint below `folder`, or None. Upstream's own choice goes by the number alone."""
    return next(reversed(complete_checkpoints(folder).values()), None)


def resume_point(folder: Path) -> Path | None:
    """Return from what a run can be resumed: the newest complete checkpoint, or the file of the last finished fold."""
    return newest_checkpoint(folder) or last_fold(folder)


def describe_resume_point(path: Path) -> str:
    """Say what `resume_point` has found."""
    return f"finished folds up to {path}" if path.is_file() else f"a complete checkpoint in {path}"


def check_ours(folder: Path) -> None:
    """Check that no checkpoint below `folder` is another program's: what is not complete would be removed.

    Raises:
        OutputExistsError: One is; nothing was touched.
    """
    for path in _checkpoints(folder).values():
        state = _state(path)
        if state and RUN_RECORD not in state.get("stateful_callbacks", {}):
            raise OutputExistsError(
                f"{path} was not written by this library, and was left as it is", hint="another output_dir"
            )


def drop_unfinished(folder: Path) -> None:
    """Remove the checkpoints that a killed run has left unfinished, or that were damaged since."""
    for path in _checkpoints(folder).values():
        if not _is_complete(path):
            _remove(path)


def prune(folder: Path, keep: Keep, *, best_step: int | None) -> None:
    """Remove the checkpoints that need not be kept, and those that were never finished.

    Args:
        folder: Where the checkpoints are.
        keep: Which stay.
        best_step: Step of the best checkpoint, if one is best.
    """
    complete = complete_checkpoints(folder)
    stay = {*list(complete.values())[-keep.newest :]}
    if keep.best and best_step in complete:
        stay.add(complete[best_step])
    for path in _checkpoints(folder).values():
        if path not in stay:
            _remove(path)


def recorded_precision(point: Path) -> str | None:
    """Return the precision that a run computes in, which it keeps when it is resumed.

    Args:
        point: A complete checkpoint of it, or the file of a finished fold.
    """
    precision: str | None = _recorded(point).get("precision_used")
    return precision


def check_same_run(point: Path, run: Mapping[str, Any]) -> None:
    """Check that what a run would be resumed from belongs to it.

    Args:
        point: A complete checkpoint, or the file of a finished fold.
        run: What the run is made of, as it should have been recorded there.

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
    """Return what the run of a checkpoint or of a finished fold was made of."""
    if point.is_file():
        return recorded_run(point)
    recorded: dict[str, Any] = _state(point).get("stateful_callbacks", {}).get(RUN_RECORD, {}).get("args", {})
    return recorded


def _state(checkpoint: Path) -> dict[str, Any]:
    """Return what upstream wrote last, or nothing if it is not there or not whole."""
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _checkpoints(folder: Path) -> dict[int, Path]:
    """Return all checkpoints below `folder` by their step, complete or not."""
    named = {path: _NAME.fullmatch(path.name) for path in folder.glob("checkpoint-*") if path.is_dir()}
    return {int(match[1]): path for path, match in named.items() if match}


def _remove(checkpoint: Path) -> None:
    (checkpoint / _COMPLETE).unlink(missing_ok=True)  # so that a half removed one never counts
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

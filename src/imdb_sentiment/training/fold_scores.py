"""Held-out scores of finished folds, so that a cross-validated run can be resumed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.runtime.files import write_json

__all__ = ["last_fold", "read_fold", "recorded_run", "write_fold"]

_PATTERN = "*-fold-*.json"


def write_fold(folder: Path, method: str, fold: int, run: Mapping[str, Any], logits: NDArray[np.float64]) -> None:
    """Write the logits of a fold and the run's description.

    Args:
        folder: Run folder.
        method: Method that was trained.
        fold: Number of the fold, from 1.
        run: Description of the run, as JSON values.
        logits: Logits of the fold's rows, of any shape.
    """
    write_json(_file(folder, method, fold), {"run": dict(run), "logits": logits.tolist()}, overwrite=True)


def read_fold(folder: Path, method: str, fold: int, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Return the logits of a fold; None if the file is missing or damaged."""
    try:
        logits = np.array(_content(_file(folder, method, fold)).get("logits"), dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return logits if logits.shape == shape and np.isfinite(logits).all() else None


def last_fold(folder: Path) -> Path | None:
    """Return the file of the last finished fold, if there is one."""
    finished = [path for path in folder.glob(_PATTERN) if _content(path)]
    return max(finished, key=lambda path: path.stat().st_mtime_ns, default=None)


def recorded_run(path: Path) -> dict[str, Any]:
    """Return the description of the run that a finished fold belongs to."""
    run: dict[str, Any] = _content(path)["run"]
    return run


def _file(folder: Path, method: str, fold: int) -> Path:
    return folder / f"{method}-fold-{fold}.json"


def _content(path: Path) -> dict[str, Any]:
    """Return the content of a file; empty if it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and isinstance(content.get("run"), dict) else {}

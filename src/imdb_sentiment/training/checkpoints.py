"""Which checkpoint a run can go on from."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imdb_sentiment.errors import ConfigError

__all__ = ["RUN_RECORD", "check_same_run", "newest_checkpoint"]

RUN_RECORD = "RunRecord"
"""Name under which `trainer_state.json` keeps what the run was made of."""

_NAME = re.compile(r"checkpoint-(\d+)")


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint below `folder`, or None.

    `transformers.Trainer` writes `trainer_state.json` last, so a checkpoint without a whole one was cut off while being
    written; upstream's own choice goes by the number alone.
    """
    complete = {
        int(match[1]): path
        for path in folder.glob("checkpoint-*")
        if (match := _NAME.fullmatch(path.name)) and _state(path) is not None
    }
    return complete[max(complete)] if complete else None


def check_same_run(checkpoint: Path, run: Mapping[str, Any]) -> None:
    """Check that a checkpoint belongs to the run that wants to go on from it.

    Args:
        checkpoint: A complete checkpoint.
        run: What the run is made of, as the checkpoint should have kept it: names to plain JSON values.

    Raises:
        ConfigError: The checkpoint was made with other data or another configuration.
    """
    callbacks = (_state(checkpoint) or {}).get("stateful_callbacks", {})
    recorded = callbacks.get(RUN_RECORD, {}).get("args", {})
    differing = [name for name, value in run.items() if recorded.get(name) != value]
    if differing:
        raise ConfigError(
            f"{checkpoint} belongs to another run, and cannot be gone on from",
            found="; ".join(f"{name} was {recorded.get(name)!r}" for name in differing),
            expected="; ".join(f"{name} is {run[name]!r}" for name in differing),
            hint="the data and the configuration of that run, or another output_dir",
        )


def _state(checkpoint: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None

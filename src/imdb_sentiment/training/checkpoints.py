"""Which checkpoint a run can go on from."""

import re
from pathlib import Path

__all__ = ["newest_checkpoint"]

_NAME = re.compile(r"checkpoint-(\d+)")


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint below `folder`, or None.

    `transformers.Trainer` writes `trainer_state.json` last, so a checkpoint without it was cut off while being
    written; upstream's own choice goes by the number alone.
    """
    complete = {
        int(match[1]): path
        for path in folder.glob("checkpoint-*")
        if (match := _NAME.fullmatch(path.name)) and (path / "trainer_state.json").is_file()
    }
    return complete[max(complete)] if complete else None

"""Output folder of a series of trainings, such as a cross-validation."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imdb_sentiment.errors import ConfigError
from imdb_sentiment.runtime.files import make_folder, one_writer, write_json
from imdb_sentiment.runtime.messages import Advice, Either
from imdb_sentiment.training.claiming import claimed

__all__ = ["rounds_folder"]

_PLACE = Either("output_dir", "--output")


@contextmanager
def rounds_folder(folder: Path, run: Mapping[str, Any], *, what: str, resume: bool) -> Iterator[None]:
    """Lock a folder for the rounds of one run, and record the run's description.

    Args:
        folder: The folder.
        run: Description of the run, as JSON values.
        what: Kind of run, such as `cross-validation`.
        resume: Allow finished rounds of the same run.

    Raises:
        OutputExistsError: The folder is not empty and `resume` is false, or another run is writing to it.
        ConfigError: It holds another run.
    """
    make_folder(folder.absolute().parent)
    hint = Advice(Either("resume=True", "--resume"), " to resume the run in it, or another ", _PLACE)
    with claimed(folder, one_writer(folder), resume=resume, purpose=f"this {what}", hint=hint):
        _start(folder, run, what)
        yield


def _start(folder: Path, run: Mapping[str, Any], what: str) -> None:
    path = folder / f"{what.replace('-', '_')}.json"
    if not path.exists():
        make_folder(folder)
        write_json(path, run, overwrite=True)
        return
    recorded = json.loads(path.read_text(encoding="utf-8"))
    if differing := [name for name in run if run[name] != recorded.get(name)]:
        raise ConfigError(
            f"{folder} holds another {what}",
            found=f"different {', '.join(differing)}",
            expected="the same rows and configuration",
            hint=Advice("another ", _PLACE),
        )

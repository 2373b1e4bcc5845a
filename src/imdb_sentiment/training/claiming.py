"""A folder claimed for a run: locked, and new or empty unless the run in it is resumed."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from imdb_sentiment.errors import OutputExistsError
from imdb_sentiment.runtime.files import LOCK_FILE

__all__ = ["claimed"]


@contextmanager
def claimed(
    folder: Path, lock: AbstractContextManager[None], *, resume: bool, purpose: str, hint: str
) -> Iterator[None]:
    """Lock a folder for a run, and check that it is new or empty unless the run is resumed.

    Args:
        folder: The folder.
        lock: Locks it; entered once.
        resume: Allow what an earlier run left there.
        purpose: What the folder is for, such as `this search`.
        hint: What to do instead, where it is not empty.

    Raises:
        OutputExistsError: It is not empty, or it cannot be locked.
    """
    if resume:
        with lock:
            yield
        return
    _check_empty(folder, purpose, hint)
    with lock:
        _check_empty(folder, purpose, hint)  # another run may have ended there just before
        yield


def _check_empty(folder: Path, purpose: str, hint: str) -> None:
    if folder.exists() and (not folder.is_dir() or any(path.name != LOCK_FILE for path in folder.iterdir())):
        raise OutputExistsError(
            f"{folder} is not empty and was not changed", expected=f"a new or empty folder for {purpose}", hint=hint
        )

"""Progress bars, shown on a terminal after two seconds."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["progress_bar"]

_DELAY_SECONDS = 2.0


def progress_bar(description: str, *, total: int, unit: str, initial: int = 0) -> "tqdm[Any]":
    """Return a progress bar on standard error, to be used as a context manager.

    Args:
        description: Name of the task, such as `"tokenizing"`.
        total: Number of units.
        unit: Name of a unit, in the singular.
        initial: Number of units already done.
    """
    from tqdm import tqdm

    # disable=None: silent when standard error is not a terminal
    return tqdm(
        desc=description,
        total=total,
        unit=unit,
        initial=initial,
        delay=_DELAY_SECONDS,
        disable=None,
        leave=False,
    )

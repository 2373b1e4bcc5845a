"""Progress bars, shown after two seconds: on a terminal, or as a widget in a notebook."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["progress_bar"]

_DELAY_SECONDS = 2.0


def progress_bar(description: str, *, total: int, unit: str, initial: int = 0) -> "tqdm[Any]":
    """Return a progress bar, to be used as a context manager.

    On a terminal it is a line on standard error. In Jupyter it is a widget, or where ipywidgets is not installed a line
    below the cell. Elsewhere, such as in a log, there is none.

    Args:
        description: Name of the task, such as `"tokenizing"`.
        total: Number of units.
        unit: Name of a unit, in the singular.
        initial: Number of units already done.
    """
    in_notebook = _in_notebook()
    return (_widget() if in_notebook else _line())(
        desc=description,
        total=total,
        unit=unit,
        initial=initial,
        delay=_DELAY_SECONDS,
        disable=False if in_notebook else None,  # None: silent when standard error is not a terminal
        leave=False,
    )


def _line() -> "type[tqdm[Any]]":
    from tqdm import tqdm

    return tqdm


def _widget() -> "type[tqdm[Any]]":
    try:
        import ipywidgets  # noqa: F401  - without it the other import succeeds, and its bar fails
        from tqdm.notebook import tqdm
    except ImportError:
        return _line()
    return tqdm


def _in_notebook() -> bool:
    """Return whether this process is a kernel of Jupyter, without importing IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return "IPKernelApp" in getattr(shell, "config", {})

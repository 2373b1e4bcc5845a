"""Draw plots: as SVG in the colours of the surrounding page, or on axes of matplotlib."""

import html
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.errors import ConfigError, MissingExtraError
from imdb_sentiment.reporting.plots import Plot
from imdb_sentiment.runtime.messages import quote
from imdb_sentiment.runtime.process_wide import WARNINGS_LOCK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Figure", "draw_on", "draw_svg"]

_INK = "#010203"
"""Placeholder for the page's text colour."""

_INK_STYLE: dict[Any, Any] = dict.fromkeys(
    ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color"), _INK
)
_FONTS: dict[Any, Any] = {"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}
_STYLE: dict[Any, Any] = {"text.parse_math": False, "legend.frameon": False}  # a dollar in a label's name is a dollar
_CANVAS: dict[str, Any] = {"figsize": (4.6, 3.4), "layout": "constrained"}


class Figure(NamedTuple):
    """A plot for a page."""

    title: str
    svg: str
    caption: str
    """Explanation, also used as the text alternative."""


def draw_svg(plot: Plot) -> Figure:
    """Draw a plot as an SVG element whose text and lines have the page's colour.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    _require_matplotlib()
    with _style({**_INK_STYLE, **_FONTS, "svg.hashsalt": plot.title}):  # ids are stable and differ between plots
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(**_CANVAS)
        canvas.patch.set_alpha(0)
        axes = canvas.add_subplot()
        axes.patch.set_alpha(0)
        _draw(plot, axes)
        file = io.StringIO()
        canvas.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    label = html.escape(f"{plot.title}. {plot.caption}")
    element = svg[svg.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    return Figure(plot.title, element.replace(_INK, "currentColor"), plot.caption)


def draw_on(plot: Plot, ax: "Axes | None") -> "Axes":
    """Draw a plot with its title on axes, in their colours, or on those of a new figure.

    Raises:
        ConfigError: `ax` is something else.
        MissingExtraError: matplotlib is not installed.
    """
    _require_matplotlib()
    from matplotlib.axes import Axes

    if ax is not None and not (isinstance(ax, Axes) and ax.name == "rectilinear"):
        raise ConfigError("ax is not one pair of axes", found=quote(ax), hint="fig, ax = plt.subplots()")
    # made before the style is set: pyplot sets up a notebook as it is imported, which would be undone with the style
    axes = _new_axes() if ax is None else ax
    with _style({}):
        _draw(plot, axes)
        axes.set_title(plot.title)
    return axes


def _draw(plot: Plot, axes: "Axes") -> None:
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_parse_math(False)  # on axes that were given, it was made before the style was set
    plot.draw(axes)


def _new_axes() -> "Axes":
    """Make a figure: of pyplot where that shows it and closes it, and else outside its list of open figures."""
    import matplotlib as mpl

    inline = "inline" in (mpl.get_backend(auto_select=False) or "")
    if inline or mpl.is_interactive():
        from matplotlib import pyplot as plt

        with WARNINGS_LOCK, warnings.catch_warnings():
            if inline:  # figures are closed at the end of the cell, however many they are
                warnings.filterwarnings("ignore", "More than", RuntimeWarning)
            return plt.figure(**_CANVAS).add_subplot()
    from matplotlib.figure import Figure as Canvas

    return Canvas(**_CANVAS).add_subplot()


@contextmanager
def _style(more: dict[Any, Any]) -> Iterator[None]:
    import matplotlib as mpl

    with WARNINGS_LOCK, mpl.rc_context({**_STYLE, **more}), warnings.catch_warnings():  # settings of the process
        warnings.filterwarnings("ignore", "Glyph")  # the font is the reader's
        yield


def _require_matplotlib() -> None:
    try:
        import matplotlib as mpl  # noqa: F401  - to see whether it is there
    except ImportError as error:
        hint = "pip install 'imdb-sentiment[report]'"
        raise MissingExtraError("plots need the extra 'report'", hint=hint) from error

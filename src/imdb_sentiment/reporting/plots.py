"""Curves of a report, and their drawing as SVG in the colours of the surrounding page, with captions."""

import html
import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.errors import MissingExtraError
from imdb_sentiment.runtime.messages import NOT_RECORDED
from imdb_sentiment.runtime.process_wide import WARNINGS_LOCK

__all__ = [
    "Coverage",
    "Curves",
    "Figure",
    "Marks",
    "Ranking",
    "Reliability",
    "Thresholds",
    "draw_curves",
    "draw_training",
]

_INK = "#010203"
"""Placeholder for the page's text colour."""

_BLUE, _ORANGE, _GREEN = "#3b7dd8", "#d9822b", "#2f9e6e"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar in a label's name is a dollar
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color"), _INK
    ),
}
_SIZE = (4.6, 3.4)
_ONE_SCORE = 2
"""Points of the ROC curve of a model with a constant score."""


class Reliability(NamedTuple):
    """Reliability curve; one item per bin in each array."""

    rows: NDArray[np.int64]

    probability: NDArray[np.float64]
    """Mean probability of the positive label."""

    share: NDArray[np.float64]
    """Share of positive rows."""


class Ranking(NamedTuple):
    """ROC and precision-recall curves, from the highest threshold on."""

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]

    recall: NDArray[np.float64]
    """Parallel to `precision`, but not to the rates."""

    precision: NDArray[np.float64]


class Thresholds(NamedTuple):
    """Metrics by threshold; one item per threshold in each array."""

    threshold: NDArray[np.float64]

    precision: NDArray[np.float64]
    """NaN where nothing is called positive."""

    recall: NDArray[np.float64]
    f1: NDArray[np.float64]


class Coverage(NamedTuple):
    """Accuracy by coverage when predictions below a confidence are left out."""

    confidence: NDArray[np.float64]
    """Lowest confidence kept, descending, shape (m,)."""

    share: NDArray[np.float64]
    """Share of rows kept, shape (m,)."""

    accuracy: NDArray[np.float64]
    """Accuracy on the kept rows, shape (m,)."""


class Curves(NamedTuple):
    """All curves of a report."""

    reliability: Reliability

    ranking: Ranking | None
    """None if one label is absent."""

    thresholds: Thresholds
    coverage: Coverage


class Figure(NamedTuple):
    """A plot for a page."""

    title: str
    svg: str
    caption: str
    """Explanation, also used as the text alternative."""


class Marks(NamedTuple):
    """Numbers marked in plots and named in captions."""

    positive: str
    """Name of the positive label."""

    positive_share: float
    threshold: float
    precision: float
    recall: float
    roc_auc: float | None
    average_precision: float | None
    calibration_error: float


def draw_curves(curves: Curves, marks: Marks, baselines: Sequence[tuple[str, Ranking]]) -> list[Figure]:
    """Draw all curves of a model.

    Args:
        curves: The curves.
        marks: What is marked on them.
        baselines: Name and curve of each simpler model.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    drawn = [_reliability(marks, curves), _thresholds(marks, curves), _coverage(curves)]
    if curves.ranking:
        drawn[1:1] = [_roc(marks, curves.ranking, baselines), _precision_recall(marks, curves.ranking)]
    return drawn


def _reliability(marks: Marks, curves: Curves) -> Figure:
    bins = curves.reliability
    positive = marks.positive

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=_INK, alpha=0.4, linestyle="--", linewidth=1)
        axes.plot(bins.probability, bins.share, color=_BLUE, marker="o", markersize=4)
        axes.set(xlabel=f"probability of {positive}", ylabel=f"share that is {positive}", xlim=(0, 1), ylim=(0, 1.01))

    caption = (
        f"Each point is a bin of about {int(bins.rows.mean()):,} rows. The dashed line is perfect "
        f"calibration; the mean distance from it is {marks.calibration_error:.3f}."
    )
    return _figure("Reliability", draw, caption)


def _roc(marks: Marks, ranking: Ranking, baselines: Sequence[tuple[str, Ranking]]) -> Figure:
    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=_INK, alpha=0.4, linestyle="--", linewidth=1)
        for name, other in baselines:
            if len(other.true_positive_rate) > _ONE_SCORE:
                line = {"color": _ORANGE, "linewidth": 1, "label": name}
                axes.plot(other.false_positive_rate, other.true_positive_rate, **line)
        axes.plot(ranking.false_positive_rate, ranking.true_positive_rate, color=_BLUE, label="this model")
        axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1.01))
        axes.legend(loc="lower right")

    caption = f"The area below the curve, ROC-AUC, is {marks.roc_auc:.4f}; chance is 0.5, the dashed line."
    return _figure("ROC curve", draw, caption)


def _precision_recall(marks: Marks, ranking: Ranking) -> Figure:
    def draw(axes: Any) -> None:
        axes.axhline(marks.positive_share, color=_INK, alpha=0.4, linestyle="--", linewidth=1)
        axes.plot(ranking.recall, ranking.precision, color=_BLUE)
        axes.plot([marks.recall], [marks.precision], "o", color=_ORANGE, label="at the threshold")
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.02))
        axes.legend(loc="lower left")

    caption = (
        f"The area below it, average precision, is {marks.average_precision:.4f}; chance is {marks.positive_share:.3f}."
    )
    return _figure("Precision and recall", draw, caption)


def _thresholds(marks: Marks, curves: Curves) -> Figure:
    cuts = curves.thresholds

    def draw(axes: Any) -> None:
        axes.plot(cuts.threshold, cuts.precision, color=_BLUE, label="precision")
        axes.plot(cuts.threshold, cuts.recall, color=_ORANGE, label="recall")
        axes.plot(cuts.threshold, cuts.f1, color=_GREEN, label="F1")
        axes.axvline(marks.threshold, color=_INK, alpha=0.5, linestyle=":", linewidth=1)
        axes.set(xlabel="threshold", ylabel=f"of {marks.positive}", xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(loc="lower center", ncols=3)

    caption = (
        f"A text is called {marks.positive} above {marks.threshold:.3g}, the dotted line. The curves show other "
        "thresholds on these rows; choose one on validation rows, not here."
    )
    return _figure("Threshold", draw, caption)


def _coverage(curves: Curves) -> Figure:
    curve = curves.coverage
    sentences = []
    for least in (0.8, 0.9):
        kept = int((curve.confidence >= least).sum())
        if kept:
            share, accuracy = curve.share[kept - 1], curve.accuracy[kept - 1]
            sentences.append(f"at {least:g} {share:.1%} of the rows are answered, {accuracy:.1%} of them correctly")

    def draw(axes: Any) -> None:
        axes.plot(curve.share, curve.accuracy, color=_BLUE)
        axes.set(xlabel="share of rows that are answered", ylabel="accuracy of the answers", xlim=(0, 1.01))

    gain = "Gain from leaving the least confident predictions to a person"
    return _figure("Abstaining", draw, f"{gain}: {'; '.join(sentences)}." if sentences else f"{gain}.")


def draw_training(history: Sequence[Any], kept_epoch: float | None, kept_because: str | None) -> Figure:
    """Draw the loss of each epoch.

    Args:
        history: `EpochRecord`s as plain types.
        kept_epoch: Epoch of the model's weights; None if not recorded.
        kept_because: Why that epoch.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    epochs = [record["epoch"] for record in history]
    train = [record["train_loss"] for record in history]
    held_out = [record["validation"]["log_loss"] for record in history]
    kept = None if kept_epoch is None else min(range(len(epochs)), key=lambda i: abs(epochs[i] - kept_epoch))

    def draw(axes: Any) -> None:
        axes.plot(epochs, train, color=_ORANGE, marker="o", label="training")
        axes.plot(epochs, held_out, color=_BLUE, marker="o", label="validation")
        if kept is not None:
            axes.axvline(epochs[kept], color=_INK, alpha=0.5, linestyle=":", linewidth=1)
        axes.set(xlabel="epoch", ylabel="log loss")
        axes.xaxis.get_major_locator().set_params(integer=len(epochs) == max(epochs))
        axes.legend()

    caption = (
        f"Log loss on validation was {held_out[0]:.3f} after epoch {epochs[0]:.4g} and {held_out[-1]:.3f} at the end. "
    )
    if kept is None:
        caption += f"Which epoch was kept is {NOT_RECORDED}."
    else:
        caption += f"Epoch {epochs[kept]:.4g} was kept, the dotted line ({kept_because}), with {held_out[kept]:.3f}."
    return _figure("Training", draw, caption)


@WARNINGS_LOCK  # and matplotlib's settings are those of the process
def _figure(title: str, draw: Callable[[Any], None], caption: str) -> Figure:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure as Canvas
    except ImportError as error:
        hint = "pip install 'imdb-sentiment[report]'"
        raise MissingExtraError("a report as a page needs the extra 'report'", hint=hint) from error
    with (
        mpl.rc_context({**_STYLE, "svg.hashsalt": title}),  # ids are stable and differ between plots
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "Glyph")  # the font is the reader's
        canvas = Canvas(figsize=_SIZE, layout="constrained")
        canvas.patch.set_alpha(0)
        axes = canvas.add_subplot()
        axes.patch.set_alpha(0)
        draw(axes)
        file = io.StringIO()
        canvas.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    label = html.escape(f"{title}. {caption}")
    element = svg[svg.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    return Figure(title, element.replace(_INK, "currentColor"), caption)

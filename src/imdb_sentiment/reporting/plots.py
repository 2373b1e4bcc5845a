"""Plots of a report: what each shows and says, on the axes of matplotlib."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from imdb_sentiment.reporting.curves import Curves, Ranking
from imdb_sentiment.runtime.messages import NOT_RECORDED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PLOT_NAMES", "Estimate", "Marks", "Plot", "PlotName", "curve_plots", "learning_plot", "training_plot"]

PlotName = Literal["reliability", "probabilities", "roc", "precision_recall", "threshold", "abstention", "training"]

PLOT_NAMES: tuple[PlotName, ...] = get_args(PlotName)
"""In the order of the page."""

_BLUE, _ORANGE, _GREEN = "#3b7dd8", "#d9822b", "#2f9e6e"
_UNSURE, _ROUNDING = (0.4, 0.6), 1e-9
_ONE_SCORE = 2
"""Points of the ROC curve of a model with a constant score."""


class Plot(NamedTuple):
    """A plot that can be drawn on any axes."""

    title: str

    caption: str
    """Explanation, also used as the text alternative."""

    draw: "Callable[[Axes], object]"


class Marks(NamedTuple):
    """Numbers marked in plots and named in captions."""

    negative: str
    """Name of the negative label."""

    positive: str
    """Name of the positive label."""

    positive_share: float
    threshold: float
    precision: float
    recall: float
    roc_auc: float | None
    average_precision: float | None
    calibration_error: float


class Estimate(NamedTuple):
    """Accuracy of models trained on a number of rows, with its 95 % interval."""

    rows: int
    accuracy: float
    low: float
    high: float


def curve_plots(curves: Curves, marks: Marks, baselines: Sequence[tuple[str, Ranking]]) -> dict[PlotName, Plot]:
    """Return the plots of a model's curves by name, in the order of the page.

    Args:
        curves: The curves; without a ranking there are no plots of it.
        marks: What is marked on them.
        baselines: Name and curve of each simpler model.
    """
    plots: dict[PlotName, Plot] = {
        "reliability": _reliability(marks, curves),
        "probabilities": _probabilities(marks, curves),
    }
    if curves.ranking:
        plots["roc"] = _roc(marks, curves.ranking, baselines)
        plots["precision_recall"] = _precision_recall(marks, curves.ranking)
    return plots | {"threshold": _thresholds(marks, curves), "abstention": _coverage(curves)}


def _reliability(marks: Marks, curves: Curves) -> Plot:
    bins = curves.reliability
    positive = marks.positive

    def draw(axes: "Axes") -> None:
        _diagonal(axes)
        axes.plot(bins.probability, bins.share, color=_BLUE, marker="o", markersize=4)
        axes.set(xlabel=f"probability of {positive}", ylabel=f"share that is {positive}", xlim=(0, 1), ylim=(0, 1.01))

    caption = (
        f"Each point is a bin of about {int(bins.rows.mean()):,} rows. The dashed line is perfect "
        f"calibration; the mean distance from it is {marks.calibration_error:.3f}."
    )
    return Plot("Reliability", caption, draw)


def _probabilities(marks: Marks, curves: Curves) -> Plot:
    bins = curves.histogram
    unsure = (bins.edges[:-1] >= _UNSURE[0] - _ROUNDING) & (bins.edges[1:] <= _UNSURE[1] + _ROUNDING)
    rows = int((bins.negative + bins.positive).sum())
    between = int((bins.negative + bins.positive)[unsure].sum())

    def draw(axes: "Axes") -> None:
        # one is filled and the other an outline, so that they are told apart without colours
        axes.stairs(bins.negative, bins.edges, fill=True, color=_ORANGE, alpha=0.5, label=f"truly {marks.negative}")
        axes.stairs(bins.positive, bins.edges, color=_BLUE, linewidth=1.6, label=f"truly {marks.positive}")
        _mark_at(axes, marks.threshold)
        axes.set(xlabel=f"probability of {marks.positive}", ylabel="rows", xlim=(0, 1))
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper center")

    low, high = _UNSURE
    caption = (
        f"How many rows of each label have which probability. Errors are those on the wrong side of the threshold, the "
        f"dotted line; {between / rows:.1%} of the rows have a probability between {low:g} and {high:g}."
    )
    return Plot("Probabilities", caption, draw)


def _roc(marks: Marks, ranking: Ranking, baselines: Sequence[tuple[str, Ranking]]) -> Plot:
    def draw(axes: "Axes") -> None:
        _diagonal(axes)
        for name, other in baselines:
            if len(other.true_positive_rate) > _ONE_SCORE:
                axes.plot(other.false_positive_rate, other.true_positive_rate, color=_ORANGE, linewidth=1, label=name)
        axes.plot(ranking.false_positive_rate, ranking.true_positive_rate, color=_BLUE, label="this model")
        axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1.01))
        axes.legend(loc="lower right")

    caption = f"The area below the curve, ROC-AUC, is {marks.roc_auc:.3f}; chance is 0.5, the dashed line."
    return Plot("ROC curve", caption, draw)


def _precision_recall(marks: Marks, ranking: Ranking) -> Plot:
    # chance is in view, and no part of the curve is cut off
    lowest = max(min(marks.positive_share, float(ranking.precision.min())) - 0.05, 0)

    def draw(axes: "Axes") -> None:
        axes.axhline(marks.positive_share, color=_ink(axes), alpha=0.4, linestyle="--", linewidth=1)
        axes.plot(ranking.recall, ranking.precision, color=_BLUE)
        axes.plot([marks.recall], [marks.precision], "o", color=_ORANGE, label="at the threshold")
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(lowest, 1.02))
        axes.legend()

    caption = (
        f"The area below it, average precision, is {marks.average_precision:.3f}; chance is {marks.positive_share:.3f}."
    )
    return Plot("Precision and recall", caption, draw)


def _thresholds(marks: Marks, curves: Curves) -> Plot:
    cuts = curves.thresholds

    def draw(axes: "Axes") -> None:
        axes.plot(cuts.threshold, cuts.precision, color=_BLUE, label="precision")
        axes.plot(cuts.threshold, cuts.recall, color=_ORANGE, label="recall")
        axes.plot(cuts.threshold, cuts.f1, color=_GREEN, label="F1")
        _mark_at(axes, marks.threshold)
        axes.set(xlabel="threshold", ylabel=f"of {marks.positive}", xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(loc="lower center", ncols=3)

    caption = (
        f"A text is called {marks.positive} above {marks.threshold:.3g}, the dotted line. The curves show other "
        "thresholds on these rows; choose one on validation rows, not here."
    )
    return Plot("Threshold", caption, draw)


def _coverage(curves: Curves) -> Plot:
    curve = curves.coverage
    sentences = []
    for least in (0.8, 0.9):
        kept = int((curve.confidence >= least).sum())
        if kept:
            share, accuracy = curve.share[kept - 1], curve.accuracy[kept - 1]
            sentences.append(f"at {least:g} {share:.1%} of the rows are answered, {accuracy:.1%} of them correctly")

    def draw(axes: "Axes") -> None:
        axes.plot(curve.share, curve.accuracy, color=_BLUE)
        axes.set(xlabel="share of rows that are answered", ylabel="accuracy of the answers", xlim=(0, 1.01))
        axes.set_ylim(top=min(axes.get_ylim()[1], 1.005))

    gain = "Gain from leaving the least confident predictions to a person"
    return Plot("Abstaining", f"{gain}: {'; '.join(sentences)}." if sentences else f"{gain}.", draw)


def training_plot(history: Sequence[Any], kept_epoch: float | None, kept_because: str | None) -> Plot:
    """Return the plot of the loss by epoch.

    Args:
        history: `EpochRecord`s as plain types.
        kept_epoch: Epoch of the model's weights; None if not recorded.
        kept_because: Why that epoch.
    """
    epochs = [record["epoch"] for record in history]
    train = [record["train_loss"] for record in history]
    held_out = [record["validation"]["log_loss"] for record in history]
    kept = None if kept_epoch is None else min(range(len(epochs)), key=lambda i: abs(epochs[i] - kept_epoch))

    def draw(axes: "Axes") -> None:
        axes.plot(epochs, train, color=_ORANGE, marker="o", label="training")
        axes.plot(epochs, held_out, color=_BLUE, marker="o", label="validation")
        if kept is not None:
            _mark_at(axes, epochs[kept])
        axes.set(xlabel="epoch", ylabel="log loss")
        axes.set_ylim(bottom=0)
        axes.locator_params("x", integer=len(epochs) == max(epochs))
        axes.legend()

    caption = (
        f"Log loss on validation was {held_out[0]:.3f} after epoch {epochs[0]:.4g} and {held_out[-1]:.3f} at the end. "
    )
    if kept is None:
        caption += f"Which epoch was kept is {NOT_RECORDED}."
    else:
        caption += f"Epoch {epochs[kept]:.4g} was kept, the dotted line ({kept_because}), with {held_out[kept]:.3f}."
    return Plot("Training", caption, draw)


def learning_plot(measured: Sequence[Estimate], forecast: Sequence[Estimate]) -> Plot:
    """Return the plot of the accuracy by the number of labelled rows.

    Args:
        measured: Models that were trained, by ascending number of rows.
        forecast: What is expected with more rows, ascending.
    """

    def draw(axes: "Axes") -> None:
        for part, line, fill, label in ((measured, "-", _BLUE, "measured"), (forecast, "--", "none", "forecast")):
            rows, accuracy, low, high = map(list, zip(*part, strict=True))
            # of few rows a forecast may lie outside of the interval of its resamples
            below = [max(value - end, 0) for value, end in zip(accuracy, low, strict=True)]
            above = [max(end - value, 0) for value, end in zip(accuracy, high, strict=True)]
            style: dict[str, Any] = {
                "color": _BLUE,
                "linestyle": line,
                "marker": "o",
                "markerfacecolor": fill,
                "capsize": 3,
            }
            axes.errorbar(rows, accuracy, yerr=(below, above), label=label, **style)
        numbers = [each.rows for each in (*measured, *forecast)]
        axes.set_xscale("log", base=2)
        axes.set_xticks(numbers, labels=[f"{number:,}" for number in numbers], rotation=45)
        axes.minorticks_off()
        axes.set(xlabel="labelled rows", ylabel="accuracy")
        axes.legend()

    most = forecast[-1]
    caption = (
        "Accuracy on held-out rows by the number of labelled rows, with 95 % intervals. Hollow points are forecasts "
        f"by a power law: about {most.accuracy:.1%} with {most.rows:,} rows."
    )
    return Plot("Learning curve", caption, draw)


def _diagonal(axes: "Axes") -> None:
    axes.plot([0, 1], [0, 1], color=_ink(axes), alpha=0.4, linestyle="--", linewidth=1)


def _mark_at(axes: "Axes", x: float) -> None:
    axes.axvline(x, color=_ink(axes), alpha=0.5, linestyle=":", linewidth=1)


def _ink(axes: "Axes") -> Any:
    """Return the colour of the text: of the page, or of the style that the axes were made in."""
    return axes.xaxis.label.get_color()

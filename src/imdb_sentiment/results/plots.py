"""Plots of an evaluation report, as a page and a notebook show them."""

from typing import TYPE_CHECKING, Any

from imdb_sentiment.errors import ConfigError, DataError, count_rows
from imdb_sentiment.reporting.drawing import draw_on
from imdb_sentiment.reporting.plots import PLOT_NAMES, Marks, Plot, PlotName, curve_plots, training_plot
from imdb_sentiment.runtime.messages import list_values, quote

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_report", "plots_of"]


def plots_of(report: Any) -> dict[PlotName, Plot]:
    """Return the plots for which an `EvaluationReport` has data; none if it has no rows."""
    if report.curves is None:
        return {}
    marks = Marks(
        negative=report.labels[0],
        positive=report.labels[1],
        positive_share=sum(report.confusion_matrix[1]) / report.rows,
        threshold=report.threshold,
        precision=report.precision,
        recall=report.recall,
        roc_auc=report.roc_auc,
        average_precision=report.average_precision,
        calibration_error=report.expected_calibration_error,
    )
    others = [
        (baseline.name, baseline.report.curves.ranking)
        for baseline in report.baselines
        if baseline.report.curves and baseline.report.curves.ranking
    ]
    plots = curve_plots(report.curves, marks, others)
    history = report.background.history if report.background else ()
    if len(history) > 1:  # one epoch is no curve
        plots["training"] = training_plot(history, report.kept_epoch, report.kept_because)
    return plots


def plot_report(report: Any, name: PlotName, ax: "Axes | None") -> "Axes":
    """Draw a plot of an `EvaluationReport`; see its method `plot`."""
    if name not in PLOT_NAMES:
        raise ConfigError(f"there is no plot {quote(name)}", expected=list_values(PLOT_NAMES))
    if plot := plots_of(report).get(name):
        return draw_on(plot, ax)
    report.require_rows()
    if name == "training":
        evaluations = len(report.background.history) if report.background else 0
        raise DataError(
            "the report does not know how the loss fell in training",
            found=f"{evaluations} evaluations on validation",
            expected="2 or more",
            hint="evaluate with SentimentFineTuner, or with a model that it saved",
        )
    label = report.labels[sum(report.confusion_matrix[1]) > 0]
    found = f"{count_rows(report.rows)}, all {quote(label)}"
    raise DataError(f"the plot {quote(name)} needs rows of both labels", found=found)

"""Covers reporting/curves.py, reporting/drawing.py, results/plots.py, and the plot of results/learning_curve.py.

What stands below a curve, and plots on axes of matplotlib.
"""

import io
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from imdb_sentiment import ConfigError, DataError, MissingExtraError
from imdb_sentiment.evaluation.report import metrics_of
from imdb_sentiment.reporting.drawing import draw_svg
from imdb_sentiment.reporting.plots import PLOT_NAMES, PlotName, training_plot
from imdb_sentiment.results import EvaluationReport, Forecast, Interval, LearningCurve, LearningPoint, MeasuredRows
from made_reports import LABELS, make_report


def history_of(losses: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {"epoch": float(epoch), "train_loss": 1 / epoch, "validation": {"log_loss": loss}}
        for epoch, loss in enumerate(losses, start=1)
    ]


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (1.0, "Epoch 1 was kept, the dotted line (lowest log_loss on validation), with 0.500."),
        (2.0, "Epoch 2 was kept, the dotted line (lowest log_loss on validation), with 0.411."),
        (3.0, "Epoch 3 was kept, the dotted line (lowest log_loss on validation), with 0.622."),
        (None, "Which epoch was kept is not recorded."),
    ],
)
def test_the_epoch_that_was_kept_is_told_and_not_the_last_one(kept: float | None, said: str) -> None:
    training = draw_svg(training_plot(history_of([0.5, 0.411, 0.622]), kept, "lowest log_loss on validation"))
    start = "Log loss on validation was 0.500 after epoch 1 and 0.622 at the end. "
    assert training.caption == start + said
    assert said in training.svg


def make_learning_curve() -> LearningCurve:
    points = [
        LearningPoint(rows=rows, accuracy=mean, interval=Interval(mean - 0.1, mean + 0.02), log_loss=0.4, seconds=3.2)
        for rows, mean in ((53, 0.61), (106, 0.7), (212, 0.74))
    ]
    return LearningCurve(
        points=tuple(points),
        now=Forecast(rows=265, accuracy=0.75, interval=Interval(0.76, 0.79)),  # which it lies outside of
        doubled=Forecast(rows=530, accuracy=0.78, interval=Interval(0.74, 0.83)),
        gain=0.03,
        gain_interval=Interval(0.01, 0.05),
        held_out=99,
        folds=3,
    )


def test_a_learning_curve_shows_what_was_measured_and_what_is_forecast() -> None:
    axes = make_learning_curve().plot()
    draw(axes)
    containers: list[Any] = list(axes.containers)
    measured, forecast = (container.lines[0] for container in containers)
    assert np.array(measured.get_data()).T.tolist() == [[53, 0.61], [106, 0.7], [212, 0.74]]
    assert np.array(forecast.get_data()).T.tolist() == [[265, 0.75], [530, 0.78]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["53", "106", "212", "265", "530"]
    assert axes.get_title() == "Learning curve"
    given = Figure().add_subplot()
    assert make_learning_curve().plot(given) is given
    with pytest.raises(ConfigError, match="ax is not one pair of axes"):
        make_learning_curve().plot("here")  # type: ignore[arg-type]


def draw(axes: Axes) -> None:
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.savefig(io.BytesIO())


def colours_of(axes: Axes) -> list[Any]:
    return [line.get_color() for line in axes.lines]


@pytest.mark.parametrize("name", PLOT_NAMES)
def test_a_plot_is_drawn_on_new_axes_that_pyplot_does_not_hold(name: PlotName) -> None:
    opened = plt.get_fignums()
    axes = make_report().plot(name)
    assert axes.get_title() in (
        "Reliability",
        "Probabilities",
        "ROC curve",
        "Precision and recall",
        "Threshold",
        "Abstaining",
        "Training",
    )
    assert axes.lines
    assert axes.get_xlabel()
    assert plt.get_fignums() == opened
    draw(axes)


def test_the_page_and_the_axes_show_the_same_curves() -> None:
    report = make_report()
    assert report.curves is not None
    assert report.curves.ranking is not None
    line = report.plot("roc").lines[-1]
    np.testing.assert_array_equal(line.get_xdata(), report.curves.ranking.false_positive_rate)
    np.testing.assert_array_equal(line.get_ydata(), report.curves.ranking.true_positive_rate)


def test_a_plot_goes_on_given_axes_in_their_style() -> None:
    with plt.style.context("dark_background"):
        figure, (left, right) = plt.subplots(1, 2)
    try:
        before = dict(rcParams)
        assert make_report().plot("reliability", ax=left) is left
        assert make_report().plot("precision_recall", right) is right
        assert dict(rcParams) == before
        assert colours_of(left)[0] == colours_of(right)[0] == "white"
        assert left.get_xlabel() == f"probability of {LABELS[1]}"
        assert left.figure is figure
        threshold = make_report().plot("threshold", left)
        assert threshold.get_ylabel() == f"of {LABELS[1]}"
        figure.canvas.draw()
    finally:
        plt.close(figure)


def test_a_dollar_in_a_label_is_a_dollar() -> None:
    report = replace(make_report(), labels=("no", "$x_{1$ or $y"))
    for name in ("reliability", "threshold"):
        draw(report.plot(name))  # as mathematics it would be an error


def test_what_was_trained_on_is_not_in_a_plot() -> None:
    report = replace(make_report(300), seen_rows=240, unseen=make_report(60))
    assert report.unseen is not None
    assert report.unseen.curves is not None
    line = report.plot("reliability").lines[-1]
    np.testing.assert_array_equal(line.get_xdata(), report.unseen.curves.reliability.probability)


one_label = metrics_of(MeasuredRows(np.array([0.2, 0.6, 0.4]), np.array([0, 0, 0])), names=("no", "yes"))


@pytest.mark.parametrize(
    ("report", "name", "ax", "error", "message"),
    [
        (
            make_report(60),
            "rocs",
            None,
            ConfigError,
            "no plot 'rocs'\n  expected: reliability, probabilities, roc, precision_recall, ",
        ),
        (make_report(60), ["roc"], None, ConfigError, "no plot \\['roc'\\]"),
        (make_report(60), "roc", [1, 2], ConfigError, "ax is not one pair of axes\n  found:    \\[1, 2\\]\n"),
        (
            EvaluationReport.from_dict(make_report(60).to_dict()),
            "roc",
            None,
            DataError,
            "without the rows they came from",
        ),
        (one_label, "roc", None, DataError, "'roc' needs rows of both labels\n  found:    3 rows, all 'no'"),
        (
            one_label,
            "training",
            None,
            DataError,
            "training\n  found:    0 evaluations on validation\n  expected: 2 or more",
        ),
    ],
)
def test_what_cannot_be_plotted_is_told(
    report: EvaluationReport, name: Any, ax: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        report.plot(name, ax)


def test_polar_axes_are_refused() -> None:
    polar = Figure().add_subplot(projection="polar")
    with pytest.raises(ConfigError, match="not one pair of axes"):
        make_report(60).plot("roc", polar)


def test_a_missing_matplotlib_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'imdb-sentiment\[report\]'"):
        make_report(60).plot("roc")

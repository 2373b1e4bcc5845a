"""Evaluation reports of a model on labelled rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from imdb_sentiment.errors import ConfigError, DataError, count_rows
from imdb_sentiment.reporting.curves import Curves
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.plots import PlotName
from imdb_sentiment.results.background import ModelProvenance
from imdb_sentiment.results.base import NOT_IN_DICT, Record, restore
from imdb_sentiment.results.behaviour import BehaviourReport
from imdb_sentiment.results.comparison import Comparison, Interval, flipped_warning
from imdb_sentiment.results.label_issues import LabelIssues
from imdb_sentiment.results.measured import ConfidentError, MeasuredRows, confident_errors, rows_frame
from imdb_sentiment.results.metric_tables import metric_frame, metric_rows
from imdb_sentiment.results.metrics import METRICS
from imdb_sentiment.results.plots import plot_report
from imdb_sentiment.results.report_views import report_fragment, report_markdown, report_text
from imdb_sentiment.results.slices import SliceReport, slice_frame
from imdb_sentiment.results.verdict import baseline_verdict, baselines_caveat, one_label_warning, verdict_of
from imdb_sentiment.runtime.files import as_path
from imdb_sentiment.runtime.messages import NOT_RECORDED, quote

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["BaselineReport", "EvaluationReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport(Record):
    """Metrics of a model on labelled rows.

    Precision, recall, F1 and average precision are those of the positive label. Precision, recall, F1 and Matthews
    correlation are 0 where they would divide by 0; tables show a dash for the first three.

    Example:
        ```python
        report = classifier.evaluate(texts, labels)
        print(report)
        report.save_html("report.html", overwrite=True)
        ```
    """

    labels: tuple[str, str]
    """Names of the negative and of the positive label."""

    seen_rows: int | None = None
    """Number of rows whose text was used for training or choosing the best epoch; None if unknown. On these rows,
    metrics reflect memorisation."""

    unseen: "EvaluationReport | None" = None
    """The report without those rows, which is the relevant one; None if all or none of the rows were seen."""

    rows: int
    """Number of rows."""

    cross_validated: bool = False
    """Whether these are out-of-fold predictions for the training rows. Method, penalty and temperature were chosen
    without the row's fold too, but a threshold for a goal was not. The saved model is trained on all of them."""

    accuracy: float
    """Share of rows predicted correctly."""

    balanced_accuracy: float
    """Mean recall of the two labels; 0.5 for a constant prediction. If one label is absent, the recall of the other."""

    precision: float
    """Share of positive rows among those predicted positive."""

    recall: float
    """Share of the positive rows that are predicted positive."""

    f1: float
    """Harmonic mean of precision and recall."""

    matthews_correlation: float
    """Correlation between true and predicted labels, from -1 to 1; 0 is chance. Symmetric in the labels."""

    roc_auc: float | None
    """Probability that a random positive row scores above a random negative one; None if one label is absent."""

    average_precision: float | None
    """Mean of the precision at each threshold, weighted by the increase in recall: the area under the precision-recall
    curve. Chance is the share of positive rows. None if one label is absent."""

    log_loss: float
    """Mean negative natural logarithm of the probability given to the true label, in nats; lower is better."""

    brier_score: float
    """Mean squared distance between the positive label's probability and 0 or 1; lower is better."""

    expected_calibration_error: float
    """Mean gap between probability and share of positive rows, over bins of equal mass. Chance keeps it above 0, which
    its interval accounts for."""

    custom_metrics: Mapping[str, float | None] = field(default_factory=dict)
    """Values of the metrics in `SentimentFineTuner(metrics=...)` by name; None if undefined for lack of a label."""

    confusion_matrix: tuple[tuple[int, int], tuple[int, int]]
    """Row counts by true label (rows) and predicted label (columns), negative first."""

    threshold: float = 0.5
    """Rows with a positive probability above it are predicted positive."""

    goal: str | None = None
    """Goal of the threshold on validation rows, such as `recall>=0.95`; None for a fixed threshold."""

    goal_reached: bool = True
    """Whether the goal was reached on validation rows."""

    numeric_precision: str | None = None
    """Numeric precision of the model: `fp32`, `bf16` or, exported, `int8`. In bf16, metrics differ in the fourth digit.
    None if not recorded."""

    kept_epoch: float | None = None
    """Epoch of the model's weights, as `FineTuneResult.kept_epoch`; None if not recorded."""

    kept_because: str | None = None
    """Why that epoch was kept."""

    intervals: Mapping[str, Interval] | None = None
    """95 % interval of each metric by name, if the rows determine one; None if only metrics were computed, as after
    each epoch."""

    baselines: "tuple[BaselineReport, ...]" = ()
    """Baselines on the same rows, if the training rows were available to fit them."""

    encoder_alone: "BaselineReport | None" = None
    """The encoder without the TF-IDF model on the same rows, if this is the report of an ensemble."""

    slices: tuple[SliceReport, ...] = ()
    """The rows divided by length, confidence and columns of the data."""

    behaviour: BehaviourReport | None = None
    """How the model reacts to changed texts; None if that was not checked."""

    labels_read_as: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The model's name for each label that the data spell differently: `{"pos": "positive"}`."""

    measured: MeasuredRows | None = field(default=None, repr=False, compare=False, metadata=NOT_IN_DICT)
    """The rows; None in a report read from a file, or with metrics only."""

    curves: Curves | None = field(default=None, repr=False, compare=False, metadata=NOT_IN_DICT)
    """Curves of the rows; None without rows."""

    background: ModelProvenance | None = field(default=None, repr=False, compare=False, metadata=NOT_IN_DICT)
    """Provenance of the model, for the page of the report."""

    def value_of(self, metric: str) -> float | None:
        """Return the value of a metric by name, including the user's own; None if it is undefined.

        Example:
            ```python
            assert report.value_of("f1") == report.f1
            ```
        """
        if metric in self.custom_metrics:
            return self.custom_metrics[metric]
        value: float | None = getattr(self, metric) if metric in METRICS else None
        return value

    def require_rows(self) -> MeasuredRows:
        """Return the rows.

        Raises:
            DataError: The report has no rows.
        """
        if self.measured is None:
            raise DataError(
                "this report has its metrics without the rows they came from", hint="evaluate again, with the texts"
            )
        return self.measured

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "EvaluationReport":
        """Create a report from the result of `to_dict`, without rows, curves and provenance."""
        report: EvaluationReport = restore(cls, plain)
        return report

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types, with its warnings and without the rows and texts of the data."""
        behaviour = self.behaviour and self.behaviour.without_given_texts()
        return Record.to_dict(replace(self, behaviour=behaviour)) | {"warnings": self.warnings()}

    def to_markdown(self) -> str:
        """Return verdict, metrics and slices as Markdown, without texts of the data."""
        return report_markdown(self)

    def save_html(
        self,
        path: str | PathLike[str],
        *,
        title: str = "Report",
        label_issues: LabelIssues | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write the report as one self-contained HTML page. Needs the extra `report`.

        Args:
            path: File to write.
            title: Heading of the page.
            label_issues: Result of `find_label_issues` to include.
            overwrite: Replace an existing file.

        Returns:
            The file.

        Raises:
            OutputExistsError: The file exists, or cannot be written.
            MissingExtraError: matplotlib or Jinja2 is not installed.
        """
        from imdb_sentiment.results.report_page import write_page

        file = as_path(path, "path")
        write_page(self, file, title=title, label_issues=label_issues, overwrite=overwrite)
        return file

    def metric_rows(self, *, corner: str = "", digits: int = 4) -> list[list[str]]:
        """Return the metrics as rows of text, with intervals and baselines; the first row is the header."""
        reports = self._beside_others("this model" if self.baselines or self.encoder_alone else "")
        return metric_rows(reports, self.intervals, positive=self.labels[1], corner=corner, digits=digits)

    def _beside_others(self, name: str) -> "dict[str, EvaluationReport]":
        others = [*filter(None, [self.encoder_alone]), *self.baselines]
        return {name: self, **{other.name: other.report for other in others}}

    def to_frame(self, of: Literal["metrics", "slices", "rows"] = "metrics") -> "pd.DataFrame":
        """Return a part of the report as a pandas frame.

        If the model was trained on some of the rows, the frame covers only the others, as the page does.

        Args:
            of: `metrics` has one row per metric: its value, the ends `low` and `high` of its interval, and the value of
                each baseline. `slices` has one row per slice. `rows` has the evaluated rows: their number, text, label,
                predicted label, and the probability of the positive label.

        Raises:
            ConfigError: There is no such part.
            DataError: The report has no rows, because it was read from a file.

        Example:
            ```python
            wrong = report.to_frame("rows").query("label != predicted")
            ```
        """
        shown = self.unseen or self
        if of == "metrics":
            return metric_frame(shown._beside_others(""), shown.intervals)
        if of == "slices":
            return slice_frame(shown.slices)
        if of == "rows":
            return rows_frame(shown.require_rows(), self.labels)
        raise ConfigError(f"there is no frame of {quote(of)}", expected="metrics, slices or rows")

    def _fragment(self) -> Fragment:
        return report_fragment(self)

    def computed_in(self) -> str:
        """Describe the precision that the metrics were computed in."""
        precision = self.numeric_precision
        return f"numeric precision {NOT_RECORDED}" if precision is None else f"computed in {precision}"

    def verdict(self) -> list[str]:
        """Return the conclusions in sentences, the most important first.

        They are about the unseen rows if the model was trained on some of them.
        """
        return [conclusion.sentence for conclusion in verdict_of(self)]

    def baselines_caveat(self) -> str | None:
        """Return a caveat about the comparison with baselines, if any."""
        return baselines_caveat(self)

    def confident_errors(self, *, count: int = 10) -> list[ConfidentError]:
        """Return the most confident errors in descending order of confidence, of both labels; none without rows."""
        if self.measured is None:
            return []
        explanations = self.background.explanations if self.background else {}
        return confident_errors(self.measured, self.labels, explanations, count=count)

    def plot(self, name: PlotName, ax: "Axes | None" = None) -> "Axes":
        """Draw one of the plots of the page with matplotlib. Needs the extra `report`.

        If the model was trained on some of the rows, the plot covers only the others, as the page does.

        Args:
            name: `reliability`, `probabilities`, `roc`, `precision_recall`, `threshold`, `abstention` or `training`.
            ax: Axes to draw on, in the colours of their style; by default those of a new figure, which a notebook shows
                below the cell. Elsewhere, the figure is not registered with pyplot and need not be closed.

        Returns:
            The axes, for further drawing or saving: `report.plot("roc").figure.savefig("roc.png")`.

        Raises:
            ConfigError: There is no plot of this name, or `ax` is something else.
            DataError: The report lacks the data of the plot.
            MissingExtraError: matplotlib is not installed.

        Example:
            ```python
            report.plot("roc").figure.savefig("roc.png")
            ```
        """
        return plot_report(self.unseen or self, name, ax)

    def __str__(self) -> str:
        if self.unseen is None:
            return report_text(self)
        remembered = "Including them, where metrics also reflect memorisation:"
        return "\n".join([f"Without the {self._seen()}:", str(self.unseen), "", remembered, report_text(self)])

    def with_labels_read_as(self, read_as: Mapping[str, str]) -> "EvaluationReport":
        """Return a copy that records how the labels of the data were read."""
        unseen = self.unseen.with_labels_read_as(read_as) if self.unseen else None
        return replace(self, labels_read_as=read_as, unseen=unseen)

    def warnings(self) -> list[str]:
        """Return warnings about what may invalidate the metrics."""
        given = (self.flipped_warning(), self.seen_warning(), self.one_label_warning())
        return [warning for warning in given if warning]

    def one_label_warning(self) -> str | None:
        """Warn if all rows are predicted as one label although both occur."""
        return one_label_warning(self)

    def flipped_warning(self) -> str | None:
        """Warn if the labels of the data are probably flipped."""
        return flipped_warning(self.labels_read_as, accuracy=self.accuracy, rows=self.rows, roc_auc=self.roc_auc)

    def seen_warning(self) -> str | None:
        """Warn if the model was trained on some of the rows."""
        if not self.seen_rows:
            return None
        rest = "the metrics without them are shown separately" if self.unseen else "there are no others"
        return f"these are {self._seen()}; {rest}"

    def _seen(self) -> str:
        which = f"{self.seen_rows:,} of the {count_rows(self.rows)}"
        return f"{which} that the model was trained or its best epoch chosen on"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineReport(Record):
    """A baseline on the same rows."""

    name: str

    report: EvaluationReport

    comparison: Comparison
    """The baseline first, the model second."""

    train_rows: int | None = None
    """Number of its training rows; None if not recorded."""

    @property
    def is_better(self) -> bool:
        """Whether the baseline beats the model beyond chance, by accuracy or by a threshold-free metric."""
        return self._wins(-1)

    @property
    def is_beaten(self) -> bool:
        """Whether the model beats the baseline beyond chance by one of them, and is not beaten by the other."""
        return self._wins(1) and not self.is_better

    def _wins(self, sign: int) -> bool:
        """Return whether the model (1) or the baseline (-1) is better by one of the two."""
        comparison, ranking = self.comparison, self.comparison.ranking()
        comparable = comparison.unlike(self.name, "this model") is None
        more_accurate = comparison.beyond_chance and comparison.differences["accuracy"].value * sign > 0
        return (comparable and more_accurate) or (ranking is not None and ranking.sign == sign)

    @property
    def verdict(self) -> str:
        """Whether the model beats the baseline, by accuracy and by a threshold-free metric."""
        return baseline_verdict(self, self.comparison.ranking())

    @property
    def verdict_by_log_loss(self) -> str:
        """Whether the model beats the other one, by accuracy and by log loss."""
        return baseline_verdict(self, self.comparison.ranking_by("log_loss"))

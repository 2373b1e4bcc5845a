"""Results of training."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.audit import DataAudit
from imdb_sentiment.results.base import Record, frame_of
from imdb_sentiment.results.combination import CascadeChoice, EnsembleChoice
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.results.metrics import METRICS
from imdb_sentiment.results.splits import SplitSummary
from imdb_sentiment.results.tables import format_table, wrap
from imdb_sentiment.runtime.messages import quote, visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Calibration", "EpochRecord", "FineTuneResult", "MethodResult"]


_MIN_LABEL_ROWS = 8
_MIN_HELD_OUT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord(Record):
    """One evaluation during training."""

    epoch: float
    """Number of epochs so far, fractional within an epoch."""

    train_loss: float
    """Mean training loss since the previous evaluation: the cross-entropy in nats, unless the run has another loss;
    weighted if `FineTuneConfig.class_weight` is set."""

    validation: EvaluationReport
    """Metrics on the validation split."""

    seconds: float | None = None
    """Wall-clock seconds of training and evaluation so far, across resumes; None if unknown."""

    calibrated_log_loss: float | None = None
    """Validation log loss after temperature scaling, by which epochs are chosen; None if not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration(Record):
    """Temperature and threshold fitted to the validation split after training."""

    temperature: float
    """Divisor of the logits, applied to the saved head. Above 1, the model was overconfident."""

    threshold: float
    """Texts with a positive probability above it are predicted positive."""

    goal: str
    """Goal of the threshold; see `FineTuneConfig.threshold`."""

    reached: bool
    """Whether the goal was reached on validation rows."""

    before: EvaluationReport
    """The kept epoch on the validation split, at the threshold 0.5."""

    after: EvaluationReport
    """The same with temperature and threshold. As both were fitted to these rows, metrics on new rows may be worse.
    With cross-validation (`cross_validated`), method, penalty and temperature were chosen without the row's fold.
    """

    def __str__(self) -> str:
        before, after = self.before, self.after
        lines = wrap(
            f"calibrated on held-out rows: temperature {self.temperature:.3g}, log loss {before.log_loss:.4f} before "
            f"and {after.log_loss:.4f} after, calibration error {before.expected_calibration_error:.4f} before and "
            f"{after.expected_calibration_error:.4f} after"
        )
        if self.threshold != 0.5:
            lines.append(
                f"threshold {self.threshold:.4f} for {self.goal}{'' if self.reached else ', not reached'}: "
                f"precision {after.precision:.4f}, recall {after.recall:.4f} on validation"
            )
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResult(Record):
    """A method's metrics on the held-out rows by which methods are compared."""

    method: str
    """Name of the method."""

    log_loss: float
    """Mean log loss, in nats, after temperature scaling."""

    standard_error: float
    """Standard error of that mean."""

    accuracy: float
    """Accuracy at a threshold of 0.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuneResult(Record):
    """Result of `SentimentFineTuner.fit`.

    Example:
        ```python
        result = tuner.fit((texts, labels))
        print(result.calibration.temperature, result.settled)
        ```
    """

    history: tuple[EpochRecord, ...]
    """One record per evaluation; see `FineTuneConfig.evaluations_per_epoch`."""

    kept_epoch: float
    """The `epoch` of the record whose weights were kept."""

    kept_because: str
    """Why that epoch: the deciding metric, or that it was the last."""

    calibration: Calibration
    """Calibration after training, computed in fp32 like all metrics after training."""

    seconds: float
    """Wall-clock seconds of training, including evaluations."""

    splits: SplitSummary
    """Summary of the splits."""

    audit: DataAudit | None = None
    """Audit of the data; None for given `DataSplits`."""

    training_precision: str | None = None
    """Precision of training and of the metrics in `history`, `fp32` or `bf16`; None if not recorded."""

    method: str = "fine_tune"
    """Method of the kept model: `fine_tune`, `contrastive` or `probe`; see `FineTuneConfig.method`."""

    loss: str | None = None
    """Name of the loss function that was given, with its module; None for the cross-entropy."""

    compared: tuple[MethodResult, ...] = ()
    """Methods compared on held-out rows, including TF-IDF; empty if nothing was compared."""

    settled: Mapping[str, float] = field(default_factory=dict)
    """Values chosen for `FineTuneConfig` fields that are `auto`, by name."""

    cascade: CascadeChoice | None = None
    """Settings of the cascade; None unless `FineTuneConfig.cascade` is set."""

    ensemble: EnsembleChoice | None = None
    """Settings of the ensemble of the same two models; None without a cascade."""

    label_issues: int | None = None
    """Number of training labels that are probably wrong, which `SentimentFineTuner.label_issues` lists; None if the
    rows were not held out in turn, or the models are wrong too often to tell."""

    notes: tuple[str, ...] = ()
    """Remarks on the run, such as how the checkpoint's head was handled."""

    @property
    def validation(self) -> EvaluationReport:
        """Report of the final model on the validation split."""
        return self.calibration.after

    def warnings(self) -> list[str]:
        """Return warnings about the model, with advice."""
        counts, held_out = self.splits.rows["train"], self.validation
        rarer = min(counts, key=lambda label: counts[label])
        given = []
        if counts[rarer] < _MIN_LABEL_ROWS:
            given.append(
                f"there are only {count_rows(counts[rarer])} of {quote(rarer)} to train on; label at least "
                f"{_MIN_LABEL_ROWS}, better {4 * _MIN_LABEL_ROWS}"
            )
        if warning := held_out.one_label_warning():
            given.append(warning)
        given += self._simpler_is_as_good()
        if held_out.rows < _MIN_HELD_OUT:
            share = (held_out.accuracy * held_out.rows + 2) / (held_out.rows + 4)  # Agresti and Coull (1998)
            error = 1.96 * (share * (1 - share) / (held_out.rows + 4)) ** 0.5
            given.append(
                f"{count_rows(held_out.rows)} were held out, which determine the accuracy only to within {error:.0%}; "
                "label more rows before you compare models"
            )
        return given

    def _simpler_is_as_good(self) -> list[str]:
        """Compare the held-out log loss with that of TF-IDF and of the label shares."""
        chosen = next((result for result in self.compared if result.method == self.method), None)
        if chosen is None:
            return []
        words = self.compared[-1]
        share = sum(self.validation.confusion_matrix[1]) / self.validation.rows
        entropy = -sum(part * math.log(part) for part in (share, 1 - share) if part)
        if chosen.log_loss > entropy - chosen.standard_error:
            return [
                f"on held-out rows the model is no better than the share of the labels (log loss {chosen.log_loss:.3f} "
                f"against {entropy:.3f}); label more rows, and see how much they bring: learning_curve"
            ]
        if words.log_loss <= chosen.log_loss:
            return [
                f"on held-out rows {words.method} is as good (log loss {words.log_loss:.3f} against "
                f"{chosen.log_loss:.3f}); use that instead, as it costs far less"
            ]
        return []

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types, with its warnings."""
        return Record.to_dict(self) | {"warnings": self.warnings()}

    def to_frame(self) -> "pd.DataFrame":
        """Return the run as a pandas frame.

        It has one row per evaluation: `epoch`, `kept`, `train_loss`, `calibrated_log_loss`, `seconds`, and the metrics
        on validation. If there are no evaluations, as with few rows, it has one row per compared method.
        """
        import pandas as pd

        if not self.history:
            return frame_of(MethodResult, (result.to_dict() for result in self.compared))
        rows = [
            {
                "epoch": record.epoch,
                "kept": record.epoch == self.kept_epoch,
                "train_loss": record.train_loss,
                "calibrated_log_loss": record.calibrated_log_loss,
                "seconds": record.seconds,
                **{name: record.validation.value_of(name) for name in (*METRICS, *record.validation.custom_metrics)},
            }
            for record in self.history
        ]
        return pd.DataFrame(rows).astype({"calibrated_log_loss": float, "seconds": float})  # NaN for None

    def _fragment(self) -> Fragment:
        rows = self._epochs() if self.history else self._methods()
        table = Table("Evaluations on validation" if self.history else "Methods", rows)
        parts = [self.calibration, *filter(None, [self.cascade, self.ensemble])]
        chosen = [self._settled()] if self.settled else []
        sentences = [self._kept(), *(" ".join(str(part).split()) for part in parts), *chosen, *self._remarks()]
        folded = [part._fragment() for part in (self.splits, self.audit) if part]
        return Fragment("Fine-tuning", sentences, tables=[table], folded=folded)

    def _kept(self) -> str:
        kept = f"epoch {self.kept_epoch:.4g} ({self.kept_because})" if self.history else self.method
        return f"kept {kept} after {self.seconds:.0f} s of training"

    def _remarks(self) -> list[str]:
        notes = [*self.notes, *([f"the training loss is {self.loss}"] if self.loss else [])]
        if self.label_issues:
            labels = f"{self.label_issues:,} of the {sum(self.splits.rows['train'].values()):,} labels"
            lists = "SentimentFineTuner.label_issues, or imdb-sentiment label-issues, lists them"
            notes.append(f"{labels} {'is' if self.label_issues == 1 else 'are'} probably wrong; {lists}")
        return [f"warning: {warning}" for warning in self.warnings()] + [f"note: {note}" for note in notes]

    def __str__(self) -> str:
        lines = format_table(self._epochs() if self.history else self._methods())
        lines += wrap(self._settled()) if self.settled else []
        lines += [*wrap(self._kept()), str(self.calibration)]
        lines += [str(both) for both in (self.cascade, self.ensemble) if both]
        return visible("\n".join([*lines, *(line for sentence in self._remarks() for line in wrap(sentence))]))

    def _settled(self) -> str:
        values = ", ".join(f"{name} {value:g}" for name, value in self.settled.items())
        return f"chosen for these rows: {values}"

    def _epochs(self) -> list[list[str]]:
        custom = [*self.history[0].validation.custom_metrics]
        table = [["epoch", "train loss", "log loss", "calibrated", "accuracy", "F1", *custom]]
        for record in self.history:
            report = record.validation
            values = [record.train_loss, report.log_loss, record.calibrated_log_loss, report.accuracy, report.f1]
            values += [report.value_of(name) for name in custom]
            table.append([f"{record.epoch:.4g}", *("-" if value is None else f"{value:.4f}" for value in values)])
        return table

    def _methods(self) -> list[list[str]]:
        table = [["method, on held-out rows", "log loss", "std. error", "accuracy"]]
        for result in self.compared:
            values = (result.log_loss, result.standard_error, result.accuracy)
            table.append([result.method, *(f"{value:.4f}" for value in values)])
        return table

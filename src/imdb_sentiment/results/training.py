"""What came of the rows and of the training on them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.audit import DataAudit
from imdb_sentiment.results.base import record_to_dict
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.results.text_table import format_table, wrap
from imdb_sentiment.runtime.messages import quote, visible

__all__ = ["Calibration", "CascadeChoice", "EpochRecord", "FineTuneResult", "LeftOut", "MethodResult", "SplitSummary"]


_MIN_LABEL_ROWS = 8
_MIN_HELD_OUT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Rows of the source that are in no split, and why."""

    split: str
    """Split that the rows would have been in."""

    reason: str
    """Why they were left out."""

    rows: int
    """How many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSummary:
    """How the rows of a source became train, validation and test."""

    rows: Mapping[str, Mapping[str, int]]
    """Rows per split and label name."""

    left_out: tuple[LeftOut, ...]
    """Rows in no split, with the reason and the count; nothing else was left out."""

    test_overlap_rows: int
    """Training and validation rows whose text also stands in test, whether they were left out or kept."""

    notes: tuple[str, ...]
    """What else a reader should know of how the source was read."""

    folds: int = 0
    """In how many folds each training row is held out once; 0 where there is a validation split."""

    fingerprint: str
    """SHA-256 over texts and labels of each split; the order of the rows does not change it."""

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain JSON types."""
        return record_to_dict(self)

    def __str__(self) -> str:
        names = list(next(iter(self.rows.values())))
        table = [["split", *names, "rows"]]
        table += [
            [split, *(f"{n:,}" for n in by.values()), f"{sum(by.values()):,}"]
            for split, by in self.rows.items()
            if any(by.values())  # rows that are held out in turn make no validation split
        ]
        lines = format_table(table)
        if self.folds:
            missing = "no validation split" if any(self.rows["test"].values()) else "no validation and no test split"
            lines.append(f"{missing}: each training row is held out once, in {self.folds} folds")
        lines += [f"left out of {part.split}: {count_rows(part.rows)}, {part.reason}" for part in self.left_out]
        lines += [f"note: {note}" for note in self.notes]
        return visible("\n".join(lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """One evaluation of a run, at the end of an epoch or within it."""

    epoch: float
    """Passes over the training rows until then: 1.0 after the first, 0.5 halfway through it."""

    train_loss: float
    """Mean cross-entropy of the training steps since the evaluation before, in nats; weighted if
    `FineTuneConfig.class_weight` is set."""

    validation: EvaluationReport
    """The model on the validation split then."""

    seconds: float | None = None
    """Wall-clock seconds of training and evaluation until then, those before a break included; None if not known."""

    calibrated_log_loss: float | None = None
    """Log loss on the validation split once a temperature is fitted to it, by which epochs are chosen; None if not
    recorded."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        return record_to_dict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was fitted to the validation split after training; the weights stay as they are below the head."""

    temperature: float
    """The logits are divided by it, in the saved head itself. Above 1, the model was too sure of itself."""

    threshold: float
    """A text is called positive if its positive probability is above it."""

    goal: str
    """What the threshold was chosen for; see `FineTuneConfig.threshold`."""

    reached: bool
    """Whether the goal was met on validation."""

    before: EvaluationReport
    """The kept epoch on the validation split, at the threshold 0.5."""

    after: EvaluationReport
    """The same with temperature and threshold. As both were fitted to these rows, new rows may come out less well.
    Where each row was held out once (`cross_validated`), method, penalty and temperature were chosen without its fold.
    """

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        return record_to_dict(self)

    def __str__(self) -> str:
        before, after = self.before, self.after
        lines = wrap(
            f"calibrated on held-out rows: temperature {self.temperature:.3g}, log loss {before.log_loss:.4f} before "
            f"and {after.log_loss:.4f} after, calibration error {before.expected_calibration_error:.4f} before and "
            f"{after.expected_calibration_error:.4f} after"
        )
        if self.threshold != 0.5:
            lines.append(
                f"threshold {self.threshold:.4f} for {self.goal}{'' if self.reached else ', which none reaches'}: "
                f"precision {after.precision:.4f}, recall {after.recall:.4f} on validation"
            )
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeChoice:
    """How a quick model of hashed words goes together with the encoder, chosen on the validation split."""

    margin: float
    """How probable a label must be for the quick model to answer, where the threshold is 0.5; 1 for never. At another
    threshold the distance from it, in log odds, is the same."""

    blend: float
    """Share of the quick model in the log odds of the texts that the encoder reads."""

    answered: float
    """Share of the validation rows that the quick model answers."""

    accuracy: float
    """Of both together on the validation split; new rows may come out less well, as margin and blend fit these."""

    encoder_accuracy: float
    """Of the encoder alone on the same rows."""

    log_loss: float
    """Of both together on the validation split."""

    encoder_log_loss: float
    """Of the encoder alone on the same rows."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        return record_to_dict(self)

    def __str__(self) -> str:
        return (
            f"cascade: the quick model answers {self.answered:.0%} of validation,\n"
            f"  accuracy {self.encoder_accuracy:.4f} without and {self.accuracy:.4f} with it,\n"
            f"  log loss {self.encoder_log_loss:.4f} without and {self.log_loss:.4f} with it"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResult:
    """A method on the rows that were held out to choose between methods."""

    method: str
    """Name of the method."""

    log_loss: float
    """Mean log loss, in nats, once a temperature is fitted."""

    standard_error: float
    """Standard error of that mean."""

    accuracy: float
    """Share of rows with the right label, at the threshold 0.5."""

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return record_to_dict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuneResult:
    """What `SentimentFineTuner.fit` did."""

    history: tuple[EpochRecord, ...]
    """One record an evaluation; `FineTuneConfig.evaluations_per_epoch` says how many an epoch has."""

    kept_epoch: float
    """The `epoch` of the record whose weights the model has now."""

    kept_because: str
    """Why that epoch: the metric that chose it, or that it was the last."""

    calibration: Calibration
    """What was fitted to the validation split afterwards, computed in fp32 as every figure after training is."""

    seconds: float
    """Wall-clock seconds of training, evaluation after each epoch included."""

    splits: SplitSummary
    """The rows trained, validated and to be tested on."""

    audit: DataAudit | None = None
    """What was found in the data; None where `DataSplits` were given."""

    training_precision: str | None = None
    """Numbers that training computed with, `fp32` or `bf16`, and with it the figures of `history`; None if not
    recorded."""

    method: str = "fine_tune"
    """How the kept model was trained: `fine_tune`, `contrastive` or `probe`; see `FineTuneConfig.method`."""

    compared: tuple[MethodResult, ...] = ()
    """The methods that were compared on held-out rows, and TF-IDF beside them; empty where nothing was compared."""

    settled: Mapping[str, float] = field(default_factory=dict)
    """What fields of `FineTuneConfig` that are `auto` came to for so many rows and this encoder, by name."""

    cascade: CascadeChoice | None = None
    """What was prepared beside the encoder; None unless `FineTuneConfig.cascade` is set."""

    notes: tuple[str, ...] = ()
    """What else a reader should know of this run, such as how the checkpoint's head was treated."""

    @property
    def validation(self) -> EvaluationReport:
        """The model as it is now on the validation split."""
        return self.calibration.after

    def warnings(self) -> list[str]:
        """Say what makes this model doubtful, and what to do about it."""
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
                f"{count_rows(held_out.rows)} were held out, which tell the accuracy to within {error:.0%} only; "
                "label more rows before you compare models"
            )
        return given

    def _simpler_is_as_good(self) -> list[str]:
        """Compare with TF-IDF, and with the share of the labels, which are log losses on the same held-out rows."""
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
        """Return the result as plain JSON types, and the warnings with it."""
        return record_to_dict(self) | {"warnings": self.warnings()}

    def __str__(self) -> str:
        lines = format_table(self._epochs() if self.history else self._methods())
        if self.settled:
            told = ", ".join(f"{name} {value:g}" for name, value in self.settled.items())
            lines += wrap(f"chosen for these rows: {told}")
        kept = f"epoch {self.kept_epoch:.4g} ({self.kept_because})" if self.history else self.method
        lines.append(f"kept {kept} after {self.seconds:.0f} s of training")
        lines.append(str(self.calibration))
        if self.cascade:
            lines.append(str(self.cascade))
        remarks = [f"warning: {warning}" for warning in self.warnings()] + [f"note: {note}" for note in self.notes]
        return visible("\n".join([*lines, *(line for sentence in remarks for line in wrap(sentence))]))

    def _epochs(self) -> list[list[str]]:
        table = [["epoch", "train loss", "log loss", "calibrated", "accuracy", "F1"]]
        for record in self.history:
            report = record.validation
            values = (record.train_loss, report.log_loss, record.calibrated_log_loss, report.accuracy, report.f1)
            table.append([f"{record.epoch:.4g}", *("-" if value is None else f"{value:.4f}" for value in values)])
        return table

    def _methods(self) -> list[list[str]]:
        table = [["method, on held-out rows", "log loss", "std. error", "accuracy"]]
        for result in self.compared:
            values = (result.log_loss, result.standard_error, result.accuracy)
            table.append([result.method, *(f"{value:.4f}" for value in values)])
        return table

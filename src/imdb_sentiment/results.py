"""What the library hands back: frozen records that print well and turn into plain JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from imdb_sentiment.errors import count_rows
from imdb_sentiment.findings import DataAudit
from imdb_sentiment.text_table import format_table

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "METRICS",
    "EpochRecord",
    "EvaluationReport",
    "FineTuneResult",
    "LeftOut",
    "Prediction",
    "SplitSummary",
]


METRICS = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "matthews_correlation",
    "roc_auc",
    "average_precision",
    "log_loss",
)
"""The figures of an `EvaluationReport`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the classifier says of one text."""

    label: str
    """Name of the more probable label, as the training data spell it."""

    score: float
    """Probability of `label`, between 0.5 and 1."""

    probabilities: Mapping[str, float]
    """Probability of each label; they add up to 1."""

    truncated: bool
    """Whether the text was longer than the model reads, so that part of it was not seen."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport:
    """How well predictions agree with the true labels of some rows.

    Precision, recall, F1 and average precision are those of the positive label. Precision, recall, F1 and Matthews
    correlation are 0 where they would divide by 0.
    """

    labels: tuple[str, str]
    """Names of the negative and of the positive label."""

    rows: int
    """Number of rows measured on."""

    accuracy: float
    """Share of rows whose more probable label is the true one."""

    balanced_accuracy: float
    """Mean of the two labels' recalls, so that both count the same however rare one is; 0.5 for a model that always
    says the same label. The recall of the one label if the other is absent."""

    precision: float
    """Share of the rows called positive that are positive."""

    recall: float
    """Share of the positive rows that are called positive."""

    f1: float
    """Harmonic mean of precision and recall."""

    matthews_correlation: float
    """Correlation between true and predicted labels, from -1 to 1; 0 is chance. The same whichever label is called
    positive."""

    roc_auc: float | None
    """Probability that a random positive row scores above a random negative one; None if one label is absent."""

    average_precision: float | None
    """Mean of the precision at each threshold, weighted by how much recall rises there: the area below the
    precision-recall curve. Chance is the share of positive rows. None if one label is absent."""

    log_loss: float
    """Mean negative natural logarithm of the probability given to the true label, in nats; lower is better."""

    confusion_matrix: tuple[tuple[int, int], tuple[int, int]]
    """Counts of rows: true label down, predicted label across, negative before positive."""

    seen_rows: int | None = None
    """How many of the rows have a text that the model was trained on, or its best epoch chosen on; None if that is not
    known. On these rows the figures say what the model remembers."""

    unseen: "EvaluationReport | None" = None
    """The same figures without those rows; None if there are none such, or no others."""

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types."""
        return to_plain(self)

    def __str__(self) -> str:
        negative, positive = self.labels
        corner = "true \\ predicted"
        width = max(map(len, (corner, negative, positive)))
        (tn, fp), (fn, tp) = self.confusion_matrix
        columns = (max(len(negative), 6), max(len(positive), 6))
        return "\n".join(
            [
                f"accuracy              {self.accuracy:.4f}   ({count_rows(self.rows)})",
                f"balanced accuracy     {self.balanced_accuracy:.4f}",
                f"precision             {self.precision:.4f}   (of {positive})",
                f"recall                {self.recall:.4f}",
                f"F1                    {self.f1:.4f}",
                f"Matthews correlation  {self.matthews_correlation:.4f}",
                f"ROC-AUC               {_or_undefined(self.roc_auc)}",
                f"average precision     {_or_undefined(self.average_precision)}",
                f"log loss              {self.log_loss:.4f}",
                f"{corner:<{width}}  {negative:>{columns[0]}}  {positive:>{columns[1]}}",
                f"{negative:<{width}}  {tn:>{columns[0]}}  {fp:>{columns[1]}}",
                f"{positive:<{width}}  {fn:>{columns[0]}}  {tp:>{columns[1]}}",
                *(["", f"Without the {self._seen()}:", str(self.unseen)] if self.unseen else []),
            ]
        )

    def seen_warning(self) -> str | None:
        """Say how many rows the model knows, if it knows any."""
        if not self.seen_rows:
            return None
        rest = "the figures without them stand apart" if self.unseen else "there are no others"
        return f"these are {self._seen()}; {rest}"

    def _seen(self) -> str:
        which = f"{self.seen_rows:,} of the {count_rows(self.rows)}"
        return f"{which} that the model was trained or its best epoch chosen on"


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

    fingerprint: str
    """SHA-256 over texts and labels of each split; the order of the rows does not change it."""

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain JSON types."""
        return to_plain(self)

    def __str__(self) -> str:
        names = list(next(iter(self.rows.values())))
        table = [["split", *names, "rows"]]
        table += [[split, *(f"{n:,}" for n in by.values()), f"{sum(by.values()):,}"] for split, by in self.rows.items()]
        lines = format_table(table)
        lines += [f"left out of {part.split}: {count_rows(part.rows)}, {part.reason}" for part in self.left_out]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """One evaluation of a run, at the end of an epoch or within it."""

    epoch: float
    """Passes over the training rows until then: 1.0 after the first, 0.5 halfway through it."""

    train_loss: float
    """Mean cross-entropy of the training steps since the evaluation before, in nats; weighted if
    `FineTuneConfig.class_weights` is set."""

    validation: EvaluationReport
    """The model on the validation split then."""

    seconds: float | None = None
    """Wall-clock seconds of training and evaluation until then, those before a break included; None if not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuneResult:
    """What `SentimentFineTuner.fit` did."""

    history: tuple[EpochRecord, ...]
    """One record an evaluation; `FineTuneConfig.evaluations_per_epoch` says how many an epoch has."""

    kept_epoch: float
    """The `epoch` of the record whose weights the model has now."""

    kept_because: str
    """Why that epoch: the metric that chose it, or that it was the last."""

    seconds: float
    """Wall-clock seconds of training, evaluation after each epoch included."""

    splits: SplitSummary
    """The rows trained, validated and to be tested on."""

    audit: DataAudit | None = None
    """What was found in the data; None where `DataSplits` were given."""

    notes: tuple[str, ...] = ()
    """What else a reader should know of this run, such as how the checkpoint's head was treated."""

    @property
    def validation(self) -> EvaluationReport:
        """The kept epoch's report on the validation split."""
        return min(self.history, key=lambda record: abs(record.epoch - self.kept_epoch)).validation

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return to_plain(self)

    def __str__(self) -> str:
        table = [["epoch", "train loss", "log loss", "accuracy", "F1"]]
        for record in self.history:
            report = record.validation
            values = (record.train_loss, report.log_loss, report.accuracy, report.f1)
            table.append([f"{record.epoch:.4g}", *(f"{value:.4f}" for value in values)])
        lines = format_table(table)
        lines.append(f"kept epoch {self.kept_epoch:.4g} ({self.kept_because}) after {self.seconds:.0f} s of training")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def _or_undefined(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"


def to_plain(record: "DataclassInstance") -> dict[str, Any]:
    """Turn a record into a dictionary with lists for tuples, so that it equals its JSON read back."""
    plain: dict[str, Any] = _without_tuples(asdict(record))
    return plain


def _without_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_tuples(item) for key, item in value.items()}
    return [_without_tuples(item) for item in value] if isinstance(value, (list, tuple)) else value

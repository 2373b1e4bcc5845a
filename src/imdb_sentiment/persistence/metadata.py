"""imdb_sentiment.json: how a saved model was made."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from imdb_sentiment.data.cleaning import CLEANING_RULES
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.models.tokenization import TextEncoder, Truncation
from imdb_sentiment.results import Calibration, CascadeChoice, EvaluationReport
from imdb_sentiment.results.background import ModelProvenance
from imdb_sentiment.runtime.messages import NOT_RECORDED

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig, FineTuneConfig
    from imdb_sentiment.results import FineTuneResult

__all__ = ["SCHEMA_VERSION", "ModelMetadata", "describe", "describe_third_party"]

SCHEMA_VERSION = 1

_PACKAGES = ("imdb_sentiment", "torch", "transformers", "tokenizers", "datasets", "scikit-learn", "numpy")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class _Read(BaseModel):
    """What is read of a record that is kept as it was written."""


class _SplitsRead(_Read):
    class _Rows(_Read):
        model_config = ConfigDict(extra="allow")
        __pydantic_extra__: dict[str, dict[str, NonNegativeInt]]
        train: dict[str, NonNegativeInt]
        validation: dict[str, NonNegativeInt]

    rows: _Rows


class _EpochRead(_Read):
    class _Loss(_Read):
        log_loss: FiniteFloat

    epoch: FiniteFloat
    train_loss: FiniteFloat
    validation: _Loss


class _AuditRead(_Read):
    class _Finding(_Read):
        severity: str
        code: str
        count: NonNegativeInt
        split: str

    findings: list[_Finding]


def _has(kind: type[_Read]) -> AfterValidator:
    """Check that a record, if it is not empty, has what is read of it, and leave it as it is."""

    def check(record: dict[str, Any] | None) -> dict[str, Any] | None:
        if record:
            try:
                kind.model_validate(record, strict=True)
            except ValidationError as error:
                first = error.errors()[0]
                raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        return record

    return AfterValidator(check)


def _readable_report(report: dict[str, Any] | None) -> dict[str, Any] | None:
    """Check that a report can be read and written again."""
    if report is not None:
        try:
            str(EvaluationReport.from_dict(report))
        except Exception as error:  # of any kind, by what stands there
            raise ValueError(f"no report: {type(error).__name__}: {error}") from None
    return report


_Report = Annotated[dict[str, Any] | None, AfterValidator(_readable_report)]


class _MetricsRead(_Read):
    validation: _Report
    test: _Report


class Cleaning(_Section):
    """How texts are cleaned before they are cut into tokens; the saved tokenizer does it."""

    clean_text: bool
    rules: tuple[tuple[str, str], ...]


class LengthPolicy(_Section):
    """How many tokens the model reads, and what is kept of longer texts."""

    max_length: PositiveInt
    truncation: Truncation
    stock_pipeline: str


class CalibrationSection(_Section):
    """What was fitted to the validation split after training; see `Calibration`."""

    temperature: PositiveFloat
    threshold: Annotated[float, Field(gt=0, lt=1)]
    goal: Annotated[str, Field(pattern=r"^(max_f1|(precision|recall)>=(0?\.\d+|1|1\.0*)|[\d.e-]+)$")]
    reached: bool
    before: _Report
    """`EvaluationReport` on the validation split before."""


class CascadeSection(_Section):
    """How the quick model goes together with the encoder; see `CascadeChoice`."""

    margin: Annotated[float, Field(gt=0.5, le=1)]
    blend: Annotated[float, Field(ge=0, le=1)]
    answered: float
    accuracy: float
    encoder_accuracy: float
    log_loss: float
    encoder_log_loss: float


class ModelMetadata(_Section):
    """The content of `imdb_sentiment.json`: how a saved model was made. `model_dump()` gives plain JSON types.

    Of a model that was made elsewhere nothing is known of its training, and what would tell of it is empty.
    """

    schema_version: Literal[1] = 1
    """Raised when a reader of the old form could misread the new one; an unknown version is refused."""

    labels: LabelNames
    """Names of the negative and of the positive label."""

    text_columns: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    """Names of the columns that the model reads, in order: one, or the two of a pair."""

    base_model: str
    """`FineTuneConfig.model_name`."""

    cleaning: Cleaning
    """Whether texts are cleaned, and by which rules."""

    length_policy: LengthPolicy
    """How many tokens the model reads, what is kept of longer texts, and what a stock pipeline makes of them."""

    data_config: dict[str, Any]
    """`DataConfig` of the run; its `source` is null where the rows were given to `fit`."""

    fine_tune_config: dict[str, Any]
    """`FineTuneConfig` of the run."""

    method: str = "fine_tune"
    """`FineTuneResult.method`: how the model was trained."""

    compared: tuple[dict[str, Any], ...] = ()
    """`MethodResult` of each method that was compared on held-out rows."""

    warnings: tuple[str, ...] = ()
    """`FineTuneResult.warnings()`: what makes this model doubtful."""

    settled: dict[str, int | FiniteFloat] = {}
    """`FineTuneResult.settled`: what `auto` in `fine_tune_config` came to."""

    data_fingerprint: str
    """`SplitSummary.fingerprint`: the same for the same texts, labels and division."""

    splits: Annotated[dict[str, Any], _has(_SplitsRead)]
    """`SplitSummary`: rows per split and class, rows left out and why."""

    audit: Annotated[dict[str, Any] | None, _has(_AuditRead)]
    """What the audit found in the data, as counts and without a word of them, and the lengths in tokens; null where
    `DataSplits` were given to `fit`."""

    calibration: CalibrationSection
    """Temperature, which the head holds already, and threshold, which is to be applied; how they came about."""

    cascade: CascadeSection | None = None
    """Null unless the model was trained with `FineTuneConfig.cascade`."""

    history: tuple[Annotated[dict[str, Any], _has(_EpochRead)], ...]
    """`EpochRecord` of each evaluation of the run."""

    kept_epoch: float | None = None
    """`FineTuneResult.kept_epoch`: which record of `history` the weights are of. Null in a folder that was saved before
    this was recorded."""

    kept_because: str | None = None
    """`FineTuneResult.kept_because`: why that epoch."""

    training_precision: str | None = None
    """`FineTuneResult.training_precision`: numbers that training computed with. What `metrics` were computed with, they
    say themselves."""

    metrics: Annotated[dict[str, Any], _has(_MetricsRead)]
    """`EvaluationReport` of the finished model on `validation`, or by cross-validation, and on `test`; null if it was
    not measured."""

    seed: int | None
    """`FineTuneConfig.seed`."""

    versions: dict[str, str]
    """Versions of this library and of those that decide what a model computes."""

    export: dict[str, Any] | None = None
    """`ExportReport` of an exported model; null where the weights are PyTorch's."""

    def _kept(self) -> str:
        if self.kept_epoch is None:
            return NOT_RECORDED
        return f"{self.kept_epoch:.4g} ({self.kept_because})" if self.history else str(self.kept_because)

    def background(self) -> ModelProvenance:
        """Return what the page of a report says of the model."""
        told = {
            "encoder": self.base_model,
            "longest input": f"{self.length_policy.max_length} tokens ({self.length_policy.truncation})",
        }
        if self.splits:
            rows = {split: sum(by_label.values()) for split, by_label in self.splits["rows"].items()}
            missed = "" if self.calibration.reached else ", which no threshold reaches"
            told |= {
                "training rows": f"{rows['train']:,}",
                "rows held out to choose and calibrate by": f"{rows['validation'] or rows['train']:,}",
                "fingerprint of the data": self.data_fingerprint[:16],
                "method": self.method,
                "kept epoch": self._kept(),
                "precision of training": self.training_precision or NOT_RECORDED,
                "temperature": f"{self.calibration.temperature:.4g}",
                "threshold": f"{self.calibration.threshold:.4g} ({self.calibration.goal}{missed})",
                "seed": str(self.seed),
            }
        return ModelProvenance(
            provenance=told | {f"version of {name}": version for name, version in self.versions.items()},
            history=self.history,
            calibration=self.calibration.model_dump(),
            audit=self.audit,
            kept_epoch=self.kept_epoch,
            kept_because=self.kept_because,
            warnings=self.warnings,
            train_rows=sum(self.splits["rows"]["train"].values()) if self.splits else None,
        )


def describe(
    result: "FineTuneResult",
    test: "EvaluationReport | None",
    encoder: TextEncoder,
    *,
    labels: LabelNames,
    data_config: "DataConfig",
    config: "FineTuneConfig",
) -> ModelMetadata:
    """Say how a fitted model was made.

    Args:
        result: What its training came to.
        test: What `SentimentFineTuner.evaluate` returned, if it was called.
        encoder: Encodes its texts.
        labels: Names of the two labels.
        data_config: Where the data came from.
        config: How it learnt.
    """
    return ModelMetadata(
        labels=labels,
        text_columns=data_config.columns_of_text,
        base_model=config.model_name,
        cleaning=Cleaning(clean_text=config.clean_text, rules=CLEANING_RULES if config.clean_text else ()),
        length_policy=_describe_length(encoder),
        data_config=data_config.model_dump(mode="json"),
        fine_tune_config=config.model_dump(mode="json"),
        method=result.method,
        warnings=tuple(result.warnings()),
        compared=tuple(compared.to_dict() for compared in result.compared),
        settled=dict(result.settled),
        data_fingerprint=result.splits.fingerprint,
        splits=result.splits.to_dict(),
        audit=result.audit.summary_dict() if result.audit else None,
        calibration=_describe_calibration(result.calibration),
        cascade=_describe_cascade(result.cascade) if result.cascade else None,
        history=tuple(record.to_dict() for record in result.history),
        kept_epoch=result.kept_epoch,
        kept_because=result.kept_because,
        training_precision=result.training_precision,
        metrics=_describe_metrics(result.validation, test),
        seed=config.seed,
        versions=_library_versions(),
    )


def describe_third_party(name: str, encoder: TextEncoder, labels: LabelNames) -> ModelMetadata:
    """Say what is known of a model that was made elsewhere.

    Args:
        name: What the user called it.
        encoder: Encodes its texts.
        labels: What its own files call the two labels.
    """
    return ModelMetadata(
        labels=labels,
        text_columns=("text",),
        base_model=name,
        cleaning=Cleaning(clean_text=False, rules=()),
        length_policy=_describe_length(encoder),
        data_config={},
        fine_tune_config={},
        data_fingerprint="",
        splits={},
        audit=None,
        calibration=CalibrationSection(temperature=1.0, threshold=0.5, goal="0.5", reached=True, before=None),
        history=(),
        metrics={"validation": None, "test": None},
        seed=None,
        versions=_library_versions(),
    )


def _describe_metrics(validation: EvaluationReport, measured: EvaluationReport | None) -> dict[str, Any]:
    """File a cross-validation where it belongs: it is a report on no test split, but a fuller one on held-out rows."""
    if measured and measured.cross_validated:
        return {"validation": measured.to_dict(), "test": None}
    return {"validation": validation.to_dict(), "test": measured.to_dict() if measured else None}


def _describe_calibration(calibration: Calibration) -> CalibrationSection:
    return CalibrationSection(
        temperature=calibration.temperature,
        threshold=calibration.threshold,
        goal=calibration.goal,
        reached=calibration.reached,
        before=calibration.before.to_dict(),
    )


def _describe_cascade(choice: CascadeChoice) -> CascadeSection:
    return CascadeSection(**choice.to_dict())


def _describe_length(encoder: TextEncoder) -> LengthPolicy:
    kept = {"head": "keeps the same tokens", "tail": "keeps the same tokens", "head_tail": "keeps the head only"}
    stock = f"called with truncation=True, a stock pipeline {kept[encoder.truncation]} of longer texts"
    return LengthPolicy(max_length=encoder.max_length, truncation=encoder.truncation, stock_pipeline=stock)


def _library_versions() -> dict[str, str]:
    from importlib import metadata

    return {name: metadata.version(name) for name in _PACKAGES}

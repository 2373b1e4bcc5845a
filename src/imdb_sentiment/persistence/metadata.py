"""`imdb_sentiment.json`: metadata of a saved model."""

from importlib import metadata
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
from imdb_sentiment.models.tokenization import LongTexts, TextEncoder, Truncation
from imdb_sentiment.runtime.messages import NOT_RECORDED

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig, FineTuneConfig
    from imdb_sentiment.results.background import ModelProvenance
    from imdb_sentiment.results.evaluation import EvaluationReport
    from imdb_sentiment.results.training import FineTuneResult

__all__ = ["SCHEMA_VERSION", "CalibrationSection", "ModelMetadata", "describe", "describe_third_party"]

SCHEMA_VERSION = 1

_PACKAGES = ("imdb_sentiment", "torch", "transformers", "tokenizers", "datasets", "scikit-learn", "numpy")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class _Read(BaseModel):
    """Fields that are read from a record; others are kept as written."""


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
    """Check that a record, if it is not empty, has the fields that are read, without changing it."""

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
    """Check that a report can be parsed and printed."""
    if report is not None:
        from imdb_sentiment.results.evaluation import EvaluationReport

        try:
            str(EvaluationReport.from_dict(report))
        except Exception as error:  # any exception, depending on the content
            raise ValueError(f"not a valid report: {type(error).__name__}: {error}") from None
    return report


_Report = Annotated[dict[str, Any] | None, AfterValidator(_readable_report)]


class _MetricsRead(_Read):
    validation: _Report
    test: _Report


class Cleaning(_Section):
    """Cleaning of texts before tokenization, by the saved tokenizer."""

    clean_text: bool
    rules: tuple[tuple[str, str], ...]


class LengthPolicy(_Section):
    """Longest input in tokens, and truncation of longer texts."""

    max_length: PositiveInt
    truncation: Truncation
    long_texts: LongTexts = "truncate"
    stock_pipeline: str

    def describe(self) -> str:
        """Return it in words."""
        longer = "longer texts in windows" if self.long_texts == "windows" else self.truncation
        return f"{self.max_length} tokens ({longer})"


class CalibrationSection(_Section):
    """Calibration on the validation split; see `Calibration`."""

    temperature: PositiveFloat
    threshold: Annotated[float, Field(gt=0, lt=1)]
    goal: Annotated[str, Field(pattern=r"^(max_f1|(precision|recall)>=(0?\.\d+|1|1\.0*)|[\d.e-]+)$")]
    reached: bool
    before: _Report
    """`EvaluationReport` on the validation split before calibration."""


class CascadeSection(_Section):
    """Parameters of the cascade; see `CascadeChoice`."""

    margin: Annotated[float, Field(gt=0.5, le=1)]
    blend: Annotated[float, Field(ge=0, le=1)]
    answered: float
    accuracy: float
    encoder_accuracy: float
    log_loss: float
    encoder_log_loss: float


class EnsembleSection(_Section):
    """Parameters of the ensemble; see `EnsembleChoice`."""

    weight: Annotated[float, Field(ge=0, le=1)]
    temperature: PositiveFloat
    threshold: Annotated[float, Field(gt=0, lt=1)]
    reached: bool
    accuracy: float
    encoder_accuracy: float
    log_loss: float
    encoder_log_loss: float


class ModelMetadata(_Section):
    """The content of `imdb_sentiment.json`: how a saved model was trained. `model_dump()` returns JSON types.

    For a third-party model, the fields on training are empty.

    Example:
        ```python
        metadata = classifier.metadata
        print(metadata.labels, metadata.calibration.threshold)
        ```
    """

    schema_version: Literal[1] = 1
    """Incremented when an older reader could misread the file; an unknown version is refused."""

    labels: LabelNames
    """Names of the negative and of the positive label."""

    text_columns: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    """Names of the text columns: one, or the two of a pair."""

    base_model: str
    """`FineTuneConfig.model_name`."""

    cleaning: Cleaning
    """Whether texts are cleaned, and by which rules."""

    length_policy: LengthPolicy
    """Longest input in tokens, truncation of longer texts, and how a stock pipeline truncates them."""

    data_config: dict[str, Any]
    """`DataConfig` of the run; its `source` is null where the rows were given to `fit`."""

    fine_tune_config: dict[str, Any]
    """`FineTuneConfig` of the run."""

    method: str = "fine_tune"
    """`FineTuneResult.method`: how the model was trained."""

    loss: str | None = None
    """`FineTuneResult.loss`: name of the loss function that was given to the run; null for the cross-entropy."""

    compared: tuple[dict[str, Any], ...] = ()
    """`MethodResult` of each method that was compared on held-out rows."""

    warnings: tuple[str, ...] = ()
    """`FineTuneResult.warnings()`: reasons to doubt this model."""

    settled: dict[str, int | FiniteFloat] = {}
    """`FineTuneResult.settled`: resolved values of `auto` in `fine_tune_config`."""

    data_fingerprint: str
    """`SplitSummary.fingerprint`: the same for the same texts, labels and splits."""

    splits: Annotated[dict[str, Any], _has(_SplitsRead)]
    """`SplitSummary`: rows per split and class, rows left out and why."""

    audit: Annotated[dict[str, Any] | None, _has(_AuditRead)]
    """Findings of the data audit, as counts without texts, and the lengths in tokens; null if `DataSplits` were given
    to `fit`."""

    calibration: CalibrationSection
    """Temperature, already applied to the head, and decision threshold."""

    cascade: CascadeSection | None = None
    """Null unless the model was trained with `FineTuneConfig.cascade`."""

    ensemble: EnsembleSection | None = None
    """Null without a cascade, and in older folders."""

    history: tuple[Annotated[dict[str, Any], _has(_EpochRead)], ...]
    """`EpochRecord` of each evaluation of the run."""

    kept_epoch: float | None = None
    """`FineTuneResult.kept_epoch`: record of `history` that the weights belong to. Null in older folders."""

    kept_because: str | None = None
    """`FineTuneResult.kept_because`: why that epoch was kept."""

    training_precision: str | None = None
    """`FineTuneResult.training_precision`. The reports in `metrics` state their own precision."""

    metrics: Annotated[dict[str, Any], _has(_MetricsRead)]
    """`EvaluationReport` of the final model on `validation`, or by cross-validation, and on `test`; null if not
    evaluated."""

    seed: int | None
    """`FineTuneConfig.seed`."""

    versions: dict[str, str]
    """Versions of this library and of those that affect predictions."""

    export: dict[str, Any] | None = None
    """`ExportReport` of an exported model; null for a PyTorch model."""

    def background(self) -> "ModelProvenance":
        """Return the model's provenance for a report."""
        from imdb_sentiment.results.background import ModelProvenance

        provenance = {
            "encoder": self.base_model,
            "longest input": self.length_policy.describe(),
        }
        if self.splits:
            rows = {split: sum(by_label.values()) for split, by_label in self.splits["rows"].items()}
            missed = "" if self.calibration.reached else ", not reached by any threshold"
            kept = NOT_RECORDED if self.kept_epoch is None else str(self.kept_because)
            if self.kept_epoch is not None and self.history:
                kept = f"{self.kept_epoch:.4g} ({self.kept_because})"
            provenance |= {
                "training rows": f"{rows['train']:,}",
                "held-out rows for selection and calibration": f"{rows['validation'] or rows['train']:,}",
                "data fingerprint": self.data_fingerprint[:16],
                "method": self.method,
                **({"training loss": self.loss} if self.loss else {}),
                "kept epoch": kept,
                "training precision": self.training_precision or NOT_RECORDED,
                "temperature": f"{self.calibration.temperature:.4g}",
                "threshold": f"{self.calibration.threshold:.4g} ({self.calibration.goal}{missed})",
                "seed": str(self.seed),
            }
        return ModelProvenance(
            provenance=provenance | {f"version of {name}": version for name, version in self.versions.items()},
            history=self.history,
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
    """Return the metadata of a trained model; `test` is what `SentimentFineTuner.evaluate` returned, if called."""
    validation, calibration = result.validation, result.calibration
    if test and test.cross_validated:
        validation, test = test, None
    return ModelMetadata(
        labels=labels,
        text_columns=data_config.columns_of_text,
        base_model=config.model_name,
        cleaning=Cleaning(clean_text=config.clean_text, rules=CLEANING_RULES if config.clean_text else ()),
        length_policy=_describe_length(encoder),
        data_config=data_config.model_dump(mode="json"),
        fine_tune_config=config.model_dump(mode="json"),
        method=result.method,
        loss=result.loss,
        warnings=tuple(result.warnings()),
        compared=tuple(compared.to_dict() for compared in result.compared),
        settled=dict(result.settled),
        data_fingerprint=result.splits.fingerprint,
        splits=result.splits.to_dict(),
        audit=result.audit.summary_dict() if result.audit else None,
        calibration=CalibrationSection(
            temperature=calibration.temperature,
            threshold=calibration.threshold,
            goal=calibration.goal,
            reached=calibration.reached,
            before=calibration.before.to_dict(),
        ),
        cascade=CascadeSection(**result.cascade.to_dict()) if result.cascade else None,
        ensemble=EnsembleSection(**result.ensemble.to_dict()) if result.ensemble else None,
        history=tuple(record.to_dict() for record in result.history),
        kept_epoch=result.kept_epoch,
        kept_because=result.kept_because,
        training_precision=result.training_precision,
        metrics={"validation": validation.to_dict(), "test": test.to_dict() if test else None},
        seed=config.seed,
        versions=_library_versions(),
    )


def describe_third_party(name: str, encoder: TextEncoder, labels: LabelNames) -> ModelMetadata:
    """Return the metadata of a third-party model, which the user calls `name`."""
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


def _describe_length(encoder: TextEncoder) -> LengthPolicy:
    kept = {"head": "keeps the same tokens", "tail": "keeps the same tokens", "head_tail": "keeps the head only"}
    if encoder.long_texts == "windows":
        kept = {"head": "keeps the head only", "tail": "keeps the tail only", "head_tail": "keeps the head only"}
    stock = f"called with truncation=True, a stock pipeline {kept[encoder.truncation]} of longer texts"
    return LengthPolicy(
        max_length=encoder.max_length,
        truncation=encoder.truncation,
        long_texts=encoder.long_texts,
        stock_pipeline=stock,
    )


def _library_versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in _PACKAGES}

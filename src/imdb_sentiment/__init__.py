"""Fine-tune a binary text classifier you can trust.

The public names, and nothing else. They load when first used, so that importing the package is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str

    from imdb_sentiment.audit.dataset import audit_dataset
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.config import DataConfig, FineTuneConfig
    from imdb_sentiment.config.yaml_file import load_config, save_config
    from imdb_sentiment.cross_validation import CrossValidationReport, FoldResult, cross_validate
    from imdb_sentiment.data.splits import DataSplits
    from imdb_sentiment.errors import (
        ConfigError,
        DataError,
        DiskFullError,
        HubUnavailableError,
        ImdbSentimentError,
        InputError,
        MissingExtraError,
        ModelError,
        NotFittedError,
        OutputExistsError,
        TrainingDivergedError,
        TrainingInterruptedError,
    )
    from imdb_sentiment.evaluation.comparison import compare
    from imdb_sentiment.finetuner import SentimentFineTuner
    from imdb_sentiment.label_issues import find_suspects
    from imdb_sentiment.learning_curve import learning_curve
    from imdb_sentiment.persistence.metadata import ModelMetadata
    from imdb_sentiment.results import (
        BaselineReport,
        Calibration,
        CascadeChoice,
        Comparison,
        Difference,
        EpochRecord,
        EvaluationReport,
        Explanation,
        ExportReport,
        FileReport,
        FineTuneResult,
        Forecast,
        Interval,
        LabelSuspects,
        LearningCurve,
        LearningPoint,
        LeftOut,
        MeasuredRows,
        MethodResult,
        Prediction,
        SliceReport,
        SplitSummary,
        Suspect,
        WordContribution,
    )
    from imdb_sentiment.results.audit import DataAudit, Finding, TokenLengths

__all__ = [
    "BaselineReport",
    "Calibration",
    "CascadeChoice",
    "Comparison",
    "ConfigError",
    "CrossValidationReport",
    "DataAudit",
    "DataConfig",
    "DataError",
    "DataSplits",
    "Difference",
    "DiskFullError",
    "EpochRecord",
    "EvaluationReport",
    "Explanation",
    "ExportReport",
    "FileReport",
    "Finding",
    "FineTuneConfig",
    "FineTuneResult",
    "FoldResult",
    "Forecast",
    "HubUnavailableError",
    "ImdbSentimentError",
    "InputError",
    "Interval",
    "LabelSuspects",
    "LearningCurve",
    "LearningPoint",
    "LeftOut",
    "MeasuredRows",
    "MethodResult",
    "MissingExtraError",
    "ModelError",
    "ModelMetadata",
    "NotFittedError",
    "OutputExistsError",
    "Prediction",
    "SentimentClassifier",
    "SentimentFineTuner",
    "SliceReport",
    "SplitSummary",
    "Suspect",
    "TokenLengths",
    "TrainingDivergedError",
    "TrainingInterruptedError",
    "WordContribution",
    "audit_dataset",
    "compare",
    "cross_validate",
    "find_suspects",
    "learning_curve",
    "load_config",
    "save_config",
]

_HOMES = {
    "audit.dataset": ("audit_dataset",),
    "classifier": ("SentimentClassifier",),
    "config": ("DataConfig", "FineTuneConfig"),
    "config.yaml_file": ("load_config", "save_config"),
    "cross_validation": ("CrossValidationReport", "FoldResult", "cross_validate"),
    "data.splits": ("DataSplits",),
    "evaluation.comparison": ("compare",),
    "errors": (
        "ConfigError",
        "DataError",
        "DiskFullError",
        "HubUnavailableError",
        "ImdbSentimentError",
        "InputError",
        "MissingExtraError",
        "ModelError",
        "NotFittedError",
        "OutputExistsError",
        "TrainingDivergedError",
        "TrainingInterruptedError",
    ),
    "results.audit": ("DataAudit", "Finding", "TokenLengths"),
    "finetuner": ("SentimentFineTuner",),
    "learning_curve": ("learning_curve",),
    "persistence.metadata": ("ModelMetadata",),
    "results": (
        "BaselineReport",
        "Calibration",
        "CascadeChoice",
        "Comparison",
        "Difference",
        "EpochRecord",
        "EvaluationReport",
        "Explanation",
        "ExportReport",
        "FileReport",
        "FineTuneResult",
        "Forecast",
        "Interval",
        "LabelSuspects",
        "LearningCurve",
        "LearningPoint",
        "LeftOut",
        "MethodResult",
        "MeasuredRows",
        "Prediction",
        "SliceReport",
        "SplitSummary",
        "Suspect",
        "WordContribution",
    ),
    "label_issues": ("find_suspects",),
}
_HOME_OF = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version  # here, as it would double the time that importing the package takes

        return version(__name__)
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

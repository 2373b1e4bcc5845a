"""Fine-tune a binary text classifier you can trust.

The public names, and nothing else. They load when first used, so that importing the package is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str

    from imdb_sentiment.audit.dataset import audit_dataset
    from imdb_sentiment.behaviour.check import check_behaviour
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.config import DataConfig, FineTuneConfig
    from imdb_sentiment.config.yaml_file import load_config, save_config
    from imdb_sentiment.cross_validation import cross_validate
    from imdb_sentiment.data.data_like import DataSplits
    from imdb_sentiment.drift import check_drift
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
    from imdb_sentiment.hyperparameter_search import search
    from imdb_sentiment.label_issues import find_label_issues
    from imdb_sentiment.learning_curves import learning_curve
    from imdb_sentiment.persistence.metadata import ModelMetadata
    from imdb_sentiment.results.evaluation import EvaluationReport
    from imdb_sentiment.results.inference import Prediction
    from imdb_sentiment.results.training import FineTuneResult
    from imdb_sentiment.suggestions import suggest_rows

__all__ = [
    "ConfigError",
    "DataConfig",
    "DataError",
    "DataSplits",
    "DiskFullError",
    "EvaluationReport",
    "FineTuneConfig",
    "FineTuneResult",
    "HubUnavailableError",
    "ImdbSentimentError",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "ModelMetadata",
    "NotFittedError",
    "OutputExistsError",
    "Prediction",
    "SentimentClassifier",
    "SentimentFineTuner",
    "TrainingDivergedError",
    "TrainingInterruptedError",
    "audit_dataset",
    "check_behaviour",
    "check_drift",
    "compare",
    "cross_validate",
    "find_label_issues",
    "learning_curve",
    "load_config",
    "save_config",
    "search",
    "suggest_rows",
]

_HOMES = {
    "audit.dataset": ("audit_dataset",),
    "behaviour.check": ("check_behaviour",),
    "classifier": ("SentimentClassifier",),
    "config": (
        "DataConfig",
        "FineTuneConfig",
    ),
    "config.yaml_file": (
        "load_config",
        "save_config",
    ),
    "cross_validation": ("cross_validate",),
    "data.data_like": ("DataSplits",),
    "drift": ("check_drift",),
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
    "evaluation.comparison": ("compare",),
    "finetuner": ("SentimentFineTuner",),
    "hyperparameter_search": ("search",),
    "label_issues": ("find_label_issues",),
    "learning_curves": ("learning_curve",),
    "persistence.metadata": ("ModelMetadata",),
    "results.evaluation": ("EvaluationReport",),
    "results.training": ("FineTuneResult",),
    "results.inference": ("Prediction",),
    "suggestions": ("suggest_rows",),
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

"""Result records: frozen, printable and convertible to JSON."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imdb_sentiment.results.audit import DataAudit, Finding, TokenLengths
    from imdb_sentiment.results.comparison import Comparison, Difference, Interval
    from imdb_sentiment.results.cross_validation import CrossValidationReport, FoldResult
    from imdb_sentiment.results.evaluation import BaselineReport, EvaluationReport
    from imdb_sentiment.results.inference import Explanation, ExportReport, FileReport, Prediction, WordContribution
    from imdb_sentiment.results.label_issues import LabelIssue, LabelIssues
    from imdb_sentiment.results.learning_curve import Forecast, LearningCurve, LearningPoint
    from imdb_sentiment.results.measured import MeasuredRows
    from imdb_sentiment.results.slices import SliceReport
    from imdb_sentiment.results.training import (
        Calibration,
        CascadeChoice,
        EpochRecord,
        FineTuneResult,
        LeftOut,
        MethodResult,
        SplitSummary,
    )

__all__ = [
    "BaselineReport",
    "Calibration",
    "CascadeChoice",
    "Comparison",
    "CrossValidationReport",
    "DataAudit",
    "Difference",
    "EpochRecord",
    "EvaluationReport",
    "Explanation",
    "ExportReport",
    "FileReport",
    "Finding",
    "FineTuneResult",
    "FoldResult",
    "Forecast",
    "Interval",
    "LabelIssue",
    "LabelIssues",
    "LearningCurve",
    "LearningPoint",
    "LeftOut",
    "MeasuredRows",
    "MethodResult",
    "Prediction",
    "SliceReport",
    "SplitSummary",
    "TokenLengths",
    "WordContribution",
]

# They load when first used: a prediction does not need the report.
_HOMES = {
    "audit": (
        "DataAudit",
        "Finding",
        "TokenLengths",
    ),
    "comparison": (
        "Comparison",
        "Difference",
        "Interval",
    ),
    "cross_validation": (
        "CrossValidationReport",
        "FoldResult",
    ),
    "evaluation": (
        "BaselineReport",
        "EvaluationReport",
    ),
    "inference": (
        "Explanation",
        "ExportReport",
        "FileReport",
        "Prediction",
        "WordContribution",
    ),
    "label_issues": (
        "LabelIssue",
        "LabelIssues",
    ),
    "learning_curve": (
        "Forecast",
        "LearningCurve",
        "LearningPoint",
    ),
    "measured": ("MeasuredRows",),
    "slices": ("SliceReport",),
    "training": (
        "Calibration",
        "CascadeChoice",
        "EpochRecord",
        "FineTuneResult",
        "LeftOut",
        "MethodResult",
        "SplitSummary",
    ),
}
_HOME_OF = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

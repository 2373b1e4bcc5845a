"""Result records: frozen, printable and convertible to JSON."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imdb_sentiment.results.abstention import Abstention, NoAbstention
    from imdb_sentiment.results.audit import DataAudit, Finding, TokenLengths
    from imdb_sentiment.results.behaviour import BehaviourCheck, BehaviourExample, BehaviourReport
    from imdb_sentiment.results.combination import CascadeChoice, EnsembleChoice
    from imdb_sentiment.results.comparison import Comparison, Difference, Interval
    from imdb_sentiment.results.cross_validation import CrossValidationReport, FoldResult
    from imdb_sentiment.results.drift import AccuracyEstimate, DriftReport, ProbabilityShift, WordChange, WordShift
    from imdb_sentiment.results.evaluation import BaselineReport, EvaluationReport
    from imdb_sentiment.results.inference import (
        Explanation,
        ExportReport,
        FileReport,
        Prediction,
        Predictions,
        WordContribution,
    )
    from imdb_sentiment.results.label_issues import LabelIssue, LabelIssues
    from imdb_sentiment.results.learning_curve import Forecast, LearningCurve, LearningPoint
    from imdb_sentiment.results.measured import MeasuredRows
    from imdb_sentiment.results.search import SearchReport, TrialResult
    from imdb_sentiment.results.slices import SliceReport
    from imdb_sentiment.results.splits import LeftOut, SplitSummary
    from imdb_sentiment.results.suggestions import Suggestion, Suggestions
    from imdb_sentiment.results.training import (
        Calibration,
        EpochRecord,
        FineTuneResult,
        MethodResult,
    )

__all__ = [
    "Abstention",
    "AccuracyEstimate",
    "BaselineReport",
    "BehaviourCheck",
    "BehaviourExample",
    "BehaviourReport",
    "Calibration",
    "CascadeChoice",
    "Comparison",
    "CrossValidationReport",
    "DataAudit",
    "Difference",
    "DriftReport",
    "EnsembleChoice",
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
    "NoAbstention",
    "Prediction",
    "Predictions",
    "ProbabilityShift",
    "SearchReport",
    "SliceReport",
    "SplitSummary",
    "Suggestion",
    "Suggestions",
    "TokenLengths",
    "TrialResult",
    "WordChange",
    "WordContribution",
    "WordShift",
]

_MODULES = (
    "abstention",
    "inference",
    "combination",
    "comparison",
    "measured",
    "slices",
    "splits",
    "audit",
    "behaviour",
    "drift",
    "label_issues",
    "learning_curve",
    "suggestions",
    "evaluation",
    "cross_validation",
    "training",
    "search",
)
"""Those that load little come first."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # at the first use, since a prediction does not need the report
    modules = (import_module(f"{__name__}.{module}") for module in _MODULES)
    value = next(getattr(module, name) for module in modules if hasattr(module, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

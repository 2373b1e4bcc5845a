"""Result records: frozen, printable and convertible to JSON."""

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

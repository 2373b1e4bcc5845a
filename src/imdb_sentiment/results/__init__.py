"""The records that the library returns: frozen, they print well and turn into plain JSON."""

from imdb_sentiment.results.background import Background
from imdb_sentiment.results.base import to_plain
from imdb_sentiment.results.comparison import Comparison, Difference, Interval
from imdb_sentiment.results.evaluation import BaselineReport, EvaluationReport
from imdb_sentiment.results.inference import Explanation, ExportReport, FileReport, Prediction, WordContribution
from imdb_sentiment.results.label_issues import LabelSuspects, Suspect
from imdb_sentiment.results.learning_curve import Forecast, LearningCurve, LearningPoint
from imdb_sentiment.results.measured import MeasuredRows
from imdb_sentiment.results.metric_names import METRICS
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
    "METRICS",
    "Background",
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
    "MeasuredRows",
    "MethodResult",
    "Prediction",
    "SliceReport",
    "SplitSummary",
    "Suspect",
    "WordContribution",
    "to_plain",
]

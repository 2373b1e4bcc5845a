"""What the library hands back: frozen records that print well and turn into plain JSON."""

from imdb_sentiment.results.background import Background
from imdb_sentiment.results.comparison import BaselineReport, Comparison, Difference, Interval
from imdb_sentiment.results.curves import Coverage, Curves, Ranking, Reliability, Thresholds
from imdb_sentiment.results.evaluation import METRICS, EvaluationReport
from imdb_sentiment.results.explanation import Explanation, WordContribution
from imdb_sentiment.results.export import ExportReport
from imdb_sentiment.results.file_report import FileReport
from imdb_sentiment.results.learning_curve import Forecast, LearningCurve, LearningPoint
from imdb_sentiment.results.measured import MeasuredRows
from imdb_sentiment.results.plain import to_plain
from imdb_sentiment.results.prediction import Prediction
from imdb_sentiment.results.slices import SliceReport
from imdb_sentiment.results.suspects import LabelSuspects, Suspect
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
    "Coverage",
    "Curves",
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
    "Ranking",
    "Reliability",
    "SliceReport",
    "SplitSummary",
    "Suspect",
    "Thresholds",
    "WordContribution",
    "to_plain",
]

"""Sentences of a report's verdict."""

from collections.abc import Iterable

from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.slices import SliceReport

__all__ = ["accuracy_sentence", "calibration_sentences", "fewer_rows_sentence", "slice_sentences"]


def accuracy_sentence(correct: int, rows: int, interval: Interval | None, *, cross_validated: bool) -> str:
    """State the accuracy."""
    sentence = f"{correct:,} of {rows:,} rows are predicted correctly, {correct / rows:.1%}"
    if interval:
        sentence += f" (95 % interval {interval.low:.1%} to {interval.high:.1%})"
    return f"{sentence}, each by a model that was trained without it." if cross_validated else f"{sentence}."


def calibration_sentences(error: float, interval: Interval | None) -> list[str]:
    """Describe the calibration error; nothing without an interval."""
    if interval is None:
        return []
    if interval.low == 0:
        return ["Its probabilities are calibrated, as far as these rows can tell."]
    return [f"Its probabilities are off by {error:.1%} on average ({interval.low:.1%} to {interval.high:.1%})."]


def slice_sentences(slices: Iterable[SliceReport], accuracy: float) -> list[str]:
    """List the slices on which the model is significantly less accurate than on all rows."""
    return [
        f"Less accurate where {part.grouping} is {part.name}: {part.accuracy:.1%} of {part.rows:,} rows, beyond chance."
        for part in slices
        if part.beyond_chance and part.accuracy < accuracy and part.grouping != "confidence"
    ]


def fewer_rows_sentence(fitted: int | None, trained: int | None) -> str | None:
    """Warn if baselines were fitted on fewer rows than the model was trained on."""
    if fitted is None or trained is None or fitted >= trained:
        return None
    return f"the simpler models were fitted on {fitted:,} of the model's {trained:,} training rows, those available"

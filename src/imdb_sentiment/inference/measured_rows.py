"""Conversion of scores and true labels to the rows of a report."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.labels import Texts
from imdb_sentiment.evaluation.slices import confidence_groups, length_groups
from imdb_sentiment.inference.scorer import Scores, softmax
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.results.measured import MeasuredRows
from imdb_sentiment.results.metrics import NO_METRICS, CustomMetrics

__all__ = ["ThresholdChoice", "held_out_scores", "measured_rows", "slices_of"]


class ThresholdChoice(Protocol):
    """The decision threshold of a calibration."""

    @property
    def threshold(self) -> float:
        """Rows with a higher positive probability are labelled positive."""

    @property
    def goal(self) -> str:
        """Goal of the threshold; the threshold itself if it was given."""

    @property
    def reached(self) -> bool:
        """Whether the goal was reached on validation."""


def held_out_scores(logits: NDArray[np.float64], encoder: TextEncoder, texts: Texts) -> Scores:
    """Return the scores of n held-out texts, whose logits have shape (n, 2), with their lengths and truncation."""
    read = encoder.inputs(texts)
    return Scores(logits, read.truncated, read.tokens, np.ones(len(logits), dtype=np.bool_))


def measured_rows(
    scores: Scores,
    texts: Texts,
    labels: Sequence[int],
    chosen: ThresholdChoice,
    metrics: CustomMetrics = NO_METRICS,
) -> MeasuredRows:
    """Combine scores, texts and labels (0 or 1) of n rows, with the user's metrics."""
    return MeasuredRows(
        softmax(scores.logits)[:, 1],
        np.asarray(labels),
        chosen.threshold,
        texts,
        goal=chosen.goal if chosen.goal[:1].isalpha() else None,
        goal_reached=chosen.reached,
        metrics=metrics,
    )


def slices_of(scores: Scores, measured: MeasuredRows) -> dict[str, list[str]]:
    """Group rows by length and confidence; those of a cascade by model and confidence."""
    confidence = {"confidence": confidence_groups(measured.confidence)}
    if scores.by_encoder.all():
        return {"length": length_groups(scores.tokens, scores.truncated)} | confidence
    return {"answered by": ["encoder" if read else "words" for read in scores.by_encoder.tolist()]} | confidence

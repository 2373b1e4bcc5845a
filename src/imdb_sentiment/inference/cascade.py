"""Cascade of a TF-IDF model, which answers the texts it is confident about, and the encoder for the rest."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.labels import Texts
from imdb_sentiment.inference.scorer import Scorer, Scores

if TYPE_CHECKING:
    from imdb_sentiment.inference.bag_of_words import TfidfModel

__all__ = ["Cascade", "CascadeScorer", "is_confident", "log_odds_of"]


class Cascade(NamedTuple):
    """A TF-IDF model, and its parameters in the cascade."""

    tfidf: "TfidfModel"
    margin: float
    """Minimum probability of a label for the TF-IDF model to answer, at a threshold of 0.5."""

    blend: float
    """Weight of the TF-IDF model in the log odds of the other texts."""


class CascadeScorer:
    """Scores texts with a cascade; see `Scorer`.

    Args:
        scorer: Scores the texts that the TF-IDF model does not answer.
        cascade: The TF-IDF model and its parameters.
        threshold: Decision threshold.
    """

    def __init__(self, scorer: Scorer, cascade: Cascade, *, threshold: float) -> None:
        self._scorer = scorer
        self._cascade = cascade
        self._threshold = threshold

    def score(self, texts: Texts) -> Scores:
        """Score texts or pairs; tokens and truncation are reported for those read by the encoder only."""
        tfidf, margin, blend = self._cascade
        odds = tfidf.log_odds(texts)
        by_encoder = ~is_confident(odds, margin=margin, threshold=self._threshold)
        rest: Any = [texts[row] for row in np.flatnonzero(by_encoder).tolist()]
        read = self._scorer.score(rest)
        odds[by_encoder] = blended(log_odds_of(read.logits), odds[by_encoder], blend)
        truncated, tokens = np.zeros(len(texts), dtype=np.bool_), np.zeros(len(texts), dtype=np.int64)
        truncated[by_encoder], tokens[by_encoder] = read.truncated, read.tokens
        return Scores(np.stack([np.zeros_like(odds), odds], axis=1), truncated, tokens, by_encoder)


def log_odds_of(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert logits of shape (n, 2) to log odds of the positive label, shape (n,)."""
    return logits[:, 1] - logits[:, 0]


def is_confident(odds: NDArray[np.float64], *, margin: float, threshold: float) -> NDArray[np.bool_]:
    """Mark the log odds whose distance from the threshold's is at least `logit(margin)`; NaN is not confident."""
    from scipy.special import logit

    confident: NDArray[np.bool_] = np.abs(odds - logit(threshold)) >= logit(margin)
    return confident


def blended(encoder: NDArray[np.float64], tfidf: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Interpolate the log odds of both models; where the TF-IDF model's are NaN, use the encoder's alone."""
    return np.where(np.isnan(tfidf), encoder, (1 - share) * encoder + share * np.nan_to_num(tfidf))

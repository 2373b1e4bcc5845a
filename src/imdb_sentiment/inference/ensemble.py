"""Ensemble of the encoder and the TF-IDF model: both read each text, and their log odds are averaged."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.labels import Texts
from imdb_sentiment.inference.cascade import Ensemble, TfidfModel, blended, log_odds_of
from imdb_sentiment.inference.scorer import Advance, Scorer, Scores

__all__ = ["EnsembleScorer", "EnsembleScores", "averaged"]


def averaged(encoder: NDArray[np.float64], tfidf: NDArray[np.float64], ensemble: Ensemble) -> NDArray[np.float64]:
    """Average the log odds of both models, and calibrate the result.

    Where the TF-IDF model's are NaN, since it knows no word of a text, the result is the encoder's.

    Args:
        encoder: Calibrated log odds of the encoder, shape (n,).
        tfidf: Log odds of the TF-IDF model, shape (n,).
        ensemble: Weight and temperature.
    """
    both = blended(encoder, tfidf, ensemble.weight) / ensemble.temperature
    return np.where(np.isnan(tfidf), encoder, both)


class EnsembleScores(NamedTuple):
    """Scores of the same texts."""

    ensemble: Scores
    encoder: Scores
    """Of the encoder alone."""


class EnsembleScorer:
    """Scores texts with both models."""

    def __init__(self, scorer: Scorer, tfidf: TfidfModel, ensemble: Ensemble) -> None:
        self._scorer = scorer
        self._tfidf = tfidf
        self._ensemble = ensemble

    def score(self, texts: Texts, *, advance: Advance | None = None) -> Scores:
        """Score texts or pairs; the arguments are those of `Scorer.score`."""
        return self.score_both(texts, advance=advance).ensemble

    def score_both(self, texts: Texts, *, advance: Advance | None = None) -> EnsembleScores:
        """Score texts as `score` does, and return the scores of the encoder alone too."""
        encoder = self._scorer.score(texts, advance=advance)
        odds = averaged(log_odds_of(encoder.logits), self._tfidf.log_odds(texts), self._ensemble)
        return EnsembleScores(encoder._replace(logits=np.stack([np.zeros_like(odds), odds], axis=1)), encoder)

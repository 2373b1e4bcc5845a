"""Cascade of a TF-IDF model, which answers the texts it is confident about, and the encoder for the rest."""

from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.labels import Labelled, Texts
from imdb_sentiment.data.word_counts import BUCKETS, HASHING, count_words
from imdb_sentiment.inference.scorer import Advance, Scorer, Scores
from imdb_sentiment.runtime.arrays import load_arrays, save_arrays
from imdb_sentiment.runtime.process_wide import WARNINGS_LOCK

__all__ = ["Cascade", "CascadeScorer", "Ensemble", "TfidfModel", "blended", "is_confident", "log_odds_of"]

_SMOOTHING = 0.1
"""Added to the sum of a feature's TF-IDF values per label."""

_INVERSE_PENALTY = 30.0


class TfidfModel:
    """Logistic regression on TF-IDF features of words and bigrams, hashed to a million buckets.

    TF-IDF values are scaled by the log-count ratio of the two labels, which is more accurate than TF-IDF alone.

    Source: Wang and Manning, Baselines and Bigrams: Simple, Good Sentiment and Topic Classification (2012).

    Args:
        idf: Inverse document frequency of each bucket, shape (2**20,).
        weights: Weight of each bucket in the log odds of the positive label, shape (2**20,); 0 if not trained.
        bias: Intercept of the log odds.
        cleans: Clean texts first.
    """

    def __init__(self, idf: NDArray[np.float32], weights: NDArray[np.float32], bias: float, *, cleans: bool) -> None:
        self.idf = idf
        self.weights = weights
        self.bias = bias
        self.cleans = cleans

    @classmethod
    @WARNINGS_LOCK
    def fit(cls, train: Labelled, *, cleans: bool, weights: NDArray[np.float64] | None = None) -> Self:
        """Fit a model to n texts or pairs and their labels.

        Args:
            train: The texts and labels.
            cleans: Clean texts first.
            weights: Weight of each text in the loss, shape (n,); 1 by default.
        """
        from scipy.sparse import csr_array, diags_array, vstack
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.linear_model import LogisticRegression

        chunks = [
            csr_array((counts, (rows, buckets)), shape=(texts, BUCKETS), dtype=np.float64)
            for texts, rows, buckets, counts in count_words(train.texts, cleans=cleans)
        ]
        transformer = TfidfTransformer(sublinear_tf=True)
        tfidf = transformer.fit_transform(vstack(chunks, format="csr"))
        used = np.unique(tfidf.indices)  # empty buckets would only take time
        idf, coefficients, bias = transformer.idf_.astype(np.float32), np.zeros(BUCKETS, dtype=np.float32), 0.0
        if len(used):  # else there are no words in any text, e.g. emoji only
            tfidf, labels = tfidf[:, used], np.asarray(train.labels)
            ratios = _log_ratios(tfidf, labels)
            model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=1000)
            model.fit(tfidf @ diags_array(ratios), labels, sample_weight=weights)
            coefficients[used], bias = model.coef_[0] * ratios, float(model.intercept_[0])
        return cls(idf, coefficients, bias, cleans=cleans)

    @classmethod
    def load(cls, path: Path, *, cleans: bool) -> Self:
        """Load a saved model.

        Raises:
            OSError: The file cannot be read.
            ValueError: The file is damaged, or of another version.
        """
        buckets = (np.float32, (BUCKETS,))
        idf, weights, bias, hashing = load_arrays(
            path, {"rarity": buckets, "weights": buckets, "bias": (np.float64, ()), "hashing": (np.int64, ())}
        )
        if hashing != HASHING:
            raise ValueError("it was written by another version of imdb-sentiment")
        return cls(idf, weights, float(bias), cleans=cleans)

    def save(self, path: Path) -> None:
        """Write a NumPy file without pickles."""
        bias, hashing = np.array(self.bias, dtype=np.float64), np.array(HASHING, dtype=np.int64)
        save_arrays(path, {"rarity": self.idf, "weights": self.weights, "bias": bias, "hashing": hashing})

    def with_temperature(self, temperature: float) -> Self:
        """Return the model with its log odds divided by a temperature."""
        return type(self)(self.idf, self.weights / temperature, self.bias / temperature, cleans=self.cleans)

    def log_odds(self, texts: Texts) -> NDArray[np.float64]:
        """Return the log odds of the positive label for n texts or pairs, shape (n,).

        They are NaN for a text that has no word in common with the training rows.
        """
        parts = [np.zeros(0)]
        for count, rows, buckets, counts in count_words(texts, cleans=self.cleans):
            values, weights = (1 + np.log(counts)) * self.idf[buckets], self.weights[buckets]
            squares, sums, known = (
                np.bincount(rows, terms, minlength=count) for terms in (values**2, values * weights, weights != 0)
            )
            with np.errstate(invalid="ignore", divide="ignore"):
                parts.append(np.where(known > 0, sums / np.sqrt(squares) + self.bias, np.nan))
        return np.concatenate(parts)


def _log_ratios(tfidf: Any, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the log ratio of each column's share under the positive label to that under the negative label."""
    positive, negative = (np.asarray(tfidf[labels == label].sum(axis=0)).ravel() + _SMOOTHING for label in (1, 0))
    ratios: NDArray[np.float64] = np.log((positive / positive.sum()) / (negative / negative.sum()))
    return ratios


class Ensemble(NamedTuple):
    """How the log odds of both models are averaged."""

    weight: float
    """Weight of the TF-IDF model, between 0 and 1."""

    temperature: float
    """Divisor of the average, which makes the probabilities calibrated."""


class Cascade(NamedTuple):
    """A TF-IDF model, and its parameters in the cascade and in the ensemble."""

    tfidf: TfidfModel
    margin: float
    """Minimum probability of a label for the TF-IDF model to answer, at a threshold of 0.5."""

    blend: float
    """Weight of the TF-IDF model in the log odds of the other texts."""

    ensemble: Ensemble | None = None
    """None in a folder saved by a version without ensembles."""


class CascadeScorer:
    """Scores texts with a cascade, and those that its TF-IDF model does not answer with a `Scorer`."""

    def __init__(self, scorer: Scorer, cascade: Cascade, *, threshold: float) -> None:
        self._scorer = scorer
        self._cascade = cascade
        self._threshold = threshold

    def score(self, texts: Texts, *, advance: Advance | None = None) -> Scores:
        """Score texts or pairs; tokens and truncation are reported for those read by the encoder only.

        Args:
            texts: The texts.
            advance: As for `Scorer.score`.
        """
        tfidf, margin, blend, _ = self._cascade
        odds = tfidf.log_odds(texts)
        by_encoder = ~is_confident(odds, margin=margin, threshold=self._threshold)
        rest: Any = [texts[row] for row in np.flatnonzero(by_encoder).tolist()]
        if advance:
            advance(len(texts) - len(rest))
        read = self._scorer.score(rest, advance=advance)
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

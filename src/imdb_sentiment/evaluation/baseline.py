"""Baselines: the majority label, and TF-IDF with logistic regression."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.cleaning import divide
from imdb_sentiment.data.labels import Labelled, Texts
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.runtime.process_wide import WARNINGS_LOCK

__all__ = ["MAJORITY", "TFIDF", "HeldOutBaselines", "baseline_probabilities", "measure_baseline", "score_with_tfidf"]

MAJORITY, TFIDF = "majority label", "TF-IDF + LR"


class HeldOutBaselines(NamedTuple):
    """Out-of-fold predictions of baselines on the training rows."""

    positive: Mapping[str, NDArray[np.float64]]
    """Positive probabilities by name, each of shape (n,)."""

    labels: Sequence[int]
    """0 or 1 for each row."""


def baseline_probabilities(train: Labelled, texts: Texts) -> dict[str, NDArray[np.float64]]:
    """Fit each baseline on the training rows and score other texts.

    The majority label's probability is the share of positive training rows for every text.

    Args:
        train: Rows to fit on.
        texts: The n texts to score.

    Returns:
        Positive probabilities by name, each of shape (n,).
    """
    return {MAJORITY: np.full(len(texts), float(np.mean(train.labels))), TFIDF: score_with_tfidf(train, texts)[:, 1]}


def measure_baseline(train: Labelled, test: Labelled, *, names: tuple[str, str]) -> EvaluationReport:
    """Fit TF-IDF and logistic regression on the training rows, and evaluate them on the test rows.

    Args:
        train: Rows to fit on.
        test: Rows to evaluate on.
        names: Names of the two labels.
    """
    return measure(score_with_tfidf(train, test.texts), list(test.labels), names=names)


@WARNINGS_LOCK
def score_with_tfidf(train: Labelled, texts: Texts) -> NDArray[np.float64]:
    """Score texts, or joined pairs, with word unigrams and bigrams, sublinear term frequency and C = 10.

    The settings work well on film reviews and are not tuned. From a thousand texts on, words that occur in one text
    only are ignored. Without any words, as with only emoji, the result is that of the majority label.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    known, labels = train
    min_df = 2 if len(known) >= 1000 else 1
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=min_df)
    try:
        values = features.fit_transform(_joined(known))
    except ValueError:  # the vocabulary is empty
        share = float(np.mean(labels))
        return np.tile([1 - share, share], (len(texts), 1))
    model = LogisticRegression(C=10, max_iter=1000).fit(values, list(labels))
    probabilities: NDArray[np.float64] = model.predict_proba(features.transform(_joined(texts)))
    return probabilities


def _joined(texts: Texts) -> list[str]:
    """Join pairs, and keep only the beginning of very long texts, whose bigrams would fill the memory."""
    return [next(divide(text if isinstance(text, str) else "\n".join(text))) for text in texts]

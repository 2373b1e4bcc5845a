"""Baselines: the majority label, and TF-IDF with logistic regression."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.cleaning import joined_beginning
from imdb_sentiment.data.labels import Labelled, Texts
from imdb_sentiment.runtime.process_wide import WARNINGS_LOCK

__all__ = ["MAJORITY", "TFIDF", "HeldOutBaselines", "baseline_probabilities", "score_with_tfidf"]

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
    return {MAJORITY: np.full(len(texts), float(np.mean(train.labels))), TFIDF: score_with_tfidf(train, texts)}


@WARNINGS_LOCK
def score_with_tfidf(train: Labelled, texts: Texts) -> NDArray[np.float64]:
    """Return the positive probability of texts, or joined pairs, by TF-IDF and logistic regression, shape (n,).

    The features are word unigrams and bigrams with sublinear term frequency, and C = 10, which work well on film
    reviews and are not tuned. From a thousand texts on, words that occur in one text only are ignored. Without any
    words, as with only emoji, the result is that of the majority label.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    known, labels = train
    min_df = 2 if len(known) >= 1000 else 1
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=min_df)
    try:
        values = features.fit_transform([*map(joined_beginning, known)])
    except ValueError:  # the vocabulary is empty
        return np.full(len(texts), float(np.mean(labels)))
    model = LogisticRegression(C=10, max_iter=1000).fit(values, list(labels))
    positive: NDArray[np.float64] = model.predict_proba(features.transform(map(joined_beginning, texts)))[:, 1]
    return positive

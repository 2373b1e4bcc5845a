"""The models to beat: the commoner label, and TF-IDF with logistic regression, which cost seconds."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.data.cleaning import divide
from imdb_sentiment.data.labels import Labelled, Texts
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.results import EvaluationReport
from imdb_sentiment.runtime.process_wide import WARNINGS_LOCK

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MAJORITY", "TFIDF", "HeldOutBaselines", "baseline_probabilities", "measure_baseline", "score_with_tfidf"]

MAJORITY, TFIDF = "majority label", "TF-IDF + LR"


class HeldOutBaselines(NamedTuple):
    """What baselines say of the training rows, each row held out once."""

    positive: "Mapping[str, NDArray[np.float64]]"
    """Names to probabilities of the positive label, each of shape (n,)."""

    labels: Sequence[int]
    """0 or 1, n of them."""


def baseline_probabilities(train: Labelled, texts: Texts) -> "dict[str, NDArray[np.float64]]":
    """Fit each baseline on the training rows alone; return what it says of other texts.

    The majority label has the share of positive training rows as its probability for every text.

    Args:
        train: Rows to fit on.
        texts: What to score, n of them.

    Returns:
        Names to probabilities of the positive label, each of shape (n,).
    """
    import numpy as np

    return {MAJORITY: np.full(len(texts), float(np.mean(train.labels))), TFIDF: score_with_tfidf(train, texts)[:, 1]}


def measure_baseline(train: Labelled, test: Labelled, *, names: tuple[str, str]) -> EvaluationReport:
    """Fit TF-IDF and logistic regression on the training rows, and measure them on the test rows.

    Args:
        train: Rows to fit on.
        test: Rows to measure on.
        names: Names of the two labels.
    """
    return measure(score_with_tfidf(train, test.texts), list(test.labels), names=names)


@WARNINGS_LOCK
def score_with_tfidf(train: Labelled, texts: Texts) -> "NDArray[np.float64]":
    """Score texts, or pairs read as one, by words and pairs of words with sublinear term frequency, C = 10.

    Strong values on film reviews, not tuned to the data at hand. Words that occur in one text only are left out once
    there are a thousand texts. Where no word is left, as of emoji alone, it knows no more than the majority label.
    """
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    known, labels = train
    min_df = 2 if len(known) >= 1000 else 1
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=min_df)
    try:
        values = features.fit_transform(_joined(known))
    except ValueError:  # scikit-learn's for a vocabulary that is empty, or would be
        share = float(np.mean(labels))
        return np.tile([1 - share, share], (len(texts), 1))
    model = LogisticRegression(C=10, max_iter=1000).fit(values, list(labels))
    probabilities: NDArray[np.float64] = model.predict_proba(features.transform(_joined(texts)))
    return probabilities


def _joined(texts: Texts) -> list[str]:
    """Return texts, or pairs read as one; of a very long one the beginning, as its pairs of words fill the memory."""
    return [next(divide(text if isinstance(text, str) else "\n".join(text))) for text in texts]

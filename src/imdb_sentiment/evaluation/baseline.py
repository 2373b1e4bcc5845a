"""The model to beat: TF-IDF and logistic regression, which cost seconds."""

from collections.abc import Sequence

from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.results import EvaluationReport

__all__ = ["measure_baseline"]


def measure_baseline(
    train: tuple[Sequence[str], Sequence[int]], test: tuple[Sequence[str], Sequence[int]], *, names: tuple[str, str]
) -> EvaluationReport:
    """Fit TF-IDF features and logistic regression on the training rows, and measure them on the test rows.

    Words and pairs of words, sublinear term frequency, C = 10: strong values on film reviews, not tuned to the data
    at hand. Words that occur in one text only are left out once there are a thousand texts.

    Args:
        train: Texts and their labels (0 or 1) to fit on.
        test: Texts and their labels to measure on.
        names: Names of the two labels.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts, labels = train
    min_df = 2 if len(texts) >= 1000 else 1
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=min_df)
    model = make_pipeline(features, LogisticRegression(C=10, max_iter=1000)).fit(list(texts), list(labels))
    return measure(model.predict_proba(list(test[0])), list(test[1]), names=names)

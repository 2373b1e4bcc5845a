"""Predictions: order, batching, and what cannot be classified."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imdb_sentiment import DataError, Prediction, SentimentClassifier, SentimentFineTuner

WORDS = st.sampled_from(["wonderful", "dreadful", "and", "unheard-of", "é", "😀"])
TEXT = st.lists(WORDS, min_size=1, max_size=50).map(" ".join)


@pytest.fixture(scope="module")
def classifier(saved_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_model, device="cpu", batch_size=4)


def test_one_text_gives_one_prediction(classifier: SentimentClassifier) -> None:
    prediction = classifier.predict("Seen at home: superb and joyful.")
    assert isinstance(prediction, Prediction)
    assert prediction.label == "positive"
    assert prediction.score == prediction.probabilities["positive"] > 0.5
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert not prediction.truncated


def test_several_texts_give_predictions_in_their_order(classifier: SentimentClassifier) -> None:
    predictions = classifier.predict(["dull and awful", "superb", "wonderful " * 50])
    assert [prediction.label for prediction in predictions] == ["negative", "positive", "positive"]
    assert [prediction.truncated for prediction in predictions] == [False, False, True]


@settings(deadline=None, max_examples=40)
@given(texts=st.lists(TEXT, max_size=12), batch_size=st.integers(1, 7))
def test_scores_do_not_depend_on_the_batch(classifier: SentimentClassifier, texts: list[str], batch_size: int) -> None:
    alone = [classifier.predict_proba([text])[0] for text in texts]
    other = SentimentClassifier(classifier._artifact, batch_size=batch_size)
    together = other.predict_proba(texts)
    assert together.shape == (len(texts), 2)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, np.array(alone).reshape(-1, 2), atol=1e-5)


def test_the_saved_model_scores_as_the_fitted_one(classifier: SentimentClassifier, fitted: SentimentFineTuner) -> None:
    rows = fitted.splits.test
    assert classifier.evaluate(rows["text"], rows["label"]) == fitted.evaluate()
    assert classifier.evaluate(rows["text"], ["positive" if i else "negative" for i in rows["label"]]).accuracy > 0.9


def test_nothing_in_nothing_out(classifier: SentimentClassifier) -> None:
    assert classifier.predict([]) == []
    assert classifier.predict_proba([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("texts", "rows"), [(["fine", None], (2,)), ([1, "a", 2.5], (1, 3)), (["a", " \n", "<br />"], (2, 3))]
)
def test_what_cannot_be_classified_is_named(
    classifier: SentimentClassifier, texts: list[str], rows: tuple[int, ...]
) -> None:
    with pytest.raises(DataError) as caught:
        classifier.predict(texts)
    assert caught.value.rows == rows


@pytest.mark.parametrize("labels", [[0], [0, 2], ["positive", "spam"], []])
def test_labels_that_do_not_fit(classifier: SentimentClassifier, labels: list[int | str]) -> None:
    with pytest.raises(DataError, match="labels do not fit"):
        classifier.evaluate(["a", "b"], labels)


def test_metadata_is_at_hand(classifier: SentimentClassifier) -> None:
    assert classifier.labels == ("negative", "positive")
    assert classifier.metadata.schema_version == 1

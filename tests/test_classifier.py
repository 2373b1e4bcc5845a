"""Covers persistence/opened_model.py, persistence/measure.py, persistence/publication.py.

Predictions: order, batching, and what cannot be classified.
"""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment import DataError, ModelError, Prediction, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.inference.scorer import Scorer
from imdb_sentiment.persistence.opened_model import OpenedModel

WORDS = st.sampled_from(["wonderful", "dreadful", "and", "unheard-of", "é", "😀"])
TEXT = st.lists(WORDS, min_size=1, max_size=50).map(" ".join)


@pytest.fixture(scope="module")
def classifier(saved_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_model, device="cpu")


@pytest.fixture(scope="module")
def pair_classifier(saved_pair_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_pair_model, device="cpu")


def test_one_text_gives_one_prediction(classifier: SentimentClassifier) -> None:
    prediction = classifier.predict("Seen at home: superb and joyful.")
    assert isinstance(prediction, Prediction)
    assert prediction.label == "positive"
    assert prediction.score == prediction.probabilities["positive"] > 0.5
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert not prediction.truncated


def test_several_texts_give_predictions_in_their_order(classifier: SentimentClassifier) -> None:
    predictions = classifier.predict(["Dull and awful.", "Superb and joyful.", "wonderful " * 50])
    assert [prediction.label for prediction in predictions] == ["negative", "positive", "positive"]
    assert [prediction.truncated for prediction in predictions] == [False, False, True]


@settings(deadline=None, max_examples=examples(40))
@given(texts=st.lists(TEXT, max_size=12), max_tokens=st.integers(1, 200))
def test_scores_do_not_depend_on_the_batch(classifier: SentimentClassifier, texts: list[str], max_tokens: int) -> None:
    alone = [classifier.predict_proba([text])[0] for text in texts]
    scorer = classifier._opened.scorer
    other = SentimentClassifier(
        OpenedModel(classifier._opened.artifact, Scorer(scorer.backend, scorer.encoder, max_tokens=max_tokens))
    )
    together = other.predict_proba(texts)
    assert together.shape == (len(texts), 2)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, np.array(alone).reshape(-1, 2), atol=1e-5)


def test_the_saved_model_scores_as_the_fitted_one(classifier: SentimentClassifier, fitted: SentimentFineTuner) -> None:
    rows = fitted.splits.test
    expected = dataclasses.replace(fitted.evaluate(), baselines=())  # of which the classifier has no training rows
    assert classifier.evaluate(rows["text"], rows["label"], behaviour=True) == expected
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


def test_pairs_are_not_for_a_model_of_one_column(classifier: SentimentClassifier) -> None:
    with pytest.raises(DataError, match="each item must be a string") as caught:
        classifier.predict([("a title", "a body")])
    assert caught.value.found == "tuple of 2 in 1 row (1)"
    assert caught.value.expected == "one text each, since the model was trained on one column (text)"


def test_pairs_are_read_by_both_parts(pair_classifier: SentimentClassifier) -> None:
    pairs = [("Seen at home", "superb and joyful."), ("Seen at home", "dull and awful."), ("", "superb " * 50)]
    predictions = pair_classifier.predict(pairs)
    assert [prediction.label for prediction in predictions] == ["positive", "negative", "positive"]
    assert [prediction.truncated for prediction in predictions] == [False, False, True]
    assert pair_classifier.predict([]) == []
    lists: Any = [list(pair) for pair in pairs]
    np.testing.assert_array_equal(pair_classifier.predict_proba(pairs), pair_classifier.predict_proba(lists))
    apart = pair_classifier.predict_proba([("superb", "dull"), ("dull", "superb"), ("superb dull", "")])
    assert len({row[0] for row in apart.tolist()}) == 3


def test_the_saved_pair_model_scores_as_the_fitted_one(
    pair_classifier: SentimentClassifier, fitted_on_pairs: SentimentFineTuner
) -> None:
    rows = fitted_on_pairs.splits.test
    pairs = list(zip(rows["text"], rows["text_pair"], strict=True))
    report = pair_classifier.evaluate(pairs, rows["label"], behaviour=True)
    assert report == dataclasses.replace(fitted_on_pairs.evaluate(), baselines=())
    assert report.accuracy > 0.9
    assert pair_classifier.metadata.text_columns == ("title", "body")


@pytest.mark.parametrize(
    ("texts", "found", "rows"),
    [
        ("a text", "str in 1 row (1)", (1,)),
        (["a text", "another"], "str in 2 rows (1, 2)", (1, 2)),
        (("a title", "a body"), "str in 2 rows (1, 2)", (1, 2)),
        ([("a", "b"), ("a", "b", "c"), 5, None], "int, null, tuple of 3 in 3 rows (2, 3, 4)", (2, 3, 4)),
    ],
)
def test_a_model_of_two_columns_asks_for_pairs(
    pair_classifier: SentimentClassifier, texts: Any, found: str, rows: tuple[int, ...]
) -> None:
    ways = (pair_classifier.predict, pair_classifier.predict_proba, lambda texts: pair_classifier.evaluate(texts, [1]))
    for use in ways:
        with pytest.raises(DataError, match="each item must be a pair of texts") as caught:
            use(texts)
        assert (caught.value.found, caught.value.rows) == (found, rows)
        assert caught.value.expected == "pairs of texts (title, body)"
        assert caught.value.hint == ("a list also for one pair: [(title, body)]" if isinstance(texts[0], str) else None)


@pytest.mark.parametrize(
    ("pairs", "summary", "rows"),
    [
        ([("a", "b"), ("a", None)], "each 'body' must be a string", (2,)),
        ([(5, "b"), ("a", "b"), (None, None)], "each 'title' must be a string", (1, 3)),
        ([("a", "caf\udce9")], "each 'body' must be valid Unicode", (1,)),
        ([("a", ""), ("", "b"), (" ", "<br />"), ("<br", "/>")], "there is nothing to classify in a blank text", (3,)),
    ],
)
def test_a_part_that_cannot_be_classified_is_named(
    pair_classifier: SentimentClassifier, pairs: Any, summary: str, rows: tuple[int, ...]
) -> None:
    with pytest.raises(DataError) as caught:
        pair_classifier.predict(pairs)
    assert (caught.value.summary, caught.value.rows) == (summary, rows)


@pytest.mark.parametrize("labels", [[0], [0, 2], ["positive", "spam"], []])
def test_labels_that_do_not_fit(classifier: SentimentClassifier, labels: list[int | str]) -> None:
    with pytest.raises(DataError, match="labels do not fit"):
        classifier.evaluate(["a", "b"], labels)


def test_metadata_is_at_hand(classifier: SentimentClassifier) -> None:
    assert classifier.labels == ("negative", "positive")
    assert classifier.metadata.schema_version == 1


def test_the_model_knows_the_texts_that_it_was_trained_on(saved_model: Path, fitted: SentimentFineTuner) -> None:
    classifier = SentimentClassifier.from_pretrained(saved_model)
    splits = fitted.splits
    assert all(classifier.seen_in_training([text.upper() + "<br />" for text in splits.train["text"]]))
    assert not any(classifier.seen_in_training(list(splits.validation["text"])))
    assert not any(classifier.seen_in_training(list(splits.test["text"])))
    assert classifier.seen_in_training([]) == []
    with pytest.raises(DataError, match="each item must be a string"):
        classifier.seen_in_training([None])  # type: ignore[arg-type]


def test_figures_on_rows_that_taught_the_model_come_with_figures_without_them(
    saved_model: Path, fitted: SentimentFineTuner
) -> None:
    classifier = SentimentClassifier.from_pretrained(saved_model)
    splits = fitted.splits
    rows = [row for part in (splits.train, splits.validation, splits.test) for row in part]
    with pytest.warns(UserWarning, match=r"these are 96 of the 120 rows that the model was trained or"):
        report = classifier.evaluate([row["text"] for row in rows], [row["label"] for row in rows])
    alone = classifier.evaluate(splits.test["text"][:], splits.test["label"][:])
    assert (report.rows, report.seen_rows, report.unseen) == (120, 96, dataclasses.replace(alone, seen_rows=None))
    assert (alone.seen_rows, alone.unseen) == (0, None)
    assert str(alone) in str(report)
    assert "Without the 96 of the 120 rows" in str(report)


def test_figures_on_nothing_but_training_rows_say_so(saved_model: Path, fitted: SentimentFineTuner) -> None:
    train = fitted.splits.train
    classifier = SentimentClassifier.from_pretrained(saved_model)
    with pytest.warns(UserWarning, match="there are no others"):
        report = classifier.evaluate(train["text"][:], train["label"][:])
    assert (report.seen_rows, report.unseen) == (len(train), None)


def test_a_model_without_fingerprints_says_that_it_does_not_know(saved_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(saved_model, tmp_path / "model")
    (folder / "seen_rows.npz").unlink()
    classifier = SentimentClassifier.from_pretrained(folder)
    with pytest.raises(ModelError, match="unknown which texts"):
        classifier.seen_in_training(["wonderful"])
    assert classifier.evaluate(["wonderful and superb"], [1]).seen_rows is None


def test_damaged_fingerprints_are_refused(saved_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(saved_model, tmp_path / "model")
    (folder / "seen_rows.npz").write_bytes(b"")
    with pytest.raises(ModelError, match=r"seen_rows\.npz cannot be read"):
        SentimentClassifier.from_pretrained(folder)


def test_behaviour_is_checked_if_asked_by_the_models_that_answer(fitted: SentimentFineTuner) -> None:
    classifier = fitted.classifier
    test = fitted.splits.test
    assert classifier.evaluate(test["text"], test["label"]).behaviour is None
    alone, both = (
        classifier.evaluate(test["text"], test["label"], behaviour=True, ensemble=ensemble)
        for ensemble in (False, True)
    )
    assert alone.behaviour == fitted.evaluate().behaviour  # of the same weights, in fp32
    assert alone.behaviour
    assert both.behaviour
    assert len(alone.behaviour.checks) == len(both.behaviour.checks) == 13
    again = type(alone).from_dict(alone.to_dict())
    assert again.behaviour == alone.behaviour
    assert "## Behaviour" in again.to_markdown()


def test_pairs_are_not_changed(fitted_on_pairs: SentimentFineTuner) -> None:
    report = fitted_on_pairs.evaluate()
    assert report.behaviour
    assert report.behaviour.conclusions() == ["Not checked: pairs of texts are not changed."]
    assert "## Behaviour" not in report.to_markdown()

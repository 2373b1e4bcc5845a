"""Covers training/decisions.py.

A quick model answers what it is sure of: the choice on validation, and everything that predicts.
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from conftest import make_reviews
from imdb_sentiment import ConfigError, ModelError, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.data.labels import Labelled
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.inference.cascade import TfidfModel, blended, is_confident
from imdb_sentiment.results import Calibration, ExportReport
from imdb_sentiment.training.decisions import ValidationOdds, choose_cascade, combine_with_tfidf

UNKNOWN = "Zzyzx qwrtp."


def calibration(threshold: float = 0.5, goal: str = "0.5") -> Calibration:
    report = measure([[0.4, 0.6], [0.6, 0.4]], [1, 0], names=("negative", "positive"))
    return Calibration(temperature=1, threshold=threshold, goal=goal, reached=True, before=report, after=report)


@pytest.fixture(scope="module")
def classifier(saved_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_model)


def test_hashed_words_are_tfidf_by_naive_bayes_with_logistic_regression(tmp_path: Path) -> None:
    texts, labels = make_reviews(200)
    texts, labels = [*texts, "Superb superb superb"], [*labels, 1]
    model = TfidfModel.fit(Labelled(texts, labels), cleans=False)
    tfidf = make_pipeline(CountVectorizer(ngram_range=(1, 2)), TfidfTransformer(sublinear_tf=True))
    values, positive = tfidf.fit_transform(texts), np.array(labels) == 1
    shares = [np.asarray(values[rows].sum(axis=0)).ravel() + 0.1 for rows in (positive, ~positive)]
    weighing = np.log(shares[0] / shares[0].sum() / (shares[1] / shares[1].sum()))
    learner = LogisticRegression(C=30, max_iter=1000).fit(values.multiply(weighing).tocsr(), labels)
    expected = learner.decision_function(values.multiply(weighing).tocsr())
    np.testing.assert_allclose(model.log_odds(texts), expected, atol=1e-3)
    model.save(tmp_path / "words.npz")
    opened = TfidfModel.load(tmp_path / "words.npz", cleans=False)
    assert opened.log_odds(texts).tolist() == model.log_odds(texts).tolist()
    assert np.isnan(model.log_odds([UNKNOWN, ""])).all()


def test_words_are_cleaned_as_the_encoder_has_them() -> None:
    train = Labelled(["dull<br />film", "superb film"] * 4, [0, 1] * 4)
    cleaned, raw = (TfidfModel.fit(train, cleans=cleans) for cleans in (True, False))
    assert np.isnan(cleaned.log_odds(["br"])).all()
    assert not np.isnan(raw.log_odds(["br"])).any()


def test_texts_without_a_word_are_left_to_the_encoder() -> None:
    rows = Labelled(["😀 !", "😡", "a b"] * 6, [1, 0, 1] * 6)
    encoder = np.where(rows.labels, 2.0, -2.0)
    folds = np.arange(len(rows.texts)) % 2
    (cascade, choice, ensemble) = combine_with_tfidf(rows, folds, encoder, calibration(), cleans=True)
    assert np.isnan(cascade.tfidf.log_odds(["😀", "two words"])).all()
    assert (ensemble.weight, ensemble.temperature, ensemble.accuracy) == (0.0, 1.0, 1.0)
    assert (choice.answered, choice.blend, choice.accuracy) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut"])
def test_a_damaged_file(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "words.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        TfidfModel.load(tmp_path / "words.npz", cleans=False)


def test_arrays_of_another_kind(tmp_path: Path) -> None:
    short = np.zeros(3, np.float32)
    np.savez(tmp_path / "words.npz", rarity=short, weights=short, bias=0.0, hashing=1)
    with pytest.raises(ValueError, match="unexpected type or shape"):
        TfidfModel.load(tmp_path / "words.npz", cleans=False)


def test_words_hashed_otherwise(tmp_path: Path) -> None:
    TfidfModel.fit(Labelled(["dull film", "superb film"], [0, 1]), cleans=False).save(tmp_path / "words.npz")
    with np.load(tmp_path / "words.npz") as opened:
        saved = dict(opened)
    hashing = saved.pop("hashing")
    others: list[tuple[dict[str, Any], str]] = [
        ({}, "no array 'hashing'"),
        ({"hashing": hashing + 1}, "another version"),
        ({"hashing": np.array([1, 1])}, "unexpected type or shape"),
    ]
    for other, message in others:
        np.savez(tmp_path / "words.npz", **saved, **other)
        with pytest.raises(ValueError, match=message):
            TfidfModel.load(tmp_path / "words.npz", cleans=False)


def test_a_quick_model_that_is_right_and_sure_answers_all() -> None:
    labels = np.array([0, 1] * 50)
    signs = np.where(labels, 1.0, -1.0)
    choice = choose_cascade(ValidationOdds(signs * 3, signs * 6, labels), calibration())
    assert (choice.margin, choice.answered, choice.accuracy) == (0.51, 1.0, 1.0)


def test_a_quick_model_that_is_sure_and_wrong_answers_nothing() -> None:
    labels = np.array([0, 1] * 50)
    signs = np.where(labels, 1.0, -1.0)
    choice = choose_cascade(ValidationOdds(signs * 3, signs * -9, labels), calibration())
    assert (choice.margin, choice.answered, choice.blend, choice.accuracy) == (1.0, 0.0, 0.0, 1.0)


def test_it_stops_before_the_margin_at_which_something_is_lost() -> None:
    labels = np.array([0, 1] * 50)
    signs = np.where(labels, 1.0, -1.0)
    sureness = np.linspace(0.5, 1.6, 100)
    words = np.where(sureness < logit(0.8), -signs, signs) * sureness  # wrong wherever less than 0.8 sure
    choice = choose_cascade(ValidationOdds(signs * 1.4, words, labels), calibration())
    assert choice.accuracy == choice.encoder_accuracy == 1.0
    assert 0.79 <= choice.margin <= 0.81
    assert choice.answered == pytest.approx((sureness > logit(choice.margin)).mean())


def test_luck_on_a_few_rows_is_not_taken_for_knowledge() -> None:
    labels = np.array([0, 1] * 100)
    signs = np.where(labels, 1.0, -1.0)
    encoder, words = signs * 2, signs * 0.3  # always right, but next to knowing nothing
    encoder[:8] *= -1
    choice = choose_cascade(ValidationOdds(encoder, words, labels), calibration())
    assert choice.accuracy == choice.encoder_accuracy == 0.96
    assert choice.answered == 0.0


def test_about_half_of_what_a_blend_gains_is_left() -> None:
    alone, best, chosen, answered = np.mean([gains(seed) for seed in range(6)], axis=0)
    assert best - alone > 0.01
    assert chosen - alone > 0.4 * (best - alone)  # down to where nothing was lost it would be 0.18 of it
    assert answered > 0.5


def gains(seed: int) -> tuple[float, float, float, float]:
    """Return the true accuracy of an encoder, of a blend, and of what is chosen, and the share answered by words."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 3, 4000)
    labels = (rng.random(4000) < expit(truth)).astype(int)
    encoder, words = (0.6 * (truth + rng.normal(0, noise, 4000)) for noise in (1.6, 2.2))
    choice = choose_cascade(ValidationOdds(encoder, words, labels), calibration())
    sure = is_confident(words, margin=choice.margin, threshold=0.5)
    together = np.where(sure, words, blended(encoder, words, choice.blend))
    alone, best, chosen = (
        float(np.where(odds > 0, expit(truth), expit(-truth)).mean())
        for odds in (encoder, blended(encoder, words, 0.4), together)
    )
    return alone, best, chosen, choice.answered


def test_it_keeps_what_the_threshold_was_chosen_for() -> None:
    labels = np.array([1] * 20 + [0] * 80)
    encoder = np.where(labels, 2.0, -2.0)
    words = np.full(100, -4.0)  # accurate for 80 %, without a single positive
    encoder[20:45] = 3.0  # the encoder is right for 75 %
    assert choose_cascade(ValidationOdds(encoder, words, labels), calibration()).answered == 1.0
    assert choose_cascade(ValidationOdds(encoder, words, labels), calibration(goal="recall>=0.95")).answered == 0.0


odds = st.floats(-8, 8)


@given(
    st.lists(st.tuples(odds, odds | st.just(float("nan")), st.integers(0, 1)), min_size=2, max_size=60),
    st.floats(0.1, 0.9),
)
def test_nothing_is_lost_on_the_rows_that_it_was_chosen_on(
    rows: list[tuple[float, float, int]], threshold: float
) -> None:
    encoder, words, labels = (np.array(column) for column in zip(*rows, strict=True))
    choice = choose_cascade(ValidationOdds(encoder, words, labels), calibration(threshold))
    assert choice.accuracy >= choice.encoder_accuracy
    assert 0.5 < choice.margin <= 1
    assert 0 <= choice.blend < 1


def test_what_training_says(fitted: SentimentFineTuner, saved_model: Path, classifier: SentimentClassifier) -> None:
    assert fitted._fitted
    choice = fitted._fitted.result.cascade
    assert choice
    assert f"the TF-IDF model answers {choice.answered:.0%} of validation" in str(fitted._fitted.result)
    section = classifier.metadata.cascade
    assert section
    assert section.model_dump() == choice.to_dict()
    assert (saved_model / "cascade.npz").stat().st_size < 9e6


def test_who_answers(classifier: SentimentClassifier) -> None:
    texts = [*make_reviews(40)[0], UNKNOWN]
    both = classifier.predict(texts, cascade=True)
    assert {prediction.answered_by for prediction in both} == {"words", "encoder"}
    assert both[-1].answered_by == "encoder"
    alone = classifier.predict(texts)
    assert {prediction.answered_by for prediction in alone} == {"encoder"}
    assert both[-1].score == pytest.approx(alone[-1].score, abs=1e-6)
    assert list(classifier.predict_stream(texts, cascade=True)) == both
    singly = [classifier.predict(text, cascade=True) for text in texts]
    assert [prediction.answered_by for prediction in singly] == [prediction.answered_by for prediction in both]
    np.testing.assert_allclose([one.score for one in singly], [one.score for one in both], atol=1e-5)


def test_files_and_figures(classifier: SentimentClassifier, tmp_path: Path) -> None:
    texts, labels = make_reviews(40)
    texts, labels = [*texts, UNKNOWN], [*labels, 0]
    with (tmp_path / "in.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in texts)])
    report = classifier.predict_file(tmp_path / "in.csv", tmp_path / "out.csv", cascade=True)
    said = classifier.predict(texts, cascade=True)
    by_words = sum(prediction.answered_by == "words" for prediction in said)
    assert report.answered_by_words == by_words
    assert f"{by_words / 41:.0%} of the labels were predicted by the TF-IDF model" in str(report)
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [row["label"] for row in csv.DictReader(file)] == [prediction.label for prediction in said]
    assert classifier.predict_file(tmp_path / "in.csv", tmp_path / "alone.csv").answered_by_words is None
    with pytest.warns(UserWarning, match="was trained or its best epoch chosen on"):
        measured = classifier.evaluate(texts, labels, cascade=True)
    sizes = {part.name: part.rows for part in measured.slices if part.grouping == "answered by"}
    assert sizes == {"words": by_words, "encoder": 41 - by_words}


@pytest.mark.integration
def test_an_exported_model_has_it_too(classifier: SentimentClassifier, exported: tuple[Path, ExportReport]) -> None:
    texts = make_reviews(40)[0]
    opened = SentimentClassifier.from_pretrained(exported[0])
    ours, theirs = (model.predict(texts, cascade=True) for model in (classifier, opened))
    assert [one.answered_by for one in ours] == [one.answered_by for one in theirs]
    np.testing.assert_allclose([one.score for one in ours], [one.score for one in theirs], atol=1e-4)


def test_refusals(classifier: SentimentClassifier, saved_model: Path, saved_pair_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cascade='always' is not a bool"):
        classifier.predict("Fine.", cascade="always")  # type: ignore[call-overload]
    with pytest.raises(ModelError, match="has no cascade"):
        SentimentClassifier.from_pretrained(saved_pair_model).predict([("A", "B")], cascade=True)
    for name in ("config.json", "imdb_sentiment.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).symlink_to(saved_model / name)
    with pytest.raises(ModelError, match=r"is not a complete model folder\n.*no cascade\.npz"):
        SentimentClassifier.from_pretrained(tmp_path)
    (tmp_path / "cascade.npz").write_bytes(b"half")
    with pytest.raises(ModelError, match=r"cascade\.npz cannot be read"):
        SentimentClassifier.from_pretrained(tmp_path)

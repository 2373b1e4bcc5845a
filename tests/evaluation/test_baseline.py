"""The baseline learns, repeats itself, and never looks at the test rows."""

import math

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from conftest import make_reviews
from imdb_sentiment import EvaluationReport
from imdb_sentiment.data.labels import Labelled
from imdb_sentiment.evaluation.baseline import MAJORITY, TFIDF, baseline_probabilities, score_with_tfidf
from imdb_sentiment.evaluation.metrics import measure

NAMES = ("ham", "spam")
TEXTS, LABELS = make_reviews(160)
TRAIN, TEST = Labelled(TEXTS[:120], LABELS[:120]), Labelled(TEXTS[120:], LABELS[120:])


def measured(train: Labelled, test: Labelled) -> EvaluationReport:
    positive = score_with_tfidf(train, test.texts)
    return measure(np.stack([1 - positive, positive], axis=1), test.labels, names=NAMES)


def test_it_learns_what_can_be_learnt() -> None:
    report = measured(TRAIN, TEST)
    assert report.accuracy == 1.0
    assert report.log_loss < 0.3
    assert (report.rows, report.labels) == (40, NAMES)


def test_it_learns_the_labels_it_is_given() -> None:
    flipped = measured(Labelled(TRAIN.texts, [1 - label for label in TRAIN.labels]), TEST)
    assert flipped.accuracy == 0.0


def test_it_gives_the_same_numbers_again() -> None:
    assert measured(TRAIN, TEST) == measured(TRAIN, TEST)


def test_it_is_fitted_on_the_training_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    fit_transform = TfidfVectorizer.fit_transform

    def recording(self: TfidfVectorizer, texts: list[str]) -> object:
        seen.append(texts)
        return fit_transform(self, texts)

    monkeypatch.setattr(TfidfVectorizer, "fit_transform", recording)
    measured(TRAIN, TEST)
    assert seen == [TRAIN.texts]


def test_words_of_the_test_rows_alone_say_nothing() -> None:
    unseen = Labelled(["zyzzyva quux"] * 2, [0, 1])
    report = measured(TRAIN, unseen)
    assert report.accuracy == 0.5
    assert report.log_loss == pytest.approx(math.log(2), abs=0.05)


@pytest.mark.parametrize(("rows", "min_df"), [(999, 1), (1000, 2)])
def test_words_of_one_text_are_left_out_of_large_data(rows: int, min_df: int, monkeypatch: pytest.MonkeyPatch) -> None:
    used = []
    fit_transform = TfidfVectorizer.fit_transform

    def recording(self: TfidfVectorizer, *args: object) -> object:
        used.append(self.min_df)
        return fit_transform(self, *args)

    monkeypatch.setattr(TfidfVectorizer, "fit_transform", recording)
    texts = [TEXTS[i % 160] for i in range(rows)]
    measured(Labelled(texts, [LABELS[i % 160] for i in range(rows)]), TEST)
    assert used == [min_df]


def test_the_majority_label_says_the_same_of_every_text() -> None:
    train = Labelled(TRAIN.texts, [1] * 90 + [0] * 30)
    scores = baseline_probabilities(train, TEST.texts)
    assert set(scores[MAJORITY]) == {0.75}
    assert scores[TFIDF].shape == (40,)


def test_without_a_word_it_knows_the_majority_label() -> None:
    said = baseline_probabilities(Labelled(["😀", "😍 a", "😡"], [1, 1, 0]), ["😀", "a word"])
    assert said[TFIDF].tolist() == said[MAJORITY].tolist() == pytest.approx([2 / 3, 2 / 3])


def test_a_pair_of_texts_is_read_as_one() -> None:
    def divided(texts: list[str]) -> list[tuple[str, str]]:
        return [(text[: len(text) // 2], text[len(text) // 2 :]) for text in texts]

    pairs = baseline_probabilities(Labelled(divided(TEXTS[:120]), TRAIN.labels), divided(TEXTS[120:]))
    joined = ["\n".join(pair) for pair in divided(TEXTS)]
    whole = baseline_probabilities(Labelled(joined[:120], TRAIN.labels), joined[120:])
    assert pairs[TFIDF] == pytest.approx(whole[TFIDF])

"""Explanations add up, stand where the words stand, and are safe to show."""

import sys

import pytest
import torch
from rich.console import Console

from conftest import make_reviews
from imdb_sentiment import (
    DataConfig,
    DataError,
    FineTuneConfig,
    MissingExtraError,
    SentimentClassifier,
    SentimentFineTuner,
)
from imdb_sentiment.results import Explanation

TEXT = 'A wonderful film,  but <b>dull</b> & "miserable" at times.'


@pytest.fixture(scope="module")
def classifier(tiny_config: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory) -> SentimentClassifier:
    folder = tmp_path_factory.mktemp("explained")
    data = DataConfig(near_duplicates="ignore")
    tuner = SentimentFineTuner(data, tiny_config.replace(truncation="head_tail"), output_dir=folder / "run")
    tuner.fit(make_reviews(160))
    return SentimentClassifier.from_pretrained(tuner.save(folder / "model"))


@pytest.fixture(scope="module")
def explanation(classifier: SentimentClassifier) -> Explanation:
    return classifier.explain(TEXT)


def test_an_explanation_is_of_the_prediction(classifier: SentimentClassifier, explanation: Explanation) -> None:
    prediction = classifier.predict(TEXT)
    assert explanation.label == prediction.label
    assert explanation.score == pytest.approx(prediction.score, abs=1e-5)
    assert explanation.texts == (TEXT,)


def test_each_word_is_found_where_it_stands(explanation: Explanation) -> None:
    assert [word.word for word in explanation.words] == TEXT.split()
    assert all(TEXT[word.start : word.end] == word.word for word in explanation.words)


def test_the_scores_add_up_to_what_the_words_change(classifier: SentimentClassifier, explanation: Explanation) -> None:
    artifact = classifier._opened.with_weights("test")
    encoder, model = artifact.encoder, artifact.model
    inputs = encoder.pad(encoder.encode([TEXT]))
    nothing = inputs | {"input_ids": inputs["input_ids"].clone()}
    words = [span is not None for span in encoder.spans(TEXT)[0]]
    nothing["input_ids"][0, words] = encoder.tokenizer.pad_token_id
    with torch.no_grad():
        with_words, without = (model(**part).logits[0] for part in (inputs, nothing))
    change = float((with_words - without) @ torch.tensor([-1.0, 1.0]))
    assert explanation.completeness_error < 0.05
    assert sum(word.score for word in explanation.words) == pytest.approx(change, rel=0.06, abs=0.01)


def test_words_that_were_learnt_speak_for_their_label(classifier: SentimentClassifier) -> None:
    told = classifier.explain("Seen in the cinema: miserable and clumsy.")
    assert told.label == "negative"
    strongest = told.top(1)[0]
    assert strongest.word in ("miserable", "clumsy.")
    assert strongest.score < 0
    scores = [word.score for word in told.top(99)]
    assert scores == sorted(scores)


def test_html_shows_markup_as_text(explanation: Explanation) -> None:
    page = explanation.to_html()
    assert "<b>" not in page
    assert "&lt;b&gt;dull&lt;/b&gt;" in page
    assert "&quot;miserable&quot;" in page
    assert page.count("<mark") == len(explanation.words)


def test_a_terminal_shows_the_text_as_it_is(explanation: Explanation) -> None:
    console = Console(force_terminal=True, color_system="truecolor", width=200)
    with console.capture() as captured:
        console.print(explanation)
    assert "\x1b[" in captured.get()
    assert explanation.__rich__().plain == TEXT


def test_words_that_were_cut_are_not_explained(classifier: SentimentClassifier) -> None:
    long = " ".join(f"dull{i % 10}" if i % 2 else "wonderful" for i in range(200))
    told = classifier.explain(long)
    assert 2 < len(told.words) < 200
    assert told.words[0].start == 0
    assert told.words[-1].end == len(long)  # head and tail are read
    assert all(long[word.start : word.end] == word.word for word in told.words)


@pytest.mark.parametrize("text", ["", "  ", 3])
def test_what_cannot_be_classified_cannot_be_explained(classifier: SentimentClassifier, text: str) -> None:
    with pytest.raises(DataError):
        classifier.explain(text)


def test_the_extra_is_named_where_it_is_missing(
    classifier: SentimentClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(MissingExtraError, match="explanations need the extra 'explain'"):
        classifier.explain(TEXT)

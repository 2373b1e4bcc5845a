"""Long texts from training to prediction: what is read, by which rule, and that every program agrees."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import make_reviews
from imdb_sentiment import ConfigError, DataConfig, DataError, FineTuneConfig, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.data.splits import load_splits
from imdb_sentiment.inference.scorer import softmax
from imdb_sentiment.models.pretrained import load_encoder
from imdb_sentiment.training.plan import Plan

DATA = DataConfig(near_duplicates="ignore")
NEVER_MIND = " and".join([""] * 40)


def long_reviews(rows: int, *, share: float = 1.0) -> tuple[list[str], list[int]]:
    texts, labels = make_reviews(rows)
    return [NEVER_MIND + text if row < share * rows else text for row, text in enumerate(texts)], labels


def tuner(config: FineTuneConfig, folder: Path, data: DataConfig = DATA, **changes: Any) -> SentimentFineTuner:
    return SentimentFineTuner(data, config.replace(max_length=24, **changes), output_dir=folder)


@pytest.fixture(scope="module")
def saved(tiny_config: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("windows")
    run = tuner(tiny_config, folder / "run", long_texts="windows")
    result = run.fit(long_reviews(160))
    assert "texts above 24 tokens are scored whole, in overlapping windows" in result.notes
    run.evaluate()
    return run.save(folder / "model")


def windows_of(classifier: SentimentClassifier, text: str) -> list[str]:
    encoder = classifier._opened.artifact.encoder
    starts = [[span.start for span in of_window if span] for of_window in encoder.spans(text)]
    ends = [text.find(" ", of_window[-1]) for of_window in starts]
    return [text[of_window[0] : end if end > 0 else None] for of_window, end in zip(starts, ends, strict=True)]


def test_a_long_text_has_the_mean_logits_of_its_windows(saved: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(saved, precision="fp32")
    text = "wonderful " * 50 + "dreadful " * 30
    parts = windows_of(classifier, text.strip())
    assert len(parts) > 2
    scores = classifier._opened.scorer.score(parts)
    assert not scores.truncated.any()
    expected = softmax(scores.logits.mean(axis=0, keepdims=True))[0, 1]
    assert classifier.predict_proba([text])[0, 1] == pytest.approx(expected, abs=1e-5)
    assert not classifier.predict(text).truncated


def test_long_and_short_texts_together_score_as_they_do_alone(saved: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(saved, precision="fp32")
    texts = [*long_reviews(30, share=0.5)[0], "wonderful " * 400]
    together = classifier.predict_proba(texts)
    alone = np.concatenate([classifier.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_folder_says_how_long_texts_are_read(saved: Path) -> None:
    policy = json.loads((saved / "imdb_sentiment.json").read_text(encoding="utf-8"))["length_policy"]
    assert policy["long_texts"] == "windows"
    assert "keeps the head only" in policy["stock_pipeline"]
    assert "all of a longer text in overlapping windows" in (saved / "README.md").read_text(encoding="utf-8")


def test_an_explanation_covers_all_of_a_long_text(saved: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(saved, precision="fp32")
    text = " ".join(f"dull{row}" if row % 2 else "wonderful" for row in range(50))
    explained = classifier.explain(text)
    assert [word.word for word in explained.words] == text.split()
    assert explained.score == pytest.approx(classifier.predict(text).score, abs=1e-5)


def test_validation_metrics_are_those_of_the_windows(saved: Path) -> None:
    content = json.loads((saved / "imdb_sentiment.json").read_text(encoding="utf-8"))
    classifier = SentimentClassifier.from_pretrained(saved, precision="fp32")
    held = classifier._opened.held_out()
    texts, labels = long_reviews(160)
    known = [row for row, text in enumerate(texts) if classifier._opened.fingerprints().known([text], "validation")[0]]
    scores = classifier._opened.scorer.score([texts[row] for row in known])
    assert sorted([labels[row] for row in known]) == sorted(held.labels.tolist())
    loss = -np.log(softmax(scores.logits)[np.arange(len(known)), [labels[row] for row in known]]).mean()
    assert content["metrics"]["validation"]["log_loss"] == pytest.approx(loss, abs=1e-4)


@pytest.mark.parametrize(("share", "read"), [(0.05, "truncate"), (0.4, "windows")])
def test_auto_follows_the_share_of_long_texts(
    tiny_config: FineTuneConfig, tmp_path: Path, share: float, read: str
) -> None:
    config = tiny_config.replace(max_length=24, long_texts="auto")
    splits, names, *_ = load_splits(DATA, long_reviews(200, share=share))
    encoder = load_encoder(config, pairs=False)
    plan = Plan.of(config, splits, encoder, names, tmp_path, resume=False, audit=lambda: None)
    assert plan.long_texts == read


@pytest.mark.integration
@pytest.mark.parametrize("method", ["probe", "contrastive"])
def test_with_few_rows_the_head_reads_windows_too(tiny_config: FineTuneConfig, tmp_path: Path, method: str) -> None:
    few = {"num_train_epochs": "auto", "learning_rate": "auto", "method": method}
    run = tuner(tiny_config, tmp_path / "run", DataConfig(near_duplicates="ignore"), long_texts="windows", **few)
    texts, labels = long_reviews(40)
    # what tells the classes apart is where truncation would remove it
    texts = [
        f"{NEVER_MIND} {'wonderful' if label else 'dreadful'} {row} {NEVER_MIND}" for row, label in enumerate(labels)
    ]
    result = run.fit((texts, labels))
    assert any("overlapping windows" in note for note in result.notes)
    assert result.calibration.after.accuracy > 0.9
    assert (run.classifier.predict_proba(texts).argmax(axis=1) == labels).mean() > 0.95


def test_pairs_are_not_read_in_windows(tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    texts, labels = make_reviews(80)
    rows = pd.DataFrame({"question": texts, "answer": texts[::-1], "label": labels})
    data = DataConfig(near_duplicates="ignore", text_columns=("question", "answer"))
    with pytest.raises(ConfigError, match="two text columns"):
        tuner(tiny_config, tmp_path / "run", data, long_texts="windows").fit(rows)


@pytest.mark.integration
def test_an_exported_model_and_files_read_windows_too(saved: Path, tmp_path: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(saved, precision="fp32")
    texts = [*long_reviews(12)[0], "wonderful " * 200]
    classifier.export(tmp_path / "exported", texts=texts)
    exported = SentimentClassifier.from_pretrained(tmp_path / "exported", precision="fp32")
    expected = classifier.predict_proba(texts)
    np.testing.assert_allclose(exported.predict_proba(texts), expected, atol=1e-4)
    pd.DataFrame({"text": texts}).to_csv(tmp_path / "in.csv", index=False)
    classifier.predict_file(tmp_path / "in.csv", tmp_path / "out.csv")
    np.testing.assert_allclose(pd.read_csv(tmp_path / "out.csv")["score"], expected.max(axis=1), atol=1e-4)


def test_a_text_of_which_the_middle_is_left_out_is_not_explained_by_the_wrong_words(saved: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(saved, precision="fp32")
    # so little is left out that there are as many windows as of the whole text
    with pytest.raises(DataError, match="too long to explain"):
        classifier.explain("wonderful " * 52_429)

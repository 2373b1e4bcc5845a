"""Texts without labels: which are used, and what the TF-IDF model learns from them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import make_reviews
from imdb_sentiment import (
    ConfigError,
    DataConfig,
    DataError,
    FineTuneConfig,
    SentimentClassifier,
    SentimentFineTuner,
    TrainingInterruptedError,
)
from imdb_sentiment.data.data_like import DataSplits
from imdb_sentiment.data.labels import Labelled
from imdb_sentiment.data.splits import load_splits
from imdb_sentiment.inference.cascade import TfidfModel
from imdb_sentiment.training import fold_trainer
from imdb_sentiment.training.contrastive import train_contrastively
from imdb_sentiment.training.unlabelled import PseudoLabelled, UnlabelledTexts

ROWS = 60
APART = DataConfig(near_duplicates="ignore")  # all of the made texts are nearly the same
LONG = (
    "The lamp on the desk flickers whenever the kettle in the kitchen is switched on, and nobody knows the reason why."
)
OTHER = "A parcel that was sent in March arrived in June, opened, half empty, and with the stamp of another country."


def table(first: int, last: int) -> pd.DataFrame:
    texts, labels = make_reviews(last)
    return pd.DataFrame({"text": texts[first:], "label": labels[first:]})


@pytest.fixture(scope="module")
def splits() -> DataSplits:
    texts, labels = make_reviews(40)
    rows = {"text": [*texts, LONG], "label": [*labels, 0]}
    test = {"text": [OTHER, "Fine."], "label": [0, 1]}
    return load_splits(APART, {"train": pd.DataFrame(rows), "test": pd.DataFrame(test)}, cross_below=500).splits


def test_texts_of_labelled_rows_repeated_and_unusable_ones_are_left_out_and_counted(splits: DataSplits) -> None:
    texts = ["New.", "  new. ", "", None, 3, OTHER.upper(), f"{LONG}<br />", f"{LONG} Really.", "Another."]
    grouped = UnlabelledTexts.of(pd.Series(texts, dtype=object), splits, DataConfig())
    assert grouped.texts == ["New.", "Another."]
    assert grouped.left_out == {
        "equal to another one": 1,
        "no text": 2,
        "not text": 1,
        "equal to a labelled row": 2,
        "nearly equal to a labelled row": 1,
    }
    assert grouped.describe().startswith("the TF-IDF model learned from 2 unlabelled texts too")
    assert "2 equal to a labelled row" in grouped.describe()
    apart = UnlabelledTexts.of(pd.Series(texts, dtype=object), splits, APART)
    assert apart.texts == ["New.", f"{LONG} Really.", "Another."]
    assert apart.fingerprint != grouped.fingerprint


def test_a_file_is_read_by_the_columns_of_the_labelled_rows(splits: DataSplits, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text('id,comment\n1,"One, two"\n2,\n3,Three\n', encoding="utf-8")
    read = UnlabelledTexts.of(file, splits, APART.replace(text_column="comment"))
    assert (read.texts, read.left_out) == (["One, two", "Three"], {"no text": 1})
    assert UnlabelledTexts.of(str(file), splits, APART.replace(text_column="comment")) == read
    with pytest.raises(DataError, match="column 'text' is not in") as caught:
        UnlabelledTexts.of(file, splits, APART)
    assert "text_columns" not in str(caught.value.hint)


@pytest.mark.parametrize(
    ("data", "found"), [([OTHER, ""], "1 row equal to a labelled row; 1 row no text"), ([], "no rows")]
)
def test_nothing_to_learn_from_is_an_error(data: list[str], found: str, splits: DataSplits) -> None:
    with pytest.raises(DataError, match="no unlabelled texts") as caught:
        UnlabelledTexts.of(data, splits, APART)
    assert caught.value.found == found


def test_pairs_and_texts_are_not_mixed(splits: DataSplits) -> None:
    with pytest.raises(DataError, match="like the labelled rows") as caught:
        UnlabelledTexts.of([("Title.", "Body.")], splits, APART)
    assert caught.value.expected == "a text each"
    pairs = UnlabelledTexts.of(
        [("Title.", "Body."), ("Title.", "Other.")], splits, APART.replace(text_columns=("a", "b"))
    )
    assert pairs.texts == [("Title.", "Body."), ("Title.", "Other.")]


def test_pseudo_labels_are_weighted_by_confidence() -> None:
    pseudo = PseudoLabelled(["x", "y"], [np.array([0.0, np.log(3)]), np.array([-9.0, 0.1])])
    rows, weights = pseudo.added_to(Labelled(["a"], [1]), 0)
    assert rows == Labelled(["a", "x", "y"], [1, 0, 1])
    assert weights == pytest.approx([1, 0, 0.5])  # probabilities of 0.5, and of 0.75 against 0.25
    assert pseudo.added_to(Labelled(["a"], [1]), -1)[0].labels == [1, 0, 1]


def test_weights_of_a_tfidf_model_count_as_rows_do() -> None:
    texts, labels = ["good film", "bad film", "good plot", "bad plot"], [1, 0, 1, 0]
    doubted = Labelled([*texts, "good bore"], [*labels, 0])
    ignored = TfidfModel.fit(doubted, cleans=False, weights=np.array([1, 1, 1, 1, 1e-9]))
    believed = TfidfModel.fit(doubted, cleans=False, weights=np.array([1, 1, 1, 1, 50.0]))
    assert ignored.log_odds(["good"])[0] > believed.log_odds(["good"])[0]
    assert np.array_equal(TfidfModel.fit(doubted, cleans=False).weights, _equal_weights(doubted).weights)


def _equal_weights(rows: Labelled) -> TfidfModel:
    return TfidfModel.fit(rows, cleans=False, weights=np.ones(len(rows.labels)))


@pytest.fixture(scope="module")
def config(tiny_model: Path) -> FineTuneConfig:
    return FineTuneConfig(model_name=str(tiny_model), max_length=32, precision="fp32", learning_rate=2e-3)


def unlabelled_texts(rows: int) -> list[str]:
    """Texts with words that no labelled row has: the positive ones were seen in Crimson, the others in Umber."""
    texts, labels = make_reviews(ROWS + 60 + rows)
    opinions = [text.partition(": ")[2] for text in texts[-rows:]]
    return [f"Seen {i} {'Crimson' if label else 'Umber'}: {opinions[i]}" for i, label in enumerate(labels[-rows:])]


@pytest.mark.integration
@pytest.mark.parametrize("method", ["contrastive", "fine_tune"])
def test_the_tfidf_model_learns_words_that_only_unlabelled_texts_have(
    method: str, config: FineTuneConfig, tmp_path: Path
) -> None:
    tuner = SentimentFineTuner(APART.replace(validation="cross"), config.replace(method=method))
    result = tuner.fit(table(0, ROWS), unlabelled=[*unlabelled_texts(80), "", LONG])
    assert (
        "the TF-IDF model learned from 81 unlabelled texts too, by the labels of the encoder; left out: 1 no text"
        in (result.notes)
    )
    assert result.ensemble is not None
    classifier = SentimentClassifier.from_pretrained(tuner.save(tmp_path / "model"))
    cascade = classifier._opened.artifact.cascade
    assert cascade is not None
    positive, negative = cascade.tfidf.log_odds(["crimson", "umber"])
    assert positive > negative + 1
    both = classifier.evaluate(table(ROWS, 120)["text"], table(ROWS, 120)["label"].tolist(), ensemble=True)
    assert both.accuracy > 0.9


@pytest.mark.integration
def test_a_probe_labels_them_too(config: FineTuneConfig) -> None:
    tuner = SentimentFineTuner(APART, config.replace(method="probe"))
    result = tuner.fit(table(0, ROWS), unlabelled=unlabelled_texts(80))
    cascade = tuner.classifier._opened.artifact.cascade
    assert cascade is not None
    assert not np.isnan(cascade.tfidf.log_odds(["crimson", "umber"])).any()  # known words
    alone = SentimentFineTuner(APART, config.replace(method="probe", cascade=True))
    assert alone.fit(table(0, ROWS)).calibration == result.calibration  # the encoder itself is the same
    unaware = alone.classifier._opened.artifact.cascade
    assert unaware is not None
    assert np.isnan(unaware.tfidf.log_odds(["crimson", "umber"])).all()


@pytest.mark.integration
def test_they_are_scored_by_a_model_with_a_validation_split_too(config: FineTuneConfig) -> None:
    epochs = config.replace(num_train_epochs=4)
    tuner = SentimentFineTuner(APART, epochs)
    result = tuner.fit(table(0, 120), unlabelled=pd.DataFrame({"text": unlabelled_texts(80)}))
    assert result.method == "fine_tune"
    assert result.ensemble is not None
    cascade = tuner.classifier._opened.artifact.cascade
    assert cascade is not None
    positive, negative = cascade.tfidf.log_odds(["crimson", "umber"])
    assert positive > negative + 1
    without = SentimentFineTuner(APART, epochs).fit(table(0, 120))
    assert (without.ensemble, without.calibration) == (None, result.calibration)  # the encoder itself is the same


@pytest.mark.integration
def test_a_run_with_unlabelled_texts_is_resumed_with_the_same_ones(
    config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = unlabelled_texts(40)
    contrastive = config.replace(method="contrastive")
    expected = SentimentFineTuner(APART, contrastive).fit(table(0, ROWS), unlabelled=texts)
    train, runs = train_contrastively, list[int]()

    def interrupted(*given: object, **options: object) -> None:
        runs.append(1)
        if len(runs) == 3:
            raise TrainingInterruptedError("training was interrupted", hint=None)
        train(*given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(fold_trainer, "train_contrastively", interrupted)
    tuner = SentimentFineTuner(APART, contrastive, output_dir=tmp_path / "run")
    with pytest.raises(TrainingInterruptedError):
        tuner.fit(table(0, ROWS), unlabelled=texts)
    with pytest.raises(ConfigError, match="another run"):
        tuner.fit(table(0, ROWS), unlabelled=texts[:30], resume=True)
    result = tuner.fit(table(0, ROWS), unlabelled=texts, resume=True)
    assert len(runs) == 3 + 4  # two folds were finished
    assert (result.ensemble, result.calibration) == (expected.ensemble, expected.calibration)

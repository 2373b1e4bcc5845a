"""Covers results/drift.py.

New texts are compared with those of the training, in memory and in files.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from conftest import make_pair, make_reviews
from imdb_sentiment import (
    ConfigError,
    DataConfig,
    DataError,
    FineTuneConfig,
    ModelError,
    SentimentClassifier,
    SentimentFineTuner,
    check_drift,
)
from imdb_sentiment.results import DriftReport

CHANGED = [f"Number {i} of the toasters burns the bread, and the plug is loose." for i in range(80)]


@pytest.fixture(scope="module")
def classifier(saved_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_model)


@pytest.fixture(scope="module")
def changed(classifier: SentimentClassifier) -> DriftReport:
    return check_drift(classifier, CHANGED)


def test_texts_of_the_same_kind_show_no_change(classifier: SentimentClassifier) -> None:
    texts, labels = make_reviews(120)
    report = check_drift(classifier, texts, labels)
    assert not report.drifted
    assert report.words.more_frequent == report.words.less_frequent == ()
    assert report.verdict == "no change beyond chance, in the words or in the predicted probabilities"
    assert (report.seen_rows or 0) > 60
    predicted = [one.label for one in classifier.predict(texts)]
    right = sum(label == classifier.labels[true] for label, true in zip(predicted, labels, strict=True))
    assert (report.accuracy.labelled_rows, report.accuracy.measured) == (120, right / 120)
    interval = report.accuracy.interval
    assert interval is not None
    assert interval.low < right / 120 <= interval.high


def test_other_texts_are_a_change_with_its_words(changed: DriftReport) -> None:
    assert changed.drifted
    assert changed.words.roc_auc == pytest.approx(1)
    assert changed.words.p_value == 0.001
    risen = {change.word: change.new_share for change in changed.words.more_frequent}
    assert {"toasters", "bread", "plug"} <= set(risen)
    assert risen["bread"] == 1
    assert "seen" in {change.word for change in changed.words.less_frequent}  # the tokenizer knows it
    assert changed.verdict.startswith("the words have changed beyond chance, and the change is large")
    assert changed.accuracy.measured is None


def test_probabilities_of_other_models_are_not_tested(
    tiny_config: FineTuneConfig, tmp_path: Path, changed: DriftReport
) -> None:
    few = tiny_config.replace(method="probe", num_train_epochs="auto", learning_rate="auto")
    tuner = SentimentFineTuner(DataConfig(near_duplicates="ignore"), few, output_dir=tmp_path / "run")
    tuner.fit(make_reviews(60))
    same = check_drift(tuner.classifier, make_reviews(120)[0])
    assert same.probabilities.p_value is None
    assert not same.drifted
    assert same.verdict == "no change beyond chance, in the words"
    assert "models of the folds" in str(same)
    assert check_drift(tuner.classifier, CHANGED).drifted
    # the one test that is left may use up all of the level
    words = replace(changed.words, p_value=0.04)
    untested = replace(changed.probabilities, p_value=None)
    assert replace(changed, words=words, probabilities=untested).drifted
    assert not replace(changed, words=words, probabilities=replace(untested, p_value=0.04)).drifted


def test_it_prints_at_eighty_columns_and_converts(changed: DriftReport) -> None:
    printed = str(changed)
    assert max(map(len, printed.splitlines())) <= 80
    assert "A p-value tells whether something has changed, not whether it matters" in printed
    plain = json.loads(json.dumps(changed.to_dict()))
    assert plain["drifted"] is True
    assert plain["words"]["roc_auc"] == changed.words.roc_auc
    assert "toasters" in changed._repr_html_()
    assert "toasters" in changed.to_frame()["word"].tolist()


def write(path: Path, **columns: object) -> Path:
    frame = pd.DataFrame(columns)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_a_file_is_compared_as_its_texts_are(
    suffix: str, classifier: SentimentClassifier, changed: DriftReport, tmp_path: Path
) -> None:
    file = write(tmp_path / f"new{suffix}", text=[*CHANGED, " "])
    report = check_drift(classifier, file)
    assert report.left_out == {"no text": 1}
    assert (report.rows, report.rows_given) == (80, 81)
    assert report.words == changed.words
    assert report.probabilities == changed.probabilities
    assert "1 row left out: no text" in str(report)


def test_labels_of_a_file_measure_the_accuracy_where_there_are_any(
    classifier: SentimentClassifier, tmp_path: Path
) -> None:
    texts, labels = make_reviews(60)
    named = [("neg", "POS")[label] if i < 50 else "" for i, label in enumerate(labels)]
    file = write(tmp_path / "new.csv", body=texts, stars=named)
    found = check_drift(classifier, file, text_columns=["body"], label_column="stars").accuracy
    assert found.labelled_rows == 50
    assert found == check_drift(classifier, texts, [label or None for label in named]).accuracy
    with pytest.raises(DataError, match="column 'rating' is not in") as refused:
        check_drift(classifier, file, text_columns=["body"], label_column="rating")
    assert refused.value.expected == "the column that holds the label"
    with pytest.raises(DataError, match="the labels do not fit"):
        check_drift(classifier, file, text_columns=["body"], label_column="body")


def test_of_many_rows_a_thousand_are_drawn_by_the_seed(classifier: SentimentClassifier, tmp_path: Path) -> None:
    texts = [f"Number {i} is good." for i in range(1500)]
    file = write(tmp_path / "new.csv", text=texts)
    first, again, other = (check_drift(classifier, file, seed=seed) for seed in (0, 0, 1))
    assert (first.rows, first.rows_given) == (1000, 1500)
    assert first == again != other
    assert first.words == check_drift(classifier, texts).words
    assert str(first).startswith("1,000 of 1,500 rows compared")


def test_pairs_are_compared(saved_pair_model: Path, tmp_path: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(saved_pair_model)
    pairs = [make_pair(text) for text in make_reviews(100)[0]]
    assert not check_drift(classifier, pairs).drifted
    titles, bodies = zip(*pairs, strict=True)
    file = write(tmp_path / "new.jsonl", title=titles, body=bodies)
    assert check_drift(classifier, file) == check_drift(classifier, pairs)


def test_texts_without_words_are_compared_by_their_probabilities_alone(classifier: SentimentClassifier) -> None:
    report = check_drift(classifier, ["!"] * 60)
    assert report.words.more_frequent == ()
    assert report.probabilities.statistic > 0.3


@pytest.mark.parametrize(
    ("texts", "options", "error", "match"),
    [
        (["good"] * 49, {}, DataError, r"too few new texts.*\n  found:    49 rows that can be classified"),
        (["good"] * 60, {"labels": [1]}, DataError, "60 texts, 1 labels"),
        (["good"] * 60, {"labels": ["good"] * 60}, DataError, "the labels do not fit"),
        (["good"] * 60, {"label_column": "label"}, ConfigError, "are for files"),
        (["good", ""] * 60, {}, DataError, "blank text"),
        ("nowhere.csv", {}, DataError, "there is no file nowhere.csv"),
        ("nowhere.csv", {"labels": [1]}, ConfigError, "labels are given beside a file"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    texts: object, options: dict[str, object], error: type[Exception], match: str, classifier: SentimentClassifier
) -> None:
    with pytest.raises(error, match=match):
        check_drift(classifier, texts, **options)  # type: ignore[arg-type]


def test_a_folder_without_the_words_of_its_training_texts_says_so(saved_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="takes a classifier"):
        check_drift(saved_model, CHANGED)  # type: ignore[arg-type]
    folder = Path(shutil.copytree(saved_model, tmp_path / "old"))
    (folder / "training_words.npz").unlink()
    with pytest.raises(ModelError, match="it is unknown what the model's training texts were like"):
        check_drift(SentimentClassifier.from_pretrained(folder), CHANGED)
    (folder / "training_words.npz").write_bytes(b"PK")
    with pytest.raises(ModelError, match=r"training_words\.npz cannot be read"):
        SentimentClassifier.from_pretrained(folder)

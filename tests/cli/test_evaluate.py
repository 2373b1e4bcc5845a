"""`imdb-sentiment evaluate`: a saved model measured on labelled rows."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from command import read_metadata, run, write_reviews

from conftest import make_pair, make_reviews
from imdb_sentiment import DataConfig, DataError, FineTuneConfig, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.results.tables import wrap


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a train and a test file, of 60 and 20 rows."""
    folder = tmp_path_factory.mktemp("divided")
    write_reviews(folder / "train.csv", 60)
    write_reviews(folder / "test.csv", 20, names="neg pos")
    return folder


def test_the_report_is_printed(saved_model: Path, tmp_path: Path) -> None:
    data = tmp_path / "new.csv"
    texts, labels = make_reviews(140)
    pd.DataFrame({"text": texts[120:], "label": labels[120:]}).to_csv(data)
    outcome = run("evaluate", saved_model, "--data", data)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["20", "rows", "95", "%", "interval"]
    words = ["accuracy", "balanced", "precision", "recall", "F1", "Matthews", "ROC-AUC", "average", "log", "Brier"]
    assert [line.split()[0] for line in lines[1:11]] == words
    assert lines[1].split()[1] == "1.0000"
    assert lines[13].split() == ["negative", "10", "0"]
    assert outcome.out.endswith("\n" + "\n".join(wrap(f"note: measured on all rows of {data}")) + "\n")


def test_the_test_split_is_taken_where_there_is_one(saved_model: Path, folder: Path) -> None:
    content = run("evaluate", saved_model, "--data", folder, "--json").read_json()
    assert set(content) == {"test", "notes"}
    assert content["test"]["rows"] == 20
    assert content["notes"] == [f"measured on the test split of {folder}"]


def test_the_numbers_are_those_of_training(saved_model: Path, folder: Path) -> None:
    report = run("evaluate", saved_model, "--data", folder, "--json").read_json()["test"]
    assert set(report) == set(read_metadata(saved_model)["metrics"]["test"])
    assert {"accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "confusion_matrix"} < set(report)
    assert report["accuracy"] == report["f1"] == 1
    assert report["confusion_matrix"] == [[10, 0], [0, 10]]
    assert report["labels"] == ["negative", "positive"]


def test_columns_and_labels_of_other_names(saved_model: Path, tmp_path: Path) -> None:
    data = write_reviews(tmp_path / "sms.tsv", text="SMS", label="Label", names="spam ham")
    columns = ("--data", data, "--text-column", "SMS", "--label-column", "Label", "--json")
    right = run("evaluate", saved_model, *columns, "--positive-label", "ham").read_json()["test"]
    wrong = run("evaluate", saved_model, *columns, "--positive-label", "spam", "--negative-label", "ham")
    assert (right["accuracy"], wrong.read_json()["test"]["accuracy"]) == (1, 0)


def test_rows_that_cannot_be_used_are_left_out_on_request(saved_model: Path, tmp_path: Path) -> None:
    rows = [{"text": text, "label": label} for text, label in zip(*make_reviews(10), strict=True)]
    rows += [{"text": None, "label": 1}, {"text": " ", "label": 0}]
    data = tmp_path / "reviews.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)))
    content = run("evaluate", saved_model, "--data", data, "--set", "invalid_rows=drop", "--json").read_json()
    assert content["test"]["rows"] == 10
    assert content["notes"][1:] == ["1 row left out: text is null", "1 row left out: text is blank"]


def test_one_label_alone_can_be_measured(saved_model: Path, tmp_path: Path) -> None:
    data = tmp_path / "praise.csv"
    data.write_text(
        "text,label\nSeen at home: superb and joyful.,positive\nSeen in the cinema: funny and superb.,positive\n"
    )
    report = run("evaluate", saved_model, "--data", data, "--json").read_json()["test"]
    assert (report["accuracy"], report["roc_auc"], report["average_precision"]) == (1, None, None)
    assert re.search("ROC-AUC +\N{EN DASH}", run("evaluate", saved_model, "--data", data).out)


def test_rows_that_taught_the_model_are_pointed_out_and_measured_apart(
    saved_model: Path, fitted: SentimentFineTuner, tmp_path: Path
) -> None:
    splits = fitted.splits
    rows = [row for part in (splits.train, splits.test) for row in part]
    data = tmp_path / "reviews.jsonl"
    data.write_text("\n".join(json.dumps({"text": row["text"].upper(), "label": row["label"]}) for row in rows))
    outcome = run("evaluate", saved_model, "--data", data)
    seen = f"{len(splits.train)} of the {len(rows)} rows that the model was trained or its best epoch chosen on"
    assert outcome.err == f"warning: these are {seen}; the metrics without them are shown separately\n"
    assert outcome.out.startswith(f"Without the {seen}:\n{len(splits.test)} rows ")
    assert f"\n\nIncluding them, where metrics also reflect memorisation:\n{len(rows)} rows " in outcome.out
    printed = run("evaluate", saved_model, "--data", data, "--json")
    report = printed.read_json()["test"]
    assert (report["rows"], report["unseen"]["rows"]) == (len(rows), len(splits.test))
    figures = re.findall(r'"rows": (\d+),\s+"cross_validated": false,\s+"accuracy"', printed.out)
    assert figures == [str(len(splits.test)), str(len(rows))]


def test_rows_that_the_model_never_saw_are_measured_without_a_warning(saved_model: Path, tmp_path: Path) -> None:
    data = tmp_path / "new.csv"
    data.write_text("text,label\nwonderful and superb indeed,positive\ndreadful and dull indeed,negative\n")
    outcome = run("evaluate", saved_model, "--data", data)
    assert (outcome.code, outcome.err) == (0, "")
    assert "Without" not in outcome.out


def test_a_model_of_two_columns_reads_those_it_learnt_from(
    saved_pair_model: Path, saved_model: Path, tmp_path: Path
) -> None:
    texts, labels = make_reviews(20)
    rows = [(*make_pair(text), label) for text, label in zip(texts, labels, strict=True)]
    for name, header in (("same", "title,body,label"), ("other", "head,rest,label")):
        lines = [header, *(f"{title},{body},{label}" for title, body, label in rows)]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
    same, other = (tmp_path / f"{name}.csv" for name in ("same", "other"))
    report = run("evaluate", saved_pair_model, "--data", same, "--json").read_json()["test"]
    assert (report["rows"], report["accuracy"]) == (20, 1)
    named = run("evaluate", saved_pair_model, "--data", other, "--set", "text_columns=head,rest", "--json")
    assert named.read_json()["test"] == report
    for outcome in (
        run("evaluate", saved_pair_model, "--data", other, "--text-column", "rest"),
        run("evaluate", saved_model, "--data", other, "--set", "text_columns=head,rest"),
    ):
        assert outcome.code == 2
        assert outcome.err.startswith("ConfigError: the model reads a different number of text columns\n  found:    ")


@pytest.fixture(scope="module")
def turned(tiny_config: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose positive label is `negative`."""
    folder = tmp_path_factory.mktemp("turned")
    texts, labels = make_reviews(120)
    config = DataConfig(near_duplicates="ignore", positive_label="negative")
    tuner = SentimentFineTuner(config, tiny_config, output_dir=folder / "run")
    tuner.fit((texts, ["positive" if label else "negative" for label in labels]))
    return tuner.save(folder / "model")


def write_labels(folder: Path, labels: tuple[object, object], suffix: str = ".csv") -> Path:
    """Write 20 reviews that no model has seen with two labels, the one of gloomy texts first."""
    texts, ids = make_reviews(140)
    file = folder / f"reviews{suffix}"
    frame = pd.DataFrame({"text": texts[-20:], "label": [labels[i] for i in ids[-20:]]})
    frame.to_csv(file, index=False) if suffix == ".csv" else frame.to_parquet(file)
    return file


@pytest.mark.parametrize(
    "labels", [("negative", "positive"), ("Negative", "POSITIVE"), ("neg", "pos"), (" Neg", "pos ")]
)
@pytest.mark.parametrize("option", [(), ("--positive-label", "negative")])
def test_labels_are_matched_to_the_models_names_by_meaning(
    turned: Path, labels: tuple[str, str], option: tuple[str, ...], tmp_path: Path
) -> None:
    outcome = run("evaluate", turned, "--data", write_labels(tmp_path, labels), *option, "--json")
    report = outcome.read_json()["test"]
    assert (report["labels"], report["accuracy"], outcome.err) == (["positive", "negative"], 1, "")
    spelled = {label: name for label, name in zip(labels, ("negative", "positive"), strict=True) if label != name}
    assert report["labels_read_as"] == spelled


@pytest.mark.parametrize(
    ("labels", "suffix"),
    [
        ((0, 1), ".csv"),
        ((0, 1), ".parquet"),
        ((False, True), ".csv"),
        ((False, True), ".parquet"),
        ((0.0, 1.0), ".csv"),
    ],
)
def test_numbers_are_refused_where_the_positive_label_is_called_negative(
    turned: Path, labels: tuple[object, object], suffix: str, tmp_path: Path
) -> None:
    data = write_labels(tmp_path, labels, suffix)
    outcome = run("evaluate", turned, "--data", data)
    assert (outcome.code, outcome.out) == (2, "")
    first, second = ("0", "1") if isinstance(labels[0], float) else map(str, labels)
    first, second = (first, second) if suffix == ".csv" else (first.lower(), second.lower())
    said = f"--positive-label {first} or --positive-label {second}, whichever says what the model calls 'negative'"
    assert said in outcome.err
    named = run("evaluate", turned, "--data", data, "--positive-label", first, "--json")
    assert named.read_json()["test"]["accuracy"] == 1
    classifier = SentimentClassifier.from_pretrained(turned, device="cpu")
    frame = pd.read_csv(data) if suffix == ".csv" else pd.read_parquet(data)
    with pytest.raises(DataError, match="the labels do not fit"):
        classifier.evaluate([*frame.text], frame.label)


@pytest.mark.integration
def test_labels_that_are_probably_flipped_are_pointed_out(turned: Path, tmp_path: Path) -> None:
    data = write_labels(tmp_path, (0, 1))
    outcome = run("evaluate", turned, "--data", data, "--positive-label", "1", "--json")
    (warning,) = outcome.err.splitlines()
    assert warning.startswith("warning: the labels are probably flipped: 0 of 20 rows are predicted correctly")
    assert "'1' was read as 'negative'" in warning
    assert outcome.read_json()["notes"][-1] == warning.removeprefix("warning: ")
    shown = run("evaluate", turned, "--data", data, "--positive-label", "1")
    said = "\n".join(wrap(f"note: {warning.removeprefix('warning: ')}"))
    assert shown.out.endswith(f"\n{said}\n")
    page = tmp_path / "report.html"
    outcome = run("report", turned, "--data", data, "--positive-label", "1", "--no-label-issues", "--output", page)
    assert "note: the labels are probably flipped" in outcome.out
    assert "Careful: the labels are probably flipped" in page.read_text(encoding="utf-8")
    classifier = SentimentClassifier.from_pretrained(turned, device="cpu")
    frame = pd.read_csv(data)
    labels = [("Negative", "Positive")[label] for label in frame.label]
    assert classifier.evaluate([*frame.text], labels).warnings() == []
    with pytest.warns(UserWarning, match="the labels are probably flipped"):
        classifier.evaluate([*frame.text], [("Positive", "Negative")[label] for label in frame.label])


def test_hard_rows_in_the_models_own_spelling_are_not_called_flipped(turned: Path, tmp_path: Path) -> None:
    outcome = run("evaluate", turned, "--data", write_labels(tmp_path, ("positive", "negative")), "--json")
    assert (outcome.read_json()["test"]["accuracy"], outcome.err) == (0, "")


def test_numbers_for_names_that_say_nothing_are_noted(tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    texts, ids = make_reviews(120)
    config = DataConfig(near_duplicates="ignore", positive_label="spam")
    tuner = SentimentFineTuner(config, tiny_config.replace(num_train_epochs=1), output_dir=tmp_path / "run")
    tuner.fit((texts, ["spam" if label else "ham" for label in ids]))
    model = tuner.save(tmp_path / "model")
    notes = run("evaluate", model, "--data", write_labels(tmp_path, (0, 1)), "--json").read_json()["notes"]
    assert "by number, the labels are read " in notes[1]
    assert {"'0' as 'ham'", "'1' as 'spam'"} == set(notes[1].partition(" read ")[2].split(", "))
    notes = run("evaluate", model, "--data", write_labels(tmp_path, ("HAM", "Spam")), "--json").read_json()["notes"]
    assert len(notes) == 1

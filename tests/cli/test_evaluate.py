"""`imdb-sentiment evaluate`: a saved model measured on labelled rows."""

import json
from pathlib import Path

import pytest
from command import read_metadata, run, write_reviews

from conftest import make_pair, make_reviews
from imdb_sentiment import SentimentFineTuner


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a train and a test file, of 60 and 20 rows."""
    folder = tmp_path_factory.mktemp("divided")
    write_reviews(folder / "train.csv", 60)
    write_reviews(folder / "test.csv", 20, names="neg pos")
    return folder


def test_the_report_is_printed(saved_model: Path, folder: Path) -> None:
    outcome = run("evaluate", saved_model, "--data", folder / "test.csv")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["accuracy", "1.0000", "(20", "rows)"]
    words = ["balanced", "precision", "recall", "F1", "Matthews", "ROC-AUC", "average", "log"]
    assert [line.split()[0] for line in lines[1:9]] == words
    assert lines[10].split() == ["negative", "10", "0"]
    assert lines[-1] == f"note: measured on all rows of {folder / 'test.csv'}"


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
    assert "ROC-AUC               undefined" in run("evaluate", saved_model, "--data", data).out


def test_rows_that_taught_the_model_are_pointed_out_and_measured_apart(
    saved_model: Path, fitted: SentimentFineTuner, tmp_path: Path
) -> None:
    splits = fitted.splits
    rows = [row for part in (splits.train, splits.test) for row in part]
    data = tmp_path / "reviews.jsonl"
    data.write_text("\n".join(json.dumps({"text": row["text"].upper(), "label": row["label"]}) for row in rows))
    outcome = run("evaluate", saved_model, "--data", data)
    seen = f"{len(splits.train)} of the {len(rows)} rows that the model was trained or its best epoch chosen on"
    assert outcome.err == f"warning: these are {seen}; the figures without them stand apart\n"
    assert f"\nWithout the {seen}:\naccuracy " in outcome.out
    report = run("evaluate", saved_model, "--data", data, "--json").read_json()["test"]
    assert (report["rows"], report["unseen"]["rows"]) == (len(rows), len(splits.test))


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
        assert outcome.err.startswith("ConfigError: the model reads another number of text columns\n  found:    ")

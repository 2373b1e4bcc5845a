"""`imdb-sentiment train`: from a source to a saved, tested model."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command import Outcome, options, read_metadata, run, snapshot, write_reviews

from conftest import make_pair, make_reviews
from hub import LoopbackHub
from imdb_sentiment import FineTuneConfig

MODEL_FILES = {
    "README.md",
    "config.json",
    "held_out.npz",
    "imdb_sentiment.json",
    "model.safetensors",
    "seen_rows.npz",
    "tokenizer.json",
    "tokenizer_config.json",
    "training_words.npz",
}


@pytest.fixture(scope="module")
def trained(tiny_config: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """A run on 120 reviews that prints for a reader, and the folder that it was in."""
    folder = tmp_path_factory.mktemp("trained")
    data = write_reviews(folder / "reviews.csv", 120)
    return run("train", "--data", data, "--output", folder / "model", *options(tiny_config)), folder


@pytest.fixture
def brief(tiny_config: FineTuneConfig) -> list[str]:
    """Options for a run of one epoch, of few steps."""
    return options(tiny_config, num_train_epochs=1, per_device_train_batch_size=16)


def train_brief(folder: Path, *arguments: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train with --json; return what was printed and the metadata of the model."""
    content = run("train", "--output", folder / "model", "--json", *arguments).read_json()
    return content, read_metadata(folder / "model")


def test_the_run_is_told_in_its_order(trained: tuple[Outcome, Path]) -> None:
    outcome, folder = trained
    assert (outcome.code, outcome.err) == (0, "")
    steps = [
        "split       negative  positive  rows\ntrain             43        43    86\n",
        "Fine-tuning ",
        "epoch  train loss  log loss  calibrated  accuracy      F1\n1 ",
        "kept epoch ",
        "calibrated on held-out rows: temperature ",
        "Test split, read once:\naccuracy better than majority label: +",
        "\n24 rows ",
        "\naccuracy   ",
        f"Saved to {folder / 'model'}. Next:\n  imdb-sentiment predict {folder / 'model'} 'Your text.'\n",
    ]
    places = [outcome.out.find(step) for step in steps]
    assert -1 not in places
    assert places == sorted(places)


def test_nothing_but_the_model_is_left_behind(trained: tuple[Outcome, Path]) -> None:
    _, folder = trained
    assert set(snapshot(folder)) == {"reviews.csv", "model", *(f"model/{name}" for name in MODEL_FILES)}


def test_the_model_is_ready_for_predict_and_evaluate(trained: tuple[Outcome, Path]) -> None:
    _, folder = trained
    predictions = run("predict", folder / "model", "funny and moving", "hollow and tedious", "--json").read_json()
    assert [prediction["label"] for prediction in predictions["predictions"]] == ["positive", "negative"]
    outcome = run("evaluate", folder / "model", "--data", folder / "reviews.csv", "--json")
    report = outcome.read_json()["test"]
    assert (report["rows"], report["seen_rows"], report["unseen"]["rows"]) == (120, 96, 24)
    assert report["accuracy"] > 0.9
    assert outcome.err.startswith("warning: these are 96 of the 120 rows that the model was trained or its best epoch")


def test_one_json_object_is_printed(tmp_path: Path, brief: list[str]) -> None:
    content, metadata = train_brief(tmp_path, "--data", write_reviews(tmp_path / "reviews.csv"), *brief)
    assert set(content) == {
        "test",
        "cross_validation",
        "validation",
        "seconds",
        "kept_epoch",
        "splits",
        "audit",
        "settled",
        "method",
        "compared",
        "warnings",
        "notes",
        "model",
    }
    assert {"accuracy", "precision", "recall", "f1", "roc_auc", "log_loss"} < set(content["test"])
    assert content["test"] == metadata["metrics"]["test"]
    assert content["validation"] == metadata["metrics"]["validation"]
    assert content["splits"] == metadata["splits"]
    assert content["seconds"] > 0
    assert (content["kept_epoch"], content["model"]) == (1, str(tmp_path / "model"))


def test_a_json_run_says_nothing_else(tmp_path: Path, brief: list[str]) -> None:
    data = write_reviews(tmp_path / "reviews.csv")
    assert run("train", "--data", data, "--output", tmp_path / "model", "--json", *brief).err == ""


def test_options_win_over_set_and_set_over_the_file_and_the_file_over_the_preset(
    tmp_path: Path, tiny_model: Path
) -> None:
    data = write_reviews(tmp_path / "reviews.tsv", text="body", label="stars")
    (tmp_path / "run.yaml").write_text(
        f"data:\n  source: {data}\n  text_column: body\n  label_column: nowhere\n  test_fraction: 0.3\n"
        f"fine_tune:\n  model_name: {tiny_model}\n  max_length: 16\n  learning_rate: 1e-3\n  num_train_epochs: 2\n"
    )
    content, metadata = train_brief(
        tmp_path,
        *("--config", tmp_path / "run.yaml", "--preset", "tutorial", "--label-column", "stars"),
        *("--set", "num_train_epochs=1", "--set", "label_column=elsewhere", "--set", "validation_fraction=0.2"),
    )
    data_config, fine_tune = metadata["data_config"], metadata["fine_tune_config"]
    assert (data_config["text_column"], data_config["label_column"]) == ("body", "stars")
    assert (data_config["test_fraction"], data_config["validation_fraction"]) == (0.3, 0.2)
    assert (fine_tune["max_length"], fine_tune["learning_rate"], fine_tune["num_train_epochs"]) == (16, 1e-3, 1)
    assert fine_tune["padding"] == "max_length"
    assert fine_tune["load_best_model_at_end"] is False
    assert content["splits"]["rows"]["test"] == {"negative": 9, "positive": 9}


def test_columns_and_labels_of_other_names(tmp_path: Path, brief: list[str]) -> None:
    data = write_reviews(tmp_path / "sms.tsv", text="SMS", label="Label", names="ham spam")
    columns = ("--text-column", "SMS", "--label-column", "Label", "--positive-label", "spam")
    content, metadata = train_brief(tmp_path, "--data", data, *columns, "--negative-label", "ham", *brief)
    assert content["test"]["labels"] == metadata["labels"] == ["ham", "spam"]
    assert set(content["splits"]["rows"]["train"]) == {"ham", "spam"}
    predictions = run("predict", tmp_path / "model", "superb", "--json").read_json()["predictions"]
    assert set(predictions[0]["probabilities"]) == {"ham", "spam"}


def test_a_limit_leaves_the_test_split_whole(tmp_path: Path, brief: list[str]) -> None:
    data = write_reviews(tmp_path / "reviews.csv")
    rows, _ = train_brief(tmp_path, "--data", data, "--max-train-samples", 20, *brief)
    assert rows["splits"]["rows"] == {
        "train": {"negative": 9, "positive": 9},
        "validation": {"negative": 1, "positive": 1},
        "test": {"negative": 6, "positive": 6},
    }
    assert rows["splits"]["left_out"] == [{"split": "train", "reason": "above max_train_samples=20", "rows": 28}]


@pytest.mark.integration
def test_overwriting_replaces_the_model_whole(tmp_path: Path, brief: list[str]) -> None:
    data = write_reviews(tmp_path / "reviews.csv")
    train_brief(tmp_path, "--data", data, *brief)
    (tmp_path / "model" / "notes.txt").write_text("of the first run")
    _, metadata = train_brief(tmp_path, "--data", data, "--overwrite", *brief, "--set", "seed=7")
    assert metadata["seed"] == 7
    assert set(snapshot(tmp_path)) == {"reviews.csv", "model", *(f"model/{name}" for name in MODEL_FILES)}


@pytest.mark.integration
def test_an_empty_folder_is_taken_and_missing_ones_above_it_are_made(tmp_path: Path, brief: list[str]) -> None:
    data = write_reviews(tmp_path / "reviews.csv")
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "new" / "model"):
        assert run("train", "--data", data, "--output", folder, *brief).code == 0
        assert set(snapshot(folder)) == MODEL_FILES


def test_the_defaults_are_the_tutorials_task_from_the_hub(tmp_path: Path, hub: LoopbackHub) -> None:
    content, metadata = train_brief(tmp_path, "--set", "num_train_epochs=1", "--set", "max_length=32")
    assert metadata["base_model"] == "google-bert/bert-base-uncased"
    assert metadata["data_config"]["source"] == "stanfordnlp/imdb"
    assert content["splits"]["rows"]["test"] == {"negative": 15, "positive": 15}
    assert ("GET", "/api/datasets/stanfordnlp/imdb") in hub.requests
    assert ("GET", "/api/models/google-bert/bert-base-uncased") in hub.requests


def test_a_run_that_diverges_exits_with_1_and_leaves_nothing(tmp_path: Path, brief: list[str]) -> None:
    write_reviews(tmp_path / "reviews.csv")
    before = snapshot(tmp_path)
    diverging = ("--data", tmp_path / "reviews.csv", "--output", tmp_path / "model", "--set", "learning_rate=1e30")
    outcome = run("train", "--json", *brief, *diverging)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("TrainingDivergedError: training diverged")
    assert snapshot(tmp_path) == before


def test_two_text_columns_make_a_model_of_pairs(brief: list[str], tmp_path: Path) -> None:
    rows = [(*make_pair(text), label) for text, label in zip(*make_reviews(60), strict=True)]
    pd.DataFrame(rows, columns=["title", "body", "label"]).to_csv(tmp_path / "reviews.csv", index=False)
    data = ("--data", tmp_path / "reviews.csv", "--set", "text_columns=title,body")
    outcome = run("train", "--output", tmp_path / "model", *data, *brief)
    # TF-IDF is better here, and what to do about it comes before a prediction
    assert "It is worse than TF-IDF + LR" in outcome.out
    assert (
        f"imdb-sentiment label-issues --data {tmp_path / 'reviews.csv'} --set text_columns=title,body\n" in outcome.out
    )
    assert read_metadata(tmp_path / "model")["text_columns"] == ["title", "body"]
    assert run("predict", tmp_path / "model", "First text.\tSecond text.").code == 0


def test_texts_without_labels_are_learned_from_and_what_is_wrong_with_them_is_said_first(
    tmp_path: Path, brief: list[str]
) -> None:
    data = write_reviews(tmp_path / "reviews.csv", 60)
    more = tmp_path / "more.csv"
    more.write_text("comment\nA lantern hollow and tedious.\nNew.\n", encoding="utf-8")
    asked = ("train", "--data", data, "--unlabelled", more, "--output", tmp_path / "model", *brief)
    wrong = run(*asked)
    assert wrong.code == 2
    assert "column 'text' is not in" in wrong.err
    assert "Traceback" not in wrong.err
    assert set(snapshot(tmp_path)) == {"reviews.csv", "more.csv"}
    more.write_text("text\nA lantern hollow and tedious.\nNew.\n", encoding="utf-8")
    content, metadata = train_brief(tmp_path, "--data", data, "--unlabelled", more, *brief)
    assert any("2 unlabelled texts" in note for note in content["notes"])
    assert metadata["ensemble"] is not None
    assert run("predict", tmp_path / "model", "A lantern.", "--ensemble").code == 0

"""Covers persistence/torch_model.py.

The hub, through its stand-in: the defaults, pinned revisions, and a model that was uploaded.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub import LoopbackHub, write_tiny_bert, write_tiny_imdb
from imdb_sentiment import (
    ConfigError,
    DataConfig,
    DataError,
    FineTuneConfig,
    HubUnavailableError,
    ModelError,
    NotFittedError,
    SentimentClassifier,
    SentimentFineTuner,
)

DEFAULTS = """
import json
from imdb_sentiment import SentimentFineTuner

tuner = SentimentFineTuner()
result = tuner.fit()
report = tuner.evaluate()
tuner.save("model")
print(json.dumps({"epochs": len(result.history), "splits": result.splits.to_dict(), "test": report.to_dict()}))
"""


@pytest.mark.integration
def test_the_defaults_in_a_fresh_process(hub: LoopbackHub, tmp_path: Path) -> None:
    seen = len(hub.requests)
    environment = {**os.environ, **hub.environment(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", DEFAULTS], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    content: dict[str, Any] = json.loads(done.stdout)
    assert content["epochs"] == 0  # so few rows are not trained on in epochs
    assert content["test"]["labels"] == ["negative", "positive"]
    assert content["splits"]["rows"] == {
        "train": {"negative": 30, "positive": 30},
        "validation": {"negative": 0, "positive": 0},
        "test": {"negative": 15, "positive": 15},
    }
    assert content["splits"]["folds"] == 5
    assert content["splits"]["notes"] == ["split 'unsupervised' was left out"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "model"]
    assert any(path.endswith("/model.safetensors") for _, path in hub.requests[seen:])


def test_revisions_are_pinned(hub: LoopbackHub, tiny_model: Path, tmp_path: Path) -> None:
    write_tiny_imdb(tmp_path / "imdb")
    model = hub.add_model("someone/encoder", tiny_model)
    data = hub.add_dataset("someone/reviews", tmp_path / "imdb")
    write_tiny_bert(tmp_path / "later", ["other words"], max_position_embeddings=64)
    assert hub.add_model("someone/encoder", tmp_path / "later") != model
    for path in (tmp_path / "imdb" / "plain_text").glob("train-*"):
        path.unlink()
    assert hub.add_dataset("someone/reviews", tmp_path / "imdb") != data

    seen = len(hub.requests)
    config = FineTuneConfig(model_name="someone/encoder", model_revision=model, max_length=128, num_train_epochs=1)
    tuner = SentimentFineTuner(DataConfig(source="someone/reviews", revision=data), config, output_dir=tmp_path / "run")
    assert tuner.fit().splits.rows["train"] == {"negative": 27, "positive": 27}
    asked = [path for _, path in hub.requests[seen:] if "/resolve/" in path]
    assert asked
    assert [path for path in asked if model not in path and data not in path] == []


@pytest.mark.parametrize("revision", ["no-such-branch", "0" * 40])
def test_a_revision_that_does_not_exist(hub: LoopbackHub, revision: str, tmp_path: Path) -> None:
    assert hub.url
    with pytest.raises(DataError, match="was not found") as caught:
        _ = SentimentFineTuner(DataConfig(revision=revision), output_dir=tmp_path / "run").splits
    assert caught.value.found == "no such revision in the repository"


def test_a_model_that_was_uploaded_is_opened_by_its_id(hub: LoopbackHub, saved_model: Path) -> None:
    revision = hub.add_model("someone/sentiment", saved_model)
    local = SentimentClassifier.from_pretrained(saved_model, device="cpu").predict("Seen at home: superb.")
    for pinned in (None, revision):
        remote = SentimentClassifier.from_pretrained("someone/sentiment", revision=pinned, device="cpu")
        assert remote.predict("Seen at home: superb.") == local
        assert remote.labels == ("negative", "positive")


def test_a_repository_that_is_no_model_of_ours(hub: LoopbackHub) -> None:
    assert hub.url
    with pytest.raises(ModelError, match="lacks trained weights, and would predict at random"):
        SentimentClassifier.from_pretrained("google-bert/bert-base-uncased")
    with pytest.raises(ModelError, match="model 'someone/nothing' was not found"):
        SentimentClassifier.from_pretrained("someone/nothing")


def test_a_model_is_pushed_whole(
    writable_hub: LoopbackHub, fitted: SentimentFineTuner, saved_model: Path, tmp_path: Path
) -> None:
    repository = f"{writable_hub.OWNER}/pushed"
    assert fitted.push_to_hub("pushed") == f"{writable_hub.url}/{repository}"
    pushed = writable_hub.files(repository)
    assert pushed.keys() == {path.name for path in saved_model.iterdir()}
    assert pushed["model.safetensors"] == (saved_model / "model.safetensors").read_bytes()
    assert f'from_pretrained("{repository}")' in pushed["README.md"].decode()
    opened = SentimentClassifier.from_pretrained(repository, device="cpu")
    local = SentimentClassifier.from_pretrained(saved_model, device="cpu")
    assert opened.predict("Seen at home: superb.") == local.predict("Seen at home: superb.")
    assert opened.push_to_hub(f"{writable_hub.OWNER}/again") == f"{writable_hub.url}/{writable_hub.OWNER}/again"
    again = writable_hub.files(f"{writable_hub.OWNER}/again")
    assert {name for name in pushed if again[name] != pushed[name]} == {"README.md"}


def test_a_push_replaces_weights_and_nothing_else(writable_hub: LoopbackHub, saved_model: Path, tmp_path: Path) -> None:
    repository = f"{writable_hub.OWNER}/older"
    for name in ("pytorch_model.bin", "model-00001-of-00002.safetensors", "plot.svg", "README.md"):
        (tmp_path / name).write_text("old")
    writable_hub.add_model(repository, tmp_path)
    SentimentClassifier.from_pretrained(saved_model, device="cpu").push_to_hub(repository, commit_message="Newer")
    files = writable_hub.files(repository)
    assert files.keys() == {path.name for path in saved_model.iterdir()} | {"plot.svg"}
    assert files["plot.svg"] == b"old"
    assert files["README.md"] != b"old"


@pytest.mark.parametrize(
    ("repository", "token", "summary", "found"),
    [
        ("someone/refused", "hf_wrong", "the hub refused to write to someone/refused", "no valid token"),
        ("other/model", None, "the hub refused to write to other/model", "the token has no write access"),
        ("no name", None, "'no name' is not a valid repository name", "Repo id must"),
    ],
)
def test_a_push_that_is_refused(
    repository: str, token: str | None, summary: str, found: str, writable_hub: LoopbackHub, saved_model: Path
) -> None:
    classifier = SentimentClassifier.from_pretrained(saved_model, device="cpu")
    with pytest.raises(ConfigError) as caught:
        classifier.push_to_hub(repository, token=token)
    assert caught.value.summary == summary
    assert str(caught.value.found).startswith(found)
    with pytest.raises(KeyError):
        writable_hub.files(repository)


def test_a_push_that_no_hub_answers(
    writable_hub: LoopbackHub, saved_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(HubUnavailableError, match="cannot be reached, and someone/model was not pushed"):
        SentimentClassifier.from_pretrained(saved_model, device="cpu").push_to_hub("someone/model")


def test_an_unfitted_model_is_not_pushed() -> None:
    with pytest.raises(NotFittedError):
        SentimentFineTuner().push_to_hub("someone/model")

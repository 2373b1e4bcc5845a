"""The hub, through its stand-in: the defaults, pinned revisions, and a model that was uploaded."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub import LoopbackHub, write_tiny_bert, write_tiny_imdb
from imdb_sentiment import DataConfig, DataError, FineTuneConfig, ModelError, SentimentClassifier, SentimentFineTuner

DEFAULTS = """
import json
from imdb_sentiment import SentimentFineTuner

tuner = SentimentFineTuner()
result = tuner.fit()
report = tuner.evaluate()
tuner.save("model")
print(json.dumps({"epochs": len(result.history), "splits": result.splits.to_dict(), "test": report.to_dict()}))
"""


def test_the_defaults_in_a_fresh_process(hub: LoopbackHub, tmp_path: Path) -> None:
    seen = len(hub.requests)
    environment = {**os.environ, **hub.environment(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", DEFAULTS], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    content: dict[str, Any] = json.loads(done.stdout)
    assert content["epochs"] == FineTuneConfig().num_train_epochs
    assert content["test"]["labels"] == ["negative", "positive"]
    assert content["splits"]["rows"] == {
        "train": {"negative": 27, "positive": 27},
        "validation": {"negative": 3, "positive": 3},
        "test": {"negative": 15, "positive": 15},
    }
    assert content["splits"]["notes"] == ["split 'unsupervised' was left out"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "model", "results"]
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
    with pytest.raises(ModelError, match="is not a model of this library"):
        SentimentClassifier.from_pretrained("google-bert/bert-base-uncased")
    with pytest.raises(ModelError, match="model 'someone/nothing' was not found"):
        SentimentClassifier.from_pretrained("someone/nothing")

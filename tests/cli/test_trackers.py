"""`train` with trackers: what stays of them beside the model, and which are refused before anything is read."""

import sys
from pathlib import Path

import pytest
from command import Outcome, options, run, write_reviews
from transformers.integrations.integration_utils import TensorBoardCallback

from imdb_sentiment import FineTuneConfig


def test_event_files_stand_beside_the_model_where_they_stay(
    tiny_config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)
    write_reviews(Path("reviews.csv"))
    recipe = options(tiny_config, num_train_epochs=1, report_to="tensorboard")
    outcome = run("train", "--data", "reviews.csv", "--output", "model", *recipe)
    assert (outcome.code, outcome.err) == (0, "")
    assert "To watch: tensorboard --logdir model-tensorboard\n" in outcome.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model-tensorboard", "reviews.csv"]
    (start,) = Path("model-tensorboard").iterdir()
    assert [path.name.split(".")[:3] for path in start.iterdir()] == [["events", "out", "tfevents"]]


def test_what_a_tracker_prints_does_not_spoil_the_json(
    tiny_config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "events"))
    said = "see https://tracker.example\n"

    def speak(*args: object, **kwargs: object) -> None:
        sys.stdout.write(said)

    monkeypatch.setattr(TensorBoardCallback, "on_train_begin", speak)
    data = write_reviews(tmp_path / "reviews.csv")
    recipe = options(tiny_config, num_train_epochs=1, report_to="tensorboard")
    outcome = run("train", "--data", data, "--output", tmp_path / "model", "--json", *recipe)
    assert outcome.read_json()["model"] == str(tmp_path / "model")
    assert outcome.err == said


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("tensorbord", 2, "ConfigError: report_to: unknown tracker 'tensorbord'\n"),
        ("comet_ml", 1, "MissingExtraError: report_to='comet_ml' needs a package that is not installed"),
    ],
)
def test_a_tracker_is_refused_before_the_data_are_looked_for(
    name: str, code: int, said: str, tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    recipe = options(tiny_config, report_to=name)
    outcome = run("train", "--data", tmp_path / "nowhere.csv", "--output", tmp_path / "model", *recipe)
    assert outcome == Outcome(code, "", outcome.err)
    assert outcome.err.startswith(said)
    assert list(tmp_path.iterdir()) == []

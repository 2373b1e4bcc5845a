"""Covers training/arguments.py.

Trackers: what TensorBoard gets and where, and names that are no tracker's or whose package is missing.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from conftest import make_reviews
from imdb_sentiment import ConfigError, DataConfig, FineTuneConfig, MissingExtraError, SentimentFineTuner
from imdb_sentiment.results.metrics import METRICS
from imdb_sentiment.training.arguments import check_trackers, event_files


def read_events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return what TensorBoard shows of the event file in a folder: steps and values by name."""
    events = EventAccumulator(str(folder))
    events.Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def only_folder(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


@pytest.fixture
def tracked(tiny_config: FineTuneConfig) -> FineTuneConfig:
    return tiny_config.replace(num_train_epochs=2, report_to=("tensorboard",))


def test_tensorboard_gets_loss_learning_rate_and_metrics_below_the_output_folder(
    tracked: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)
    data = DataConfig(near_duplicates="ignore")
    result = SentimentFineTuner(data, tracked, output_dir=tmp_path / "run").fit(make_reviews(60))
    assert list((tmp_path / "here").iterdir()) == []
    scalars = read_events(only_folder(tmp_path / "run" / "runs"))
    for name in METRICS:
        steps, values = zip(*scalars[f"eval/{name}"], strict=True)
        assert steps == (11, 22)
        assert values == pytest.approx([getattr(record.validation, name) for record in result.history])
    assert [step for step, _ in scalars["train/loss"]] == list(range(1, 23))
    for epoch, record in enumerate(result.history):
        losses = [loss for _, loss in scalars["train/loss"][11 * epoch : 11 * (epoch + 1)]]
        assert sum(losses) / 11 == pytest.approx(record.train_loss)
    rates = [rate for _, rate in scalars["train/learning_rate"]]
    # 5 of the 22 steps rise to the peak of 1e-3, 17 fall
    assert [rates[0], rates[5], rates[21]] == [0, pytest.approx(1e-3), pytest.approx(1e-3 / 17)]


def test_the_users_folder_for_event_files_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", "mine")
    with event_files(Path("ours")):
        assert os.environ["TENSORBOARD_LOGGING_DIR"] == "mine"
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR")
    with event_files(Path("ours")):
        assert os.environ["TENSORBOARD_LOGGING_DIR"] == "ours"
    assert "TENSORBOARD_LOGGING_DIR" not in os.environ


@pytest.fixture
def refused(tiny_config: FineTuneConfig, tmp_path: Path) -> Callable[[str], Exception]:
    """How `fit` refuses a tracker, before the data are looked for."""

    def refuse(name: str) -> Exception:
        config = tiny_config.replace(report_to=(name,))
        tuner = SentimentFineTuner(DataConfig(source="nowhere.csv"), config, output_dir=tmp_path / "run")
        with pytest.raises((ConfigError, MissingExtraError)) as caught:
            tuner.fit()
        assert list(tmp_path.iterdir()) == []
        return caught.value

    return refuse


def test_a_name_that_is_no_trackers_is_refused_with_the_nearest(refused: Callable[[str], Exception]) -> None:
    error = refused("tensorbord")
    assert isinstance(error, ConfigError)
    assert "unknown tracker 'tensorbord'" in error.summary
    assert error.expected
    assert {"tensorboard", "trackio", "mlflow", "wandb"} < set(error.expected.removeprefix("one of ").split(", "))
    assert error.hint == "tensorboard"


@pytest.mark.parametrize("name", ["all", "none"])
def test_words_with_a_meaning_upstream_are_no_trackers(name: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown tracker '{name}'"):
        check_trackers([name])


def test_a_package_that_is_missing_is_named(refused: Callable[[str], Exception]) -> None:
    error = refused("comet_ml")
    assert isinstance(error, MissingExtraError)
    assert error.hint == "pip install comet-ml"


def test_flyte_is_usable_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingExtraError, match="pip install flytekit"):
        check_trackers(["tensorboard", "flyte"])
    monkeypatch.setattr("transformers.integrations.integration_utils.is_flytekit_available", lambda: True)
    check_trackers(["tensorboard", "flyte"])


def test_event_files_need_a_folder_that_stays(tiny_config: FineTuneConfig) -> None:
    tuner = SentimentFineTuner(config=tiny_config.replace(report_to=("tensorboard",)))
    with pytest.raises(ConfigError, match=r"removed with the temporary folder(.|\n)*output_dir=FOLDER"):
        tuner.fit(make_reviews(20))

"""Covers training/plan.py.

Going on with a run: the same data and configuration, or not at all; and what a failed run leaves.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from conftest import make_reviews
from imdb_sentiment import ConfigError, DataError, FineTuneConfig, ModelError, NotFittedError, SentimentFineTuner
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.inference.torch_backend import score_texts
from imdb_sentiment.training.checkpoints import complete_checkpoints, newest_checkpoint

Reviews = tuple[list[str], list[int]]


@pytest.fixture(scope="module")
def config(tiny_config: FineTuneConfig) -> FineTuneConfig:
    return tiny_config.replace(num_train_epochs=2, metric_for_best_model="log_loss")


@pytest.mark.integration
def test_a_run_without_a_folder_leaves_nothing_unless_it_breaks(
    config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    rows = make_reviews(60)
    whole = SentimentFineTuner(config=config).fit(rows)
    assert list(tmp_path.iterdir()) == []
    tuner = SentimentFineTuner(config=config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transformers.Trainer._load_best_model", interrupt)
        with pytest.raises(KeyboardInterrupt) as broken_run:
            tuner.fit(rows)
    (folder,) = tmp_path.iterdir()
    (note,) = broken_run.value.__notes__
    assert str(folder) in note
    again = tuner.fit(rows, resume=True)
    assert [record.validation for record in again.history] == [record.validation for record in whole.history]
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_breaks_before_its_first_checkpoint_leaves_nothing(
    config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(DataError) as error:
        SentimentFineTuner(config=config).fit((["a text"], [1]))
    assert not hasattr(error.value, "__notes__")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def cut_off(config: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was interrupted in its second epoch; tests copy it."""
    folder = tmp_path_factory.mktemp("cut") / "run"
    evaluations = iter(range(10))

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        if next(evaluations) == 1:
            raise KeyboardInterrupt
        return measure(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imdb_sentiment.training.setup.measure", interrupted)
        with pytest.raises(KeyboardInterrupt):
            SentimentFineTuner(config=config, output_dir=folder).fit(make_reviews(60))
    return folder


@pytest.fixture
def folder(cut_off: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(cut_off, tmp_path / "run"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"learning_rate": 1e-4}, "learning_rate"),
        ({"num_train_epochs": 3}, "num_train_epochs"),
        ({"seed": 7}, "seed"),
        ({"class_weight": "balanced"}, "class_weight"),
        ({"precision": "auto"}, "precision"),
        ({"first_epoch_max_length": 8}, "first_epoch_max_length"),
    ],
)
def test_another_configuration_is_refused(
    folder: Path, config: FineTuneConfig, change: dict[str, Any], field: str
) -> None:
    tuner = SentimentFineTuner(config=config.replace(**change), output_dir=folder)
    with pytest.raises(ConfigError, match="belongs to another run") as caught:
        tuner.fit(make_reviews(60), resume=True)
    assert caught.value.found == f"{field} was {getattr(config, field)!r}"


def test_another_number_of_rows_in_a_step_is_refused(folder: Path, config: FineTuneConfig) -> None:
    tuner = SentimentFineTuner(config=config.replace(gradient_accumulation_steps=2), output_dir=folder)
    with pytest.raises(ConfigError, match="belongs to another run") as caught:
        tuner.fit(make_reviews(60), resume=True)
    assert (caught.value.found, caught.value.expected) == ("rows_per_step was 4", "rows_per_step is 8")


def test_other_data_are_refused(folder: Path, config: FineTuneConfig) -> None:
    texts, labels = make_reviews(60)
    with pytest.raises(ConfigError, match="belongs to another run") as caught:
        SentimentFineTuner(config=config, output_dir=folder).fit(([*texts[:-1], "quite other"], labels), resume=True)
    assert "data_fingerprint" in str(caught.value.found)


def test_the_folder_may_move_and_what_decides_nothing_may_change(folder: Path, config: FineTuneConfig) -> None:
    changed = config.replace(per_device_eval_batch_size=3, save_total_limit=2)
    tuner = SentimentFineTuner(config=changed, output_dir=folder)
    result = tuner.fit(make_reviews(60), resume=True)
    assert any(note.startswith("resumed from") for note in result.notes)
    assert [record.epoch for record in result.history] == [1, 2]
    assert tuner._fitted
    rows = tuner.splits.validation
    scores = score_texts(tuner._fitted.model, tuner._fitted.encoder, rows["text"])
    again = measure(scores.probabilities, rows["label"], names=tuner.labels)
    assert again.log_loss == pytest.approx(result.validation.log_loss, abs=1e-6)
    assert len(complete_checkpoints(folder)) == 2


def test_the_precision_that_was_chosen_stays(
    config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another machine, or with other programs beside it, a trial might come out differently."""
    monkeypatch.setattr("imdb_sentiment.training.recipe.choose_precision", lambda *args, **kwargs: "bf16")
    config = config.replace(precision="auto", num_train_epochs=1)
    begun = SentimentFineTuner(config=config, output_dir=tmp_path / "run").fit(make_reviews(60))
    monkeypatch.setattr("imdb_sentiment.training.recipe.choose_precision", lambda *args, **kwargs: "fp32")
    gone_on = SentimentFineTuner(config=config, output_dir=tmp_path / "run").fit(make_reviews(60), resume=True)
    for result in (begun, gone_on):
        assert result.notes[1].startswith("bf16 on ")
    assert gone_on.history == begun.history


@pytest.mark.integration
def test_a_finished_run_whose_best_checkpoint_is_gone_keeps_the_last_and_says_so(
    config: FineTuneConfig, tmp_path: Path
) -> None:
    reviews = make_reviews(60)
    rising = iter([0.1, 0.2, 0.3])
    config = config.replace(metric_for_best_model="log_loss")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imdb_sentiment.training.setup.calibrated_log_loss", lambda *args: next(rising))
        patch.setattr("transformers.Trainer._load_best_model", interrupt)  # both epochs are saved by then
        with pytest.raises(KeyboardInterrupt):
            SentimentFineTuner(config=config, output_dir=tmp_path / "run").fit(reviews)
    last = newest_checkpoint(tmp_path / "run")
    assert last is not None
    (first,) = (path for path in complete_checkpoints(tmp_path / "run").values() if path != last)
    shutil.rmtree(first)
    result = SentimentFineTuner(config=config, output_dir=tmp_path / "run").fit(reviews, resume=True)
    assert (result.kept_epoch, result.kept_because) == (2, "the last")
    assert result.history[-1].calibrated_log_loss == 0.2


def interrupt(*args: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.integration
def test_a_failed_fit_forgets_the_model_of_other_splits(tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    config = tiny_config.replace(num_train_epochs=1)
    tuner = SentimentFineTuner(config=config, output_dir=tmp_path / "run")
    tuner.fit(make_reviews(60))
    assert tuner.evaluate().rows == 12
    tuner.output_dir = tmp_path / "second"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imdb_sentiment.training.run.load_model", broken)
        with pytest.raises(ModelError):
            tuner.fit(make_reviews(80))
    with pytest.raises(NotFittedError):
        tuner.evaluate()


def broken(*args: object) -> None:
    raise ModelError("no weights")

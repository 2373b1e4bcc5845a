"""A run from its start to the model that is kept."""

from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import make_reviews
from imdb_sentiment import FineTuneConfig, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.training.setup import build_training


@pytest.fixture
def quick(tiny_config: FineTuneConfig) -> FineTuneConfig:
    return tiny_config.replace(num_train_epochs=1, per_device_train_batch_size=16)


@pytest.mark.parametrize(("dropout", "trained_with"), [(0.0, 0.0), (0.3, 0.3), (None, 0.1)])
def test_dropout_is_set_for_training_and_not_in_what_is_saved(
    dropout: float | None, trained_with: float, quick: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[float] = set()

    def look(model: Any, *args: Any, **kwargs: Any) -> Any:
        seen.update(module.p for module in model.modules() if isinstance(module, torch.nn.Dropout))
        return build_training(model, *args, **kwargs)

    monkeypatch.setattr("imdb_sentiment.training.fine_tuning.build_training", look)
    tuner = SentimentFineTuner(config=quick.replace(dropout=dropout), output_dir=tmp_path / "run")
    tuner.fit(make_reviews(40))
    assert seen == {trained_with}
    tuner.save(tmp_path / "model")
    saved = SentimentClassifier.from_pretrained(tmp_path / "model")
    assert saved.metadata.fine_tune_config["dropout"] == dropout
    assert '"hidden_dropout_prob": 0.1' in (tmp_path / "model" / "config.json").read_text()


def test_the_result_says_what_auto_came_to(quick: FineTuneConfig, tmp_path: Path) -> None:
    tuner = SentimentFineTuner(config=quick.replace(learning_rate="auto"), output_dir=tmp_path / "run")
    result = tuner.fit(make_reviews(40))
    assert result.settled == {"learning_rate": 5e-5}
    assert "chosen for these rows: learning_rate 5e-05\n" in str(result)
    assert result.notes[1].startswith("fp32 on ")
    assert len(result.notes) == 2


def test_a_run_that_stops_early_says_what_it_kept(quick: FineTuneConfig, tmp_path: Path) -> None:
    """With a learning rate that learns nothing, no evaluation is better than the first."""
    config = quick.replace(
        num_train_epochs=4,
        per_device_train_batch_size=13,
        learning_rate=1e-12,
        evaluations_per_epoch=2,
        early_stopping_patience=3,
        metric_for_best_model="accuracy",
    )
    result = SentimentFineTuner(config=config, output_dir=tmp_path / "run").fit(make_reviews(120))
    steps = -(-sum(result.splits.rows["train"].values()) // 13)
    half = -(-steps // 2) / steps
    assert (steps, half) == (7, 4 / 7)
    assert [record.epoch for record in result.history] == pytest.approx([half, 1.0, 1 + half, 2.0], abs=1e-5)
    assert result.kept_epoch == result.history[0].epoch
    assert result.kept_because == "lowest calibrated log loss within one standard error of the highest accuracy"
    assert result.calibration.before == result.history[0].validation
    assert f"kept epoch {half:.4g} " in str(result)

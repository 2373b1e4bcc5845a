"""Covers training/run.py.

Temperature and threshold, from the validation split into the model folder and out of it again.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import pipeline

from conftest import make_reviews
from imdb_sentiment import ConfigError, FineTuneConfig, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.models.tokenization import texts_of

TEXTS = ["A dull film.", "A wonderful film, warm and funny.", "Dull, dull, dull."]


@pytest.fixture(scope="module")
def tuner(tiny_config: FineTuneConfig, tmp_path_factory: pytest.TempPathFactory) -> SentimentFineTuner:
    config = tiny_config.replace(num_train_epochs=1, per_device_train_batch_size=4, threshold="precision>=0.9")
    tuner = SentimentFineTuner(config=config, output_dir=tmp_path_factory.mktemp("calibrating") / "run")
    tuner.fit(make_reviews(160))
    return tuner


@pytest.fixture(scope="module")
def folder(tuner: SentimentFineTuner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tuner.save(tmp_path_factory.mktemp("calibrated") / "model")


@pytest.fixture(scope="module")
def classifier(folder: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(folder)


def test_the_temperature_lowers_the_log_loss_on_validation(tuner: SentimentFineTuner) -> None:
    fitted = tuner._require_fitted("measure")
    calibration = fitted.result.calibration
    assert calibration.temperature != pytest.approx(1, abs=0.01)
    assert calibration.after.log_loss < calibration.before.log_loss
    kept = min(fitted.result.history, key=lambda record: abs(record.epoch - fitted.result.kept_epoch))
    assert calibration.before.log_loss == pytest.approx(kept.validation.log_loss, abs=1e-4)
    assert f"temperature {calibration.temperature:.3g}" in str(fitted.result)


def test_the_saved_model_is_calibrated_for_any_program(
    tuner: SentimentFineTuner, folder: Path, classifier: SentimentClassifier
) -> None:
    held_out = tuner.splits.validation
    with pytest.warns(UserWarning, match="its best epoch chosen on"):
        report = classifier.evaluate(texts_of(held_out), held_out["label"])
    calibration = classifier.metadata.calibration
    assert report.log_loss == pytest.approx(classifier.metadata.metrics["validation"]["log_loss"], abs=1e-5)
    stock: Any = pipeline("text-classification", str(folder), device="cpu", top_k=None)
    scores = [{part["label"]: part["score"] for part in parts} for parts in stock(TEXTS)]
    theirs = np.array([[score[name] for name in classifier.labels] for score in scores])
    np.testing.assert_allclose(theirs, classifier.predict_proba(TEXTS), atol=1e-5)
    assert 0.05 <= calibration.temperature <= 20
    assert calibration.goal == "precision>=0.9"


def test_the_threshold_decides_in_the_api(classifier: SentimentClassifier) -> None:
    positive = classifier.predict_proba(TEXTS)[:, 1]
    for prediction, probability in zip(classifier.predict(TEXTS), positive, strict=True):
        called = probability > classifier.threshold
        assert prediction.label == classifier.labels[int(called)]
        assert prediction.score == pytest.approx(probability if called else 1 - probability, abs=1e-6)


def test_the_threshold_reaches_its_goal_on_validation(tuner: SentimentFineTuner) -> None:
    calibration = tuner._require_fitted("measure").result.calibration
    assert calibration.reached == (calibration.after.precision >= 0.9)
    assert calibration.after.threshold == calibration.threshold
    assert tuner.evaluate().threshold == calibration.threshold


def test_predictions_that_are_not_sure_enough_are_marked(classifier: SentimentClassifier) -> None:
    scores = sorted(prediction.score for prediction in classifier.predict(TEXTS))
    asked = (scores[0] + scores[1]) / 2
    marked = [prediction.abstained for prediction in classifier.predict(TEXTS, abstain_below=asked)]
    assert marked.count(True) == 1
    assert not any(prediction.abstained for prediction in classifier.predict(TEXTS))
    assert classifier.predict(TEXTS[0], abstain_below=1.0).abstained
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ConfigError, match="is not a probability"):
            classifier.predict(TEXTS, abstain_below=wrong)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (0.3, 0.3),
        ("0.3", 0.3),
        ("max_f1", "max_f1"),
        ("precision >= .95", "precision>=.95"),
        ("recall>=1", "recall>=1"),
    ],
)
def test_a_threshold_is_a_probability_or_a_goal(given: float | str, kept: float | str) -> None:
    assert FineTuneConfig(threshold=given).threshold == kept


@pytest.mark.parametrize(
    "given", [0, 1, -0.5, "1.5", "max_f2", "precision>0.9", "precision>=1.2", "f1>=0.5", "", "nan"]
)
def test_another_threshold_is_refused(given: float | str) -> None:
    with pytest.raises(ConfigError, match=r"threshold = .*: expected a number between 0 and 1, max_f1"):
        FineTuneConfig(threshold=given)

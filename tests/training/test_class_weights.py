"""The weighted training loss, against PyTorch's own, by its value and its gradients."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from trainers import LABELS, Batch, Build, Parts, build_parts, gradients_of, train

from conftest import make_reviews
from imdb_sentiment import FineTuneConfig, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.training.setup import balanced_weights

ROWS = 7
BY_CLASS = torch.tensor([7 / 6, 7 / 8])
# a learning rate that changes nothing, so that every step starts from the same model
WEIGHTED: dict[str, Any] = {"rows": ROWS, "class_weight": "balanced", "learning_rate": 1e-12}


@pytest.fixture
def build(tiny_model: Path, tmp_path: Path) -> Build:
    return partial(build_parts, tiny_model, tmp_path / "run")


def by_hand(parts: Parts, batches: list[Batch], weight: torch.Tensor | None) -> float:
    """PyTorch's mean over all rows of the batches together; its gradients are left in the model."""
    parts.model.train().zero_grad()
    read = [{name: batch[name] for name in parts.encoder.tokenizer.model_input_names} for batch in batches]
    logits = torch.cat([parts.model(**inputs).logits for inputs in read])
    labels = torch.cat([batch["labels"] for batch in batches])
    loss = torch.nn.functional.cross_entropy(logits, labels, weight=weight)
    loss.backward()
    return loss.item()


def test_balanced_weights_by_hand() -> None:
    weights = balanced_weights([0, 0, 0, 1])
    assert weights.tolist() == pytest.approx([4 / (2 * 3), 4 / (2 * 1)])
    counts = Counter(LABELS[:ROWS])
    assert counts == {0: 3, 1: 4}
    assert balanced_weights(LABELS[:ROWS]).tolist() == pytest.approx([7 / 6, 7 / 8])


@pytest.mark.parametrize(
    ("batch_size", "accumulated", "sizes"),
    [(7, 1, [[7]]), (4, 1, [[4], [3]]), (4, 2, [[4, 3]]), (1, 7, [[1] * 7]), (2, 3, [[2, 2, 2], [1, 0, 0]])],
    ids=["one batch", "a short last batch", "accumulated", "of one row each", "a short last step"],
)
def test_each_step_is_that_of_pytorchs_weighted_mean(
    build: Build, batch_size: int, accumulated: int, sizes: list[list[int]]
) -> None:
    parts = build(**WEIGHTED, per_device_train_batch_size=batch_size, gradient_accumulation_steps=accumulated)
    steps = train(parts)
    assert [[len(rows) for rows in step.rows] for step in steps] == sizes
    losses = []
    for step in steps:
        filled = [batch for batch in step.batches if batch["rows"]]
        losses.append(by_hand(parts, [part for batch in filled for part in batch["micro_batches"]], BY_CLASS))
        expected = gradients_of(parts.model)
        assert step.gradients.keys() == expected.keys()
        for name, gradient in step.gradients.items():
            torch.testing.assert_close(gradient, expected[name], atol=1e-6, rtol=1e-4)
    assert parts.history[0].train_loss == pytest.approx(sum(losses) / len(losses), abs=1e-5)


def test_validation_is_not_weighted(build: Build) -> None:
    parts = build(**WEIGHTED, per_device_train_batch_size=ROWS)
    (step,) = train(parts)
    plain = by_hand(parts, step.passes, None)
    (record,) = parts.history
    assert record.train_loss != pytest.approx(plain, abs=1e-4)  # so the weights do matter
    assert record.validation.log_loss == pytest.approx(plain, abs=1e-5)
    log = parts.trainer.state.log_history
    assert [entry["eval_loss"] for entry in log if "eval_loss" in entry] == [pytest.approx(plain, abs=1e-5)]


def test_without_weights_each_row_counts_for_one(build: Build) -> None:
    parts = build(ROWS, per_device_train_batch_size=ROWS, learning_rate=1e-12)
    (step,) = train(parts)
    assert torch.cat([part["weights"] for part in step.passes]).tolist() == [1.0] * ROWS
    assert parts.history[0].train_loss == pytest.approx(by_hand(parts, step.passes, None), abs=1e-5)


@pytest.mark.integration
def test_weights_raise_the_probabilities_of_the_rare_label(tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    """The texts say nothing of the labels, so the best that the model can learn is how often each occurs."""
    texts, _ = make_reviews(240)
    labels = [int(i % 16 in (0, 9)) for i in range(240)]  # as often among the cheerful texts as among the others
    fields: dict[str, Any] = {"num_train_epochs": 3, "per_device_train_batch_size": 16, "load_best_model_at_end": False}
    means = []
    for weights in (None, "balanced"):
        config = tiny_config.replace(class_weight=weights, **fields)
        tuner = SentimentFineTuner(config=config, output_dir=tmp_path / f"run-{weights}")
        tuner.fit((texts, labels))
        classifier = SentimentClassifier.from_pretrained(tuner.save(tmp_path / f"model-{weights}"))
        assert classifier.metadata.fine_tune_config["class_weight"] == weights
        means.append(classifier.predict_proba(texts)[:, 1].mean())
    plain, weighted = means
    assert plain == pytest.approx(1 / 8, abs=0.08)
    assert weighted > plain + 0.05  # calibrated, as far as a temperature can; before, it was about 1 / 2


def test_smoothed_labels_are_those_of_pytorch(build: Build) -> None:
    parts = build(rows=ROWS, learning_rate=1e-12, per_device_train_batch_size=4, label_smoothing=0.3)
    steps = train(parts)
    for step in steps:
        parts.model.train().zero_grad()
        (batch,) = step.passes
        inputs = {name: batch[name] for name in parts.encoder.tokenizer.model_input_names}
        logits = parts.model(**inputs).logits
        torch.nn.functional.cross_entropy(logits, batch["labels"], label_smoothing=0.3).backward()
        for name, gradient in gradients_of(parts.model).items():
            assert torch.allclose(gradient, step.gradients[name], atol=1e-6)

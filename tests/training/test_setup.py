"""What the Trainer computes, against plain PyTorch, and in which order."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from trainers import LABELS, NAMES, TEXTS, Batch, Build, Parts, build_parts, train

from imdb_sentiment import TrainingDivergedError
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.inference.torch_backend import score_texts
from imdb_sentiment.runtime.huggingface import quiet
from imdb_sentiment.training.setup import read_history


@pytest.fixture
def build(tiny_model: Path, tmp_path: Path) -> Build:
    return partial(build_parts, tiny_model, tmp_path / "run")


def batches_of(parts: Parts) -> list[Batch]:
    """One pass over the training rows."""
    return list(parts.trainer.get_train_dataloader())


def padding_share(parts: Parts) -> float:
    masks = [part["attention_mask"] for batch in batches_of(parts) for part in batch["micro_batches"]]
    return float(sum((mask == 0).sum() for mask in masks) / sum(mask.numel() for mask in masks))


def plain_loss(parts: Parts, rows: int) -> float:
    """Mean cross-entropy, one row at a time, with nothing of this library but the tokens."""
    losses = []
    with torch.no_grad():
        for text, label in zip(parts.encoder.encode(TEXTS[:rows]), LABELS[:rows], strict=True):
            logits = parts.model(input_ids=torch.tensor(text.inputs["input_ids"])[None]).logits
            losses.append(torch.nn.functional.cross_entropy(logits, torch.tensor([label])).item())
    return sum(losses) / len(losses)


def test_the_training_loss_is_the_mean_cross_entropy(build: Build) -> None:
    parts = build(8, per_device_train_batch_size=8)
    expected = plain_loss(parts, 8)
    parts.trainer.train()
    (record,) = parts.history
    assert record.train_loss == pytest.approx(expected, abs=1e-5)
    assert plain_loss(parts, 8) < expected
    assert record.validation.log_loss == pytest.approx(plain_loss(parts, 8), abs=1e-5)


def test_padding_changes_neither_loss_nor_logits(build: Build) -> None:
    outputs = []
    for padding in ("longest", "max_length"):
        parts = build(2, padding=padding, per_device_train_batch_size=6)
        (inputs,) = batches_of(parts)[0]["micro_batches"]
        del inputs["weights"]
        with torch.no_grad():
            outputs.append((inputs["input_ids"].shape, parts.model.eval()(**inputs)))
    (short, longest), (full, fixed) = outputs
    assert short[1] < full[1] == 32
    torch.testing.assert_close(longest.loss, fixed.loss, atol=1e-6, rtol=0)
    torch.testing.assert_close(longest.logits, fixed.logits, atol=1e-6, rtol=0)


def test_grouping_by_length_pads_less(build: Build) -> None:
    grouped = padding_share(build(group_by_length=True, per_device_train_batch_size=4))
    shuffled = padding_share(build(group_by_length=False, per_device_train_batch_size=4))
    assert grouped < 0.8 * shuffled  # shapes are padded to few lengths in either


@pytest.mark.parametrize("group_by_length", [True, False])
def test_the_order_of_the_rows_comes_from_the_seed(build: Build, group_by_length: bool) -> None:
    fields: dict[str, Any] = {"group_by_length": group_by_length, "per_device_train_batch_size": 4}
    first, again, other = ([batch["rows"] for batch in batches_of(build(**fields, seed=seed))] for seed in (1, 1, 2))
    assert first == again
    assert first != other
    for order in (first, other):
        assert sorted(row for rows in order for row in rows) == list(range(len(TEXTS)))


def test_each_epoch_reads_up_to_its_own_length(build: Build) -> None:
    steps = train(build(num_train_epochs=2, max_length=24, first_epoch_max_length=8, padding="max_length"))
    widths = [part["input_ids"].shape[1] for step in steps for part in step.passes]
    assert widths == [8] * 3 + [24] * 3


def test_evaluation_reads_the_whole_after_a_shorter_epoch_too(build: Build) -> None:
    parts = build(num_train_epochs=2, max_length=24, first_epoch_max_length=8, per_device_eval_batch_size=5)
    trained = [part["input_ids"].shape[1] for batch in batches_of(parts) for part in batch["micro_batches"]]
    evaluated = [batch["input_ids"].shape[1] for batch in parts.trainer.get_eval_dataloader()]
    assert (max(trained), max(evaluated)) == (8, 24)
    assert evaluated == sorted(evaluated, reverse=True)  # the longest first, so that there is little padding
    assert evaluated[-1] == 8


def test_each_epoch_has_its_own_order(build: Build) -> None:
    steps = train(build(num_train_epochs=2))
    first, second = ([row for step in epoch for rows in step.rows for row in rows] for epoch in (steps[:3], steps[3:]))
    assert first != second
    assert sorted(first) == sorted(second) == list(range(len(TEXTS)))


def test_grouping_by_length_does_not_mix_up_the_validation_rows(build: Build) -> None:
    parts = build(group_by_length=True, per_device_eval_batch_size=5)
    parts.trainer.train()
    (record,) = parts.history
    scores = score_texts(parts.model, parts.encoder, TEXTS)
    in_order = measure(scores.probabilities, LABELS, names=NAMES)
    assert record.validation.confusion_matrix == in_order.confusion_matrix
    assert record.validation.log_loss == pytest.approx(in_order.log_loss, abs=1e-6)
    assert record.validation.roc_auc == in_order.roc_auc
    shifted = measure(np.roll(scores.probabilities, 1, axis=0), LABELS, names=NAMES)
    assert record.validation.log_loss != pytest.approx(shifted.log_loss, abs=1e-4)  # so the order does matter


def test_outputs_that_are_not_numbers_stop_the_run_before_it_saves(build: Build, tmp_path: Path) -> None:
    parts = build(learning_rate=0.125)
    with torch.no_grad():
        parts.model.get_parameter("classifier.weight").fill_(float("nan"))
    with pytest.raises(
        TrainingDivergedError, match="training diverged: the model's outputs are NaN or infinite"
    ) as caught:
        parts.trainer.evaluate()
    assert caught.value.hint == "a learning rate below 0.125"
    with torch.no_grad():
        (parts := build(learning_rate="auto")).model.get_parameter("classifier.weight").fill_(float("nan"))
    with pytest.raises(TrainingDivergedError) as caught:
        parts.trainer.evaluate()
    assert caught.value.hint == "a learning rate below 5e-05"
    assert list((tmp_path / "run").glob("checkpoint-*")) == []


def test_nothing_is_printed(build: Build, capsys: pytest.CaptureFixture[str]) -> None:
    trainer = build(8).trainer
    capsys.readouterr()
    with quiet():
        trainer.train()
    assert capsys.readouterr() == ("", "")


def entry(step: int, **values: float) -> dict[str, Any]:
    return {"epoch": step / 10, "step": step, **values}


def evaluation(step: int, log_loss: float, counts: tuple[int, int, int, int] = (3, 1, 2, 4)) -> dict[str, Any]:
    tn, fp, fn, tp = counts
    values = {"accuracy": 0.7, "precision": 0.8, "recall": 0.6, "f1": 0.69, "roc_auc": 0.75, "log_loss": log_loss}
    values |= {"brier_score": 0.2, "expected_calibration_error": 0.1}
    values |= {"balanced_accuracy": 0.71, "matthews_correlation": 0.41, "average_precision": 0.85}
    named = {"true_negatives": tn, "false_positives": fp, "false_negatives": fn, "true_positives": tp}
    return entry(step, **{f"eval_{name}": value for name, value in (values | named).items()}, eval_loss=9.0)


def test_a_log_becomes_one_record_an_evaluation() -> None:
    log = [
        entry(10, loss=0.6, learning_rate=1e-5),
        evaluation(10, 0.5),
        entry(20, loss=0.4),
        evaluation(20, 0.3, (4, 0, 0, 6)),
        entry(20, train_loss=0.5, train_runtime=3.0),
    ]
    first, second = read_history(log, NAMES)
    assert (first.epoch, first.train_loss, first.validation.log_loss) == (1, 0.6, 0.5)
    assert (second.epoch, second.train_loss, second.validation.log_loss) == (2, 0.4, 0.3)
    assert first.validation.confusion_matrix == ((3, 1), (2, 4))
    assert (first.validation.balanced_accuracy, first.validation.matthews_correlation) == (0.71, 0.41)
    assert (first.validation.roc_auc, first.validation.average_precision) == (0.75, 0.85)
    assert second.validation.rows == 10
    assert second.validation.labels == NAMES


def test_the_training_loss_is_the_mean_over_the_steps_since_the_evaluation_before() -> None:
    log = [
        entry(4, loss=1.0),
        entry(5, loss=0.5),
        evaluation(5, 0.5),
        entry(8, loss=0.4),
        entry(9, loss=0.2),  # a run that was stopped here and gone on with
        entry(10, loss=0.3),
        evaluation(10, 0.3),
    ]
    first, second = read_history(log, NAMES)
    assert (first.epoch, second.epoch) == (0.5, 1.0)
    assert first.train_loss == pytest.approx((4 * 1.0 + 0.5) / 5)
    assert second.train_loss == pytest.approx((3 * 0.4 + 0.2 + 0.3) / 5)


def test_an_empty_log_has_no_records() -> None:
    assert read_history([], NAMES) == ()

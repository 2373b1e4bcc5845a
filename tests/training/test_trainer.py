"""What the Trainer computes, against plain PyTorch, and in which order."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from trainers import LABELS, NAMES, TEXTS, Build, Parts, build_parts
from transformers import Trainer

from imdb_sentiment import ImdbSentimentError
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.scoring.torch_scorer import score_texts
from imdb_sentiment.training.trainer import read_history
from imdb_sentiment.upstream import quiet


@pytest.fixture
def build(tiny_model: Path, tmp_path: Path) -> Build:
    return partial(build_parts, tiny_model, tmp_path / "run")


def batch_ids(trainer: Trainer) -> list[list[list[int]]]:
    """One pass over the training rows: the token ids of each batch, without padding."""
    return [
        [ids[mask.bool()].tolist() for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)]
        for batch in trainer.get_train_dataloader()
    ]


def padding_share(trainer: Trainer) -> float:
    masks = [batch["attention_mask"] for batch in trainer.get_train_dataloader()]
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
    (record,) = read_history(parts.trainer.state.log_history, NAMES)
    assert record.train_loss == pytest.approx(expected, abs=1e-5)
    assert plain_loss(parts, 8) < expected
    assert record.validation.log_loss == pytest.approx(plain_loss(parts, 8), abs=1e-5)


def test_two_halves_of_a_batch_make_the_same_step_as_the_whole(build: Build) -> None:
    whole = build(8, per_device_train_batch_size=8)
    halves = build(8, per_device_train_batch_size=4)
    halves.trainer.args.gradient_accumulation_steps = 2
    for parts in (whole, halves):
        parts.trainer.args.max_grad_norm = 0.05  # clipping notices a gradient that is too large; Adam would not
        parts.trainer.train()
    losses = [read_history(parts.trainer.state.log_history, NAMES)[0].train_loss for parts in (whole, halves)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    norms = [parts.trainer.state.log_history[0]["grad_norm"] for parts in (whole, halves)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-4)


def test_padding_changes_neither_loss_nor_logits(build: Build) -> None:
    outputs = []
    for padding in ("longest", "max_length"):
        parts = build(8, padding=padding)
        batch = parts.trainer.data_collator(list(parts.trainer.train_dataset)[:6])  # type: ignore[arg-type]
        with torch.no_grad():
            outputs.append((batch["input_ids"].shape, parts.model.eval()(**batch)))
    (short, longest), (full, fixed) = outputs
    assert short[1] < full[1] == 32
    torch.testing.assert_close(longest.loss, fixed.loss, atol=1e-6, rtol=0)
    torch.testing.assert_close(longest.logits, fixed.logits, atol=1e-6, rtol=0)


def test_grouping_by_length_pads_less(build: Build) -> None:
    grouped = padding_share(build(group_by_length=True, per_device_train_batch_size=4).trainer)
    shuffled = padding_share(build(group_by_length=False, per_device_train_batch_size=4).trainer)
    assert grouped < shuffled / 2


@pytest.mark.parametrize("group_by_length", [True, False])
def test_the_order_of_the_rows_comes_from_the_seed(build: Build, group_by_length: bool) -> None:
    first, again, other = (batch_ids(build(group_by_length=group_by_length, seed=seed).trainer) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    rows = sorted(ids for batch in first for ids in batch)
    assert rows == sorted(ids for batch in other for ids in batch)
    assert len(rows) == len(TEXTS)


def test_grouping_by_length_does_not_mix_up_the_validation_rows(build: Build) -> None:
    trainer, model, encoder = build(group_by_length=True, per_device_eval_batch_size=5)
    trainer.train()
    (record,) = read_history(trainer.state.log_history, NAMES)
    scores = score_texts(model, encoder, TEXTS, batch_size=7)
    in_order = measure(scores.probabilities, LABELS, names=NAMES)
    assert record.validation.confusion_matrix == in_order.confusion_matrix
    assert record.validation.log_loss == pytest.approx(in_order.log_loss, abs=1e-6)
    assert record.validation.roc_auc == in_order.roc_auc
    shifted = measure(np.roll(scores.probabilities, 1, axis=0), LABELS, names=NAMES)
    assert record.validation.log_loss != pytest.approx(shifted.log_loss, abs=1e-4)  # so the order does matter


def test_outputs_that_are_not_numbers_stop_the_run_before_it_saves(build: Build, tmp_path: Path) -> None:
    trainer, model, _ = build(learning_rate=0.125)
    with torch.no_grad():
        model.get_parameter("classifier.weight").fill_(float("nan"))
    with pytest.raises(ImdbSentimentError, match="training diverged") as caught:
        trainer.train()
    assert caught.value.hint == "a learning rate below 0.125"
    assert list((tmp_path / "run").glob("checkpoint-*")) == []


def test_nothing_is_printed(build: Build, capsys: pytest.CaptureFixture[str]) -> None:
    trainer = build(8).trainer
    capsys.readouterr()
    with quiet():
        trainer.train()
    assert capsys.readouterr() == ("", "")


def entry(epoch: float, **values: float) -> dict[str, Any]:
    return {"epoch": epoch, "step": round(epoch * 10), **values}


def evaluation(epoch: float, log_loss: float, counts: tuple[int, int, int, int] = (3, 1, 2, 4)) -> dict[str, Any]:
    tn, fp, fn, tp = counts
    values = {"accuracy": 0.7, "precision": 0.8, "recall": 0.6, "f1": 0.69, "roc_auc": 0.75, "log_loss": log_loss}
    values |= {"balanced_accuracy": 0.71, "matthews_correlation": 0.41, "average_precision": 0.85}
    named = {"true_negatives": tn, "false_positives": fp, "false_negatives": fn, "true_positives": tp}
    return entry(epoch, **{f"eval_{name}": value for name, value in (values | named).items()}, eval_loss=9.0)


def test_a_log_becomes_one_record_an_epoch() -> None:
    log = [
        entry(1.0, loss=0.6, learning_rate=1e-5),
        evaluation(1.0, 0.5),
        entry(1.9999, loss=0.4),
        evaluation(2.0, 0.3, (4, 0, 0, 6)),
        entry(2.0, train_loss=0.5, train_runtime=3.0),
    ]
    first, second = read_history(log, NAMES)
    assert (first.epoch, first.train_loss, first.validation.log_loss) == (1, 0.6, 0.5)
    assert (second.epoch, second.train_loss, second.validation.log_loss) == (2, 0.4, 0.3)
    assert first.validation.confusion_matrix == ((3, 1), (2, 4))
    assert (first.validation.balanced_accuracy, first.validation.matthews_correlation) == (0.71, 0.41)
    assert (first.validation.roc_auc, first.validation.average_precision) == (0.75, 0.85)
    assert second.validation.rows == 10
    assert second.validation.labels == NAMES


def test_an_empty_log_has_no_records() -> None:
    assert read_history([], NAMES) == ()

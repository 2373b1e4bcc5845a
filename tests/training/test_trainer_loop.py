"""Covers training/trainer.py.

The Trainer's own parts: a step is the same however it is divided, and a run that cannot go on stops at once.
"""

import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from trainers import TEXTS, Build, Parts, Step, build_parts, train
from transformers import TrainerCallback

from conftest import untimed
from imdb_sentiment import TrainingDivergedError
from imdb_sentiment.training.checkpoints import complete_checkpoints

ROWS = 11
# a learning rate that changes nothing, so that every step starts from the same model
WHOLE: dict[str, Any] = {"rows": ROWS, "per_device_train_batch_size": 8, "learning_rate": 1e-12}
DIVIDED: dict[str, dict[str, Any]] = {
    "accumulated": {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2},
    "by rows": {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 8},
    "in passes": {"max_tokens_per_forward": 40},
    "in passes of a row": {"max_tokens_per_forward": 1},
    "both": {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "max_tokens_per_forward": 40},
}


@pytest.fixture
def build(tiny_model: Path, tmp_path: Path) -> Build:
    return partial(build_parts, tiny_model, tmp_path / "run")


def losses_of(parts: Parts) -> list[float]:
    return [entry["loss"] for entry in parts.trainer.state.log_history if "loss" in entry]


def rows_of(step: Step) -> list[int]:
    return sorted(row for rows in step.rows for row in rows)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("class_weight", "padding"), [(None, "longest"), ("balanced", "longest"), ("balanced", "max_length")]
)
def test_a_step_is_that_of_one_large_batch_however_it_is_divided(
    build: Build, class_weight: str | None, padding: str
) -> None:
    shared: dict[str, Any] = WHOLE | {"class_weight": class_weight, "padding": padding}
    whole = build(**shared)
    expected = train(whole)
    assert [len(rows_of(step)) for step in expected] == [8, 3]
    assert [len(step.passes) for step in expected] == [1, 1]
    assert all(max(gradient.abs().max() for gradient in step.gradients.values()) > 0.01 for step in expected)
    for name, changes in DIVIDED.items():
        divided = build(**shared | changes)
        steps = train(divided)
        assert [rows_of(step) for step in steps] == [rows_of(step) for step in expected], name
        assert len(steps[0].passes) > 1, name
        assert losses_of(divided) == pytest.approx(losses_of(whole), abs=1e-5), name
        for step, other in zip(steps, expected, strict=True):
            assert step.gradients.keys() == other.gradients.keys()
            for parameter, gradient in step.gradients.items():
                torch.testing.assert_close(gradient, other.gradients[parameter], atol=1e-5, rtol=0)


def test_a_model_that_takes_no_further_arguments_learns_the_same(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Upstream divides the loss of such models once more, unless it is told not to."""
    shared = WHOLE | DIVIDED["accumulated"]
    expected = losses_of(trained(build(**shared)))
    monkeypatch.setattr("transformers.BertForSequenceClassification.accepts_loss_kwargs", False, raising=False)
    parts = build(**shared)
    assert not parts.trainer.model_accepts_loss_kwargs
    assert losses_of(trained(parts)) == pytest.approx(expected, abs=1e-5)


def trained(parts: Parts) -> Parts:
    parts.trainer.train()
    return parts


def test_a_log_tells_loss_learning_rate_and_gradient_norm(build: Build) -> None:
    parts = trained(build(8, per_device_train_batch_size=4, learning_rate=1e-3))
    first, last = (entry for entry in parts.trainer.state.log_history if "loss" in entry)
    assert (first["learning_rate"], last["learning_rate"]) == (1e-3, 5e-4)
    assert all(math.isfinite(entry["grad_norm"]) and entry["grad_norm"] > 0 for entry in (first, last))


def spoil(parts: Parts, word: str) -> list[int]:
    """Make the embedding of a word infinite; returns the rows that have the word."""
    (encoded,) = parts.encoder.encode([word])
    token = int(encoded.inputs["input_ids"][1])
    with torch.no_grad():
        parts.model.get_parameter("bert.embeddings.word_embeddings.weight")[token] = math.inf
    return [row for row, text in enumerate(TEXTS) if word in text.split()]


class SpoilLater(TrainerCallback):
    """Spoils a word once a step has been taken."""

    def __init__(self, parts: Parts, step: int) -> None:
        self.parts, self.step = parts, step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            spoil(self.parts, "wonderful")


def test_a_loss_that_is_no_number_names_the_step_the_learning_rate_and_the_rows(build: Build) -> None:
    parts = build(12, per_device_train_batch_size=1, warmup_ratio=0.5, learning_rate=0.125)
    spoilt = spoil(parts, "dull")
    before = [batch["rows"] for batch in parts.trainer.get_train_dataloader()]
    number, rows = next((number, rows) for number, rows in enumerate(before) if rows[0] in spoilt)
    with pytest.raises(TrainingDivergedError) as caught:
        parts.trainer.train()
    step = number + 1
    assert caught.value.summary == f"training diverged at step {step}: the gradients are NaN or infinite"
    assert caught.value.found == f"learning rate {0.125 * number / 6:.3g}; training rows {rows[0]}, counted from 0"
    assert caught.value.hint == "a learning rate below 0.125"
    assert parts.trainer.state.global_step == number  # so that step was not taken


def test_the_rows_of_all_batches_of_the_step_are_named_up_to_a_limit(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    for shown, said in ((64, "0, 1, 2, 3, 4, 5, 6, 7"), (3, "0, 1, 2 and 5 more")):
        monkeypatch.setattr("imdb_sentiment.training.trainer._MAX_LISTED", shown)
        parts = build(8, per_device_train_batch_size=4, gradient_accumulation_steps=2)
        spoil(parts, "dull")
        with pytest.raises(TrainingDivergedError) as caught:
            parts.trainer.train()
        assert str(caught.value.found).endswith(f"training rows {said}, counted from 0")


def test_a_run_that_diverges_leaves_its_last_checkpoint(build: Build, tmp_path: Path) -> None:
    parts = build(num_train_epochs=3)
    parts.trainer.add_callback(SpoilLater(parts, step=5))  # in the second epoch, of three steps
    with pytest.raises(TrainingDivergedError, match="training diverged at step 6: "):
        parts.trainer.train()
    assert list(complete_checkpoints(tmp_path / "run")) == [3]
    assert [record.epoch for record in parts.history] == [1.0]


def test_a_learning_rate_that_is_far_too_high_ends_the_run(build: Build) -> None:
    parts = build(num_train_epochs=2, learning_rate=1e30)
    with pytest.raises(TrainingDivergedError, match="training diverged") as caught:
        parts.trainer.train()
    assert caught.value.hint == "a learning rate below 1e+30"
    assert parts.trainer.state.global_step < 6


@pytest.mark.integration
@pytest.mark.parametrize(("group_by_length", "step"), [(True, 4), (False, 2)])
def test_a_run_goes_on_within_an_epoch_as_if_it_had_not_stopped(
    build: Build, tmp_path: Path, group_by_length: bool, step: int
) -> None:
    fields: dict[str, Any] = {"num_train_epochs": 2, "group_by_length": group_by_length, "evaluations_per_epoch": 3}
    whole = build(**fields, save_total_limit=6)
    expected = train(whole)
    resumed = build(**fields, save_total_limit=6)
    steps = train(resumed, resume_from=complete_checkpoints(tmp_path / "run")[step])
    assert [step.rows for step in steps] == [step.rows for step in expected[step:]]
    for name, weight in whole.model.named_parameters():
        assert torch.equal(weight, resumed.model.get_parameter(name)), name
    assert untimed(resumed.history) == untimed(whole.history)
    seconds = [record.seconds or 0 for record in resumed.history]
    assert seconds == sorted(set(seconds))  # so the time before the break counts
    assert seconds[:step] == [record.seconds for record in whole.history[:step]]

"""The loss of each row: the library's cross-entropy, and functions of the user's, which are checked."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from trainers import Batch, Parts, build_parts, gradients_of, train

from imdb_sentiment import ConfigError
from imdb_sentiment.training import setup
from imdb_sentiment.training.hooks import Hooks
from imdb_sentiment.training.losses import Loss, check_loss, cross_entropy, name_of, row_losses

LOGITS = torch.tensor([[0.5, -0.5], [2.0, 1.0], [-1.0, 3.0]], requires_grad=True)
LABELS = torch.tensor([1, 0, 1])
WEIGHTS = torch.tensor([1.0, 2.0, 0.0])


def focal(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    right = torch.softmax(logits, dim=1).gather(1, labels[:, None])[:, 0]
    return -weights * (1 - right) ** 2 * right.log()


def unweighted(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none")


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_is_weighted_by_row(smoothing: float) -> None:
    found = row_losses(cross_entropy(smoothing), LOGITS, LABELS, WEIGHTS)
    one_by_one = [
        torch.nn.functional.cross_entropy(LOGITS[i : i + 1], LABELS[i : i + 1], label_smoothing=smoothing)
        for i in range(3)
    ]
    assert torch.allclose(found, torch.stack(one_by_one) * WEIGHTS)


def test_a_row_without_weight_has_no_loss_whatever_the_function_says() -> None:
    """A process without rows for a step takes a row of weight 0, which must not change the step."""
    assert row_losses(unweighted, LOGITS, LABELS, WEIGHTS)[2] == 0


class Scaled(torch.nn.Module):
    def forward(self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        return 2 * focal(logits, labels, weights)


def test_a_function_is_known_by_its_name() -> None:
    assert name_of(focal).endswith("test_losses.focal")
    assert name_of(Scaled()).endswith("test_losses.Scaled")
    assert name_of(partial(focal)) == "functools.partial"
    check_loss(Scaled())


def divided_by_zero(*_: object) -> torch.Tensor:
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (3, "loss cannot be used\n.*3\n.*a function of logits, labels and weights"),
        (divided_by_zero, r"divided_by_zero' fails\n.*ZeroDivisionError: division by zero"),
        (lambda logits, labels: logits, r"fails\n.*TypeError: .*positional arguments"),
        (lambda logits, labels, weights: logits.mean(), r"loss for each row\n.*shape \(\) for 4 rows\n.*\n.*leave out"),
        (lambda logits, labels, weights: logits, r"loss for each row\n.*shape \(4, 2\) for 4 rows"),
        (lambda logits, labels, weights: [0.0] * 4, r"loss for each row\n.*\[0.0, "),
        (lambda logits, labels, weights: logits[:, 0].detach(), "has no gradient"),
    ],
)
def test_a_function_that_is_no_loss_of_rows_is_told_from_before_training(loss: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_loss(loss)


def test_running_out_of_memory_is_not_a_mistake_of_the_function() -> None:
    def full(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        row_losses(full, LOGITS, LABELS, WEIGHTS)


def by_hand(parts: Parts, batches: list[Batch], loss: Loss) -> float:
    """Leave the gradients of the mean over all rows of a step in the model."""
    parts.model.train().zero_grad()
    read = [{name: batch[name] for name in parts.encoder.tokenizer.model_input_names} for batch in batches]
    logits = torch.cat([parts.model(**inputs).logits for inputs in read])
    labels = torch.cat([batch["labels"] for batch in batches])
    mean = loss(logits, labels, torch.ones(len(labels))).mean()
    mean.backward()
    return mean.item()


@pytest.mark.parametrize("cut", [{"per_device_train_batch_size": 7}, {"max_tokens_per_forward": 32}], ids=str)
def test_a_step_takes_the_mean_over_its_rows_however_it_is_cut(
    cut: dict[str, Any], tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = partial(setup.build_training, hooks=Hooks(loss=focal))
    monkeypatch.setattr("trainers.build_training", build)
    fields = {"learning_rate": 1e-12, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2} | cut
    parts = build_parts(tiny_model, tmp_path / "run", 14, **fields)
    for step in train(parts):
        loss = by_hand(parts, step.passes, focal)
        assert loss > 0
        for name, gradient in gradients_of(parts.model).items():
            assert torch.allclose(gradient, step.gradients[name], atol=1e-6), name

"""Contrastive training of the encoder for few-shot classification."""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.errors import TrainingDivergedError
from imdb_sentiment.models.acceleration import eager_attention, first_token_only
from imdb_sentiment.models.tokenization import TextEncoder, padded_length
from imdb_sentiment.runtime.process_wide import COMPUTE_LOCK
from imdb_sentiment.training.linear_probe import pass_features

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from imdb_sentiment.training.batching import EncodedRows
    from imdb_sentiment.training.recipe import Recipe

__all__ = ["INVERSE_PENALTIES", "contrastive_steps", "train_contrastively"]

INVERSE_PENALTIES = (0.01, 0.1, 1.0, 10.0)
"""Penalties of the subsequent logistic regression, chosen on held-out rows: on the encoder's training rows the features
are separable."""

_STEP_ROWS = 16
_WARMUP = 0.1
_MAX_GRAD_NORM = 1.0
_STEPS_PER_ROOT, _MAX_STEPS = 4, 250


def contrastive_steps(rows: int) -> int:
    """Return the number of steps: 23 for 32 training rows, 69 for 300, at most 250."""
    return min(round(_STEPS_PER_ROOT * math.sqrt(rows)), _MAX_STEPS)


def train_contrastively(
    model: "PreTrainedModel",
    encoder: TextEncoder,
    rows: "EncodedRows",
    *,
    learning_rate: float,
    weight_decay: float,
    recipe: "Recipe",
    seed: int,
    after_step: Callable[[], None],
) -> None:
    """Train the encoder on pairs of texts, in place.

    Each step takes 8 rows of each class. The loss is the mean squared error between the cosine similarity of the two
    feature vectors of each pair and 1 for a pair of one class, 0 for a pair of two. The weight of a pair is the product
    of those of its rows.

    Args:
        model: Model with two outputs, on the training device.
        encoder: Pads the batches.
        rows: Training rows of both classes.
        learning_rate: Peak learning rate of AdamW, with 10 % warmup and linear decay to 0.
        weight_decay: Weight decay of AdamW; biases and layer norms are exempt.
        recipe: Machine-dependent settings.
        seed: Seed of the batches.
        after_step: Called after each step; an exception ends the training.

    Raises:
        TrainingDivergedError: The loss is NaN or infinite.

    Source: Tunstall et al., Efficient Few-Shot Learning Without Prompts (2022).
    """
    import torch

    steps = contrastive_steps(len(rows))
    bf16 = recipe.precision == "bf16"
    optimizer = torch.optim.AdamW(_groups(model, weight_decay), lr=learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (_WARMUP * steps), (steps - step) / ((1 - _WARMUP) * steps), 1.0)
    )
    was_training = model.training
    model.train()
    with first_token_only(model), eager_attention(model, model.device, bf16=bf16):
        for positions in _step_rows(rows.labels, steps, seed):
            with COMPUTE_LOCK.shared(), torch.autocast(model.device.type, torch.bfloat16, enabled=bf16):
                loss = _pair_loss(
                    _features(model, encoder, rows, positions), rows.labels[positions], rows.weights[positions]
                )
            if not torch.isfinite(loss):
                hint = f"a learning rate below {learning_rate:g}"
                raise TrainingDivergedError("training diverged: the loss is NaN or infinite", hint=hint)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), _MAX_GRAD_NORM)
            optimizer.step()
            schedule.step()
            after_step()
    model.train(was_training)


def _groups(model: "PreTrainedModel", weight_decay: float) -> list[dict[str, Any]]:
    """Group the parameters by whether they have weight decay."""
    trainable = [value for value in model.parameters() if value.requires_grad]
    return [
        {"params": [value for value in trainable if value.ndim >= 2], "weight_decay": weight_decay},
        {"params": [value for value in trainable if value.ndim < 2], "weight_decay": 0.0},  # biases and layer norms
    ]


def _step_rows(labels: NDArray[np.int64], steps: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield the positions of each step's rows, half of each class, reshuffled on each pass over a class."""
    rng = np.random.default_rng(seed)
    classes = [np.flatnonzero(labels == label) for label in (0, 1)]
    waiting: list[list[int]] = [[], []]
    for _ in range(steps):
        chosen: list[int] = []
        for of_class, queue in zip(classes, waiting, strict=True):
            while len(queue) < _STEP_ROWS // 2:
                queue += rng.permutation(of_class).tolist()
            chosen += [queue.pop(0) for _ in range(_STEP_ROWS // 2)]
        yield np.array(chosen)


def _features(
    model: "PreTrainedModel", encoder: TextEncoder, rows: "EncodedRows", positions: NDArray[np.int64]
) -> "torch.Tensor":
    texts = [rows[position].text for position in positions.tolist()]
    longest = max(text.length for text in texts)
    return pass_features(model, encoder.pad(texts, pad_to=padded_length(longest, encoder.max_length)))


def _pair_loss(features: "torch.Tensor", labels: NDArray[np.int64], weights: NDArray[np.float64]) -> "torch.Tensor":
    """Return the mean over the pairs, each weighted by the product of the weights of its rows."""
    import torch

    directions = torch.nn.functional.normalize(features.float(), dim=1)
    of_class = torch.from_numpy(labels).to(features.device)
    first, second = torch.triu_indices(len(labels), len(labels), offset=1, device=features.device)
    cosines = (directions[first] * directions[second]).sum(dim=1)
    of_row = torch.from_numpy(weights).to(cosines)
    errors = (cosines - (of_class[first] == of_class[second]).float()) ** 2
    return (errors * of_row[first] * of_row[second]).mean()

"""What `auto` in a configuration comes to: for so many rows, with this encoder, on this machine."""

from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.models.device import Precision, choose_precision
from imdb_sentiment.runtime.distributed import world_size

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from imdb_sentiment.config import FineTuneConfig, SettledConfig

__all__ = ["Recipe", "choose_learning_rate", "few_rows_below", "resolve", "settle", "settled_fields"]

_SMALL_HIDDEN_SIZE = 512
_MANY_ROWS = 4000
_SMALL_LEARNING_RATES, _BASE_LEARNING_RATES = (5e-5, 1e-4), (2e-5, 3e-5)  # for few rows, and for many
_CPU_PASS_TOKENS, _GPU_PASS_TOKENS = 1024, 16384
_TRIAL_TOKENS = 128
_FOLLOWING = ("num_train_epochs", "per_device_train_batch_size", "learning_rate")
_FEW_ROWS = 500
_STEPS = 250
_FEWEST_EPOCHS, _MOST_EPOCHS = 2, 10
_STEP_ROWS = ((500, 8), (_MANY_ROWS, 16))
_MOST_STEP_ROWS = 32


class Recipe(NamedTuple):
    """The parts of a recipe that depend on the encoder or the machine."""

    precision: Precision
    forward_tokens: int


def settle(config: "FineTuneConfig", *, train_rows: int, hidden_size: int) -> "SettledConfig":
    """Settle what follows the number of rows and the size of the encoder.

    A model needs some hundred steps to move, whatever the number of rows: 2 epochs in batches of 32 are 20 steps for
    300 rows.

    Args:
        config: How to fine-tune.
        train_rows: Number of training rows.
        hidden_size: Width of the encoder.
    """
    from imdb_sentiment.config import SettledConfig

    parts = config.gradient_accumulation_steps * world_size()
    epochs, rate = config.num_train_epochs, config.learning_rate
    step_rows = next((rows for below, rows in _STEP_ROWS if train_rows < below), _MOST_STEP_ROWS)
    asked = config.per_device_train_batch_size
    batch = max(1, step_rows // parts) if asked == "auto" else asked
    if epochs == "auto":
        epochs = min(max(round(_STEPS * batch * parts / train_rows), _FEWEST_EPOCHS), _MOST_EPOCHS)
    settled = {
        "per_device_train_batch_size": batch,
        "num_train_epochs": epochs,
        "learning_rate": choose_learning_rate(hidden_size, train_rows) if rate == "auto" else rate,
    }
    return SettledConfig(**(config.model_dump() | settled))


def few_rows_below(config: "FineTuneConfig") -> int:
    """Return the number of training rows below which methods for few rows are taken; 0 where one was chosen."""
    automatic = config.method == "auto" and config.num_train_epochs == "auto"
    chosen = config.method in ("contrastive", "probe")
    possible = not config.cascade and world_size() == 1
    return _FEW_ROWS if (automatic or chosen) and possible else 0


def settled_fields(asked: "FineTuneConfig", settled: "SettledConfig", *, epochs: bool = True) -> dict[str, float]:
    """Return what the fields that follow the data and the encoder came to.

    Args:
        asked: The configuration as it was given.
        settled: The same, settled.
        epochs: Whether the model was trained in epochs; other methods have no such fields.
    """
    names = [name for name in (_FOLLOWING if epochs else _FOLLOWING[-1:]) if getattr(asked, name) == "auto"]
    return {name: getattr(settled, name) for name in names}


def resolve(
    config: "FineTuneConfig", model: "PreTrainedModel", device: "torch.device", *, before: str | None
) -> Recipe:
    """Settle what the configuration leaves open.

    Args:
        config: How to fine-tune.
        model: What is trained.
        device: Where.
        before: The precision of the run that is gone on with, which stays.
    """
    precision = before or config.precision
    if precision == "auto":
        precision = choose_precision(model, device, tokens=min(_TRIAL_TOKENS, config.max_length))
    tokens = config.max_tokens_per_forward
    if tokens == "auto":
        tokens = _CPU_PASS_TOKENS if device.type == "cpu" else _GPU_PASS_TOKENS
    return Recipe(
        precision="bf16" if precision == "bf16" else "fp32",
        forward_tokens=tokens,
    )


def choose_learning_rate(hidden_size: int, train_rows: int) -> float:
    """Return the peak learning rate for an encoder of this width and so many rows."""
    rates = _SMALL_LEARNING_RATES if hidden_size <= _SMALL_HIDDEN_SIZE else _BASE_LEARNING_RATES
    return rates[train_rows >= _MANY_ROWS]

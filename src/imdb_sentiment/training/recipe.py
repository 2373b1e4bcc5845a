"""What `auto` in a configuration comes to, on this machine and with this encoder."""

from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.precision import Precision, choose_precision

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from imdb_sentiment.config import FineTuneConfig

__all__ = ["Recipe", "choose_learning_rate", "resolve"]

_SMALL_HIDDEN_SIZE = 512
_SMALL_LEARNING_RATE, _BASE_LEARNING_RATE = 1e-4, 3e-5
_CPU_PASS_TOKENS, _GPU_PASS_TOKENS = 1024, 16384
_TRIAL_TOKENS = 128


class Recipe(NamedTuple):
    """The parts of a recipe that depend on the encoder or the machine."""

    learning_rate: float
    precision: Precision
    forward_tokens: int


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
    rate, tokens = config.learning_rate, config.max_tokens_per_forward
    if tokens == "auto":
        tokens = _CPU_PASS_TOKENS if device.type == "cpu" else _GPU_PASS_TOKENS
    return Recipe(
        learning_rate=choose_learning_rate(model) if rate == "auto" else rate,
        precision="bf16" if precision == "bf16" else "fp32",
        forward_tokens=tokens,
    )


def choose_learning_rate(model: "PreTrainedModel") -> float:
    """Return the peak learning rate for an encoder of this width."""
    return _SMALL_LEARNING_RATE if model.config.hidden_size <= _SMALL_HIDDEN_SIZE else _BASE_LEARNING_RATE

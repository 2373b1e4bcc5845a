"""What `auto` in a configuration comes to, on this machine and with this encoder."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from imdb_sentiment.config import FineTuneConfig

__all__ = ["Precision", "Recipe", "choose_learning_rate", "choose_precision", "resolve"]

Precision = Literal["fp32", "bf16"]

_SMALL_HIDDEN_SIZE = 512
_SMALL_LEARNING_RATE, _BASE_LEARNING_RATE = 1e-4, 3e-5
_CPU_PASS_TOKENS, _GPU_PASS_TOKENS = 1024, 16384
_WORTH_IT = 1.15
_PROBE_ROWS, _PROBE_TOKENS = 8, 128


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
        precision = choose_precision(model, device, tokens=min(_PROBE_TOKENS, config.max_length))
    rate, tokens = config.learning_rate, config.max_tokens_per_forward
    return Recipe(
        learning_rate=choose_learning_rate(model) if rate == "auto" else rate,
        precision="bf16" if precision == "bf16" else "fp32",
        forward_tokens=(_CPU_PASS_TOKENS if device.type == "cpu" else _GPU_PASS_TOKENS) if tokens == "auto" else tokens,
    )


def choose_learning_rate(model: "PreTrainedModel") -> float:
    """Return the peak learning rate for an encoder of this width."""
    return _SMALL_LEARNING_RATE if model.config.hidden_size <= _SMALL_HIDDEN_SIZE else _BASE_LEARNING_RATE


def choose_precision(
    model: "PreTrainedModel",
    device: "torch.device",
    *,
    tokens: int = _PROBE_TOKENS,
    clock: Callable[[], float] = time.perf_counter,
) -> Precision:
    """Return bf16 where the device is faster with it.

    A GPU that knows bf16 is. A CPU with instructions for it is tried out, with one step on a small batch in each
    precision; one without them is slower with it.

    Args:
        model: What is trained; it is left as it was.
        device: Where.
        tokens: Tokens of each row of the small batch; no more than the model has positions for.
        clock: Tells seconds.
    """
    import torch

    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type != "cpu" or not _cpu_knows_bf16():
        return "fp32"
    seconds: dict[Precision, float] = {}
    for precision in ("fp32", "bf16"):
        _step(model, precision, tokens)  # the first one prepares what later ones use
        start = clock()
        _step(model, precision, tokens)
        seconds[precision] = clock() - start
    model.zero_grad(set_to_none=True)
    return "bf16" if seconds["bf16"] * _WORTH_IT < seconds["fp32"] else "fp32"


def _cpu_knows_bf16() -> bool:
    import torch

    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _step(model: "PreTrainedModel", precision: Precision, tokens: int) -> None:
    import torch

    ones = torch.ones(_PROBE_ROWS, tokens, dtype=torch.int64)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        loss = model(input_ids=ones, attention_mask=ones, labels=ones[:, 0]).loss
    loss.backward()

"""Choice of device and precision."""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Literal

from imdb_sentiment.errors import ConfigError
from imdb_sentiment.models.acceleration import eager_attention
from imdb_sentiment.runtime.messages import cut, quote
from imdb_sentiment.runtime.process_wide import COMPUTE_LOCK

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["Precision", "choose_precision", "usable_device"]

Precision = Literal["fp32", "bf16"]
_MIN_SPEEDUP = 1.15
_ROWS, _TOKENS = 8, 128
_REPEATS = 3


def usable_device(name: str | None = None) -> str:
    """Return PyTorch's name of the device to compute on, by default the accelerator of this machine, or `cpu`.

    Raises:
        ConfigError: The device is unknown or not available.
    """
    import torch

    if name is None:
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        return accelerator.type if accelerator else "cpu"
    try:
        torch.zeros(1, device=name).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0].replace(str(name), cut(name))
        expected = "a device of this machine, such as cpu, cuda or cuda:1"
        raise ConfigError(f"device={quote(name)} cannot be used", found=reason, expected=expected) from None
    return name


def choose_precision(
    model: "PreTrainedModel",
    device: "torch.device",
    *,
    tokens: int = _TOKENS,
    training: bool = True,
    clock: Callable[[], float] = time.perf_counter,
) -> Precision:
    """Return bf16 if it is faster on the device, else fp32.

    A GPU that supports bf16 uses it. On a CPU with bf16 instructions both precisions are timed on a small batch with
    rows of so many tokens, for training with gradients, and the best of three runs counts.
    """
    import torch

    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type != "cpu" or not _cpu_supports_bf16():
        return "fp32"
    seconds: dict[Precision, float] = {"fp32": math.inf, "bf16": math.inf}
    for precision in seconds:
        _run_trial(model, precision, tokens, training)  # warm-up
    for precision in [*seconds] * _REPEATS:
        start = clock()
        _run_trial(model, precision, tokens, training)
        seconds[precision] = min(seconds[precision], clock() - start)
    model.zero_grad(set_to_none=True)
    return "bf16" if seconds["bf16"] * _MIN_SPEEDUP < seconds["fp32"] else "fp32"


def _cpu_supports_bf16() -> bool:
    import torch

    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _run_trial(model: "PreTrainedModel", precision: Precision, tokens: int, training: bool) -> None:
    import torch

    ones = torch.ones(_ROWS, tokens, dtype=torch.int64)
    attention = eager_attention(model, ones.device, bf16=precision == "bf16") if training else nullcontext()
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
    with COMPUTE_LOCK.shared(), attention, autocast, torch.set_grad_enabled(training):
        loss = model(input_ids=ones, attention_mask=ones, labels=ones[:, 0]).loss
        if training:
            loss.backward()

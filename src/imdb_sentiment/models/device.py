"""Where a model computes, and in which precision."""

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
_WORTH_IT = 1.15
_ROWS, _TOKENS = 8, 128
_TIMES = 3


def usable_device(name: str | None = None) -> str:
    """Return PyTorch's name of the device to compute on.

    Args:
        name: A device that was asked for; by default the accelerator of this machine, or `cpu`.

    Raises:
        ConfigError: PyTorch does not know the device, or it is not there.
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
    learns: bool = True,
    clock: Callable[[], float] = time.perf_counter,
) -> Precision:
    """Return bf16 where the device is faster with it.

    A GPU that knows bf16 is. A CPU with instructions for it is tried out, on one small batch in each precision, three
    times in turn, and the best time of each counts, since whatever else runs there can only add to one; a CPU without
    them is slower with it.

    Args:
        model: What is trained or scores; it is left as it was.
        device: Where.
        tokens: Tokens of each row of the small batch; no more than the model has positions for.
        learns: Whether gradients are computed too.
        clock: Tells seconds.
    """
    import torch

    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type != "cpu" or not _cpu_knows_bf16():
        return "fp32"
    seconds: dict[Precision, float] = {"fp32": math.inf, "bf16": math.inf}
    for precision in seconds:
        _try(model, precision, tokens, learns)  # the first one prepares what later ones use
    for precision in [*seconds] * _TIMES:
        start = clock()
        _try(model, precision, tokens, learns)
        seconds[precision] = min(seconds[precision], clock() - start)
    model.zero_grad(set_to_none=True)
    return "bf16" if seconds["bf16"] * _WORTH_IT < seconds["fp32"] else "fp32"


def _cpu_knows_bf16() -> bool:
    import torch

    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _try(model: "PreTrainedModel", precision: Precision, tokens: int, learns: bool) -> None:
    import torch

    ones = torch.ones(_ROWS, tokens, dtype=torch.int64)
    attending = eager_attention(model, ones.device, bf16=precision == "bf16") if learns else nullcontext()
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
    with COMPUTE_LOCK.shared(), attending, autocast, torch.set_grad_enabled(learns):
        loss = model(input_ids=ones, attention_mask=ones, labels=ones[:, 0]).loss
        if learns:
            loss.backward()

"""Attention as training on a CPU is quickest with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["quick_to_learn"]

_WRITTEN_OUT = "imdb_sentiment_written_out"


@contextmanager
def quick_to_learn(model: "PreTrainedModel", device: "torch.device", *, bf16: bool) -> Iterator[None]:
    """Attend, while the context lasts, in the form whose gradients are quickest.

    On a CPU, PyTorch's fused attention goes back slowly in bf16, slower than in fp32. Written out as two products of
    matrices and a softmax, forward and back take half of the time at 256 tokens and a sixth at 64, with the same result
    but for rounding. Elsewhere the model is left as it is.

    Args:
        model: What is trained.
        device: Where.
        bf16: Whether it is trained in bf16.
    """
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    before = model.config._attn_implementation
    if device.type != "cpu" or not bf16 or before != "sdpa":
        yield
        return
    ALL_ATTENTION_FUNCTIONS.register(_WRITTEN_OUT, _attend)
    ALL_MASK_ATTENTION_FUNCTIONS.register(_WRITTEN_OUT, eager_mask)
    model.set_attn_implementation(_WRITTEN_OUT)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def _attend(
    module: "torch.nn.Module",
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    attention_mask: "torch.Tensor | None",
    scaling: float | None = None,
    dropout: float = 0.0,
    **others: object,
) -> "tuple[torch.Tensor, None]":
    """Attend as transformers' own eager form does, but for the softmax, which stays in bf16.

    Theirs holds each layer's weights of attention twice for the way back, in fp32 and in bf16. PyTorch's softmax of
    bf16 adds up in fp32 anyway. At 256 tokens this is a tenth quicker and takes 70 MB less.

    Args:
        module: The layer's attention.
        query: Shape (rows, heads, tokens, size of a head).
        key: The same shape, but perhaps with fewer heads, each for several of the queries'.
        value: As `key`.
        attention_mask: What is added to the scores, shape (rows, 1, tokens, tokens): 0, or the lowest number.
        scaling: What the scores are multiplied by; by default one over the root of the size of a head.
        dropout: Share of the weights that are dropped.
        others: What other forms take.

    Returns:
        Shape (rows, tokens, heads, size of a head), and no weights.
    """
    import torch

    shared = query.shape[1] // key.shape[1]
    if shared > 1:
        key, value = key.repeat_interleave(shared, dim=1), value.repeat_interleave(shared, dim=1)
    scores = torch.matmul(query * (query.shape[-1] ** -0.5 if scaling is None else scaling), key.transpose(2, 3))
    if attention_mask is not None:
        # the lowest number of fp32 would become -inf, and a row with nothing else NaN
        scores += attention_mask.clamp(min=torch.finfo(scores.dtype).min)
    with torch.autocast(scores.device.type, enabled=False):  # it would have softmax in fp32
        weights = torch.nn.functional.dropout(scores.softmax(-1), dropout, module.training)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), None

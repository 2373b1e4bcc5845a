"""Faster forward and backward passes with the same results."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["eager_attention", "first_token_only"]

_EAGER = "imdb_sentiment_eager"

_PROBE_SHAPE = (2, 8)
_supported: "WeakKeyDictionary[PreTrainedModel, bool]" = WeakKeyDictionary()
_locks: "WeakKeyDictionary[PreTrainedModel, Any]" = WeakKeyDictionary()


@contextmanager
def eager_attention(model: "PreTrainedModel", device: "torch.device", *, bf16: bool) -> Iterator[None]:
    """Use eager attention inside for training in bf16 on a CPU.

    The backward pass of PyTorch's fused attention is slow in bf16 on a CPU; two matmuls and a softmax are faster. On
    other devices and in fp32 the model is not changed.
    """
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    before = model.config._attn_implementation
    if device.type != "cpu" or not bf16 or before != "sdpa":
        yield
        return
    ALL_ATTENTION_FUNCTIONS.register(_EAGER, _attend)
    ALL_MASK_ATTENTION_FUNCTIONS.register(_EAGER, eager_mask)
    model.set_attn_implementation(_EAGER)
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
    """Compute eager attention as transformers does, but with the softmax in bf16.

    This saves keeping the attention weights in fp32 too; PyTorch's bf16 softmax accumulates in fp32 anyway. Queries
    have shape (rows, heads, tokens, head size); keys and values have fewer heads in grouped-query attention; the mask
    is additive, of shape (rows, 1, tokens, tokens). The output has shape (rows, tokens, heads, head size).
    """
    import torch

    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    scores = torch.matmul(query * (query.shape[-1] ** -0.5 if scaling is None else scaling), key.transpose(2, 3))
    if attention_mask is not None:
        # the lowest fp32 number would become -inf, and a fully masked row NaN
        scores += attention_mask.clamp(min=torch.finfo(scores.dtype).min)
    with torch.autocast(scores.device.type, enabled=False):  # autocast would compute the softmax in fp32
        weights = torch.nn.functional.dropout(scores.softmax(-1), dropout, module.training)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), None


@contextmanager
def first_token_only(model: "PreTrainedModel") -> Iterator[None]:
    """Compute only the first token in the last layer inside.

    The heads of BERT, RoBERTa, ELECTRA and similar models read only the first token. So the last layer's queries,
    output and feed-forward block are computed for one token, keys and values for all. Logits and gradients are the
    same. Other architectures, and models whose logits differ in a trial, are not changed.

    The model is changed for all threads, so other threads wait for it.
    """
    with _locks.setdefault(model, RLock()):
        layer = _last_layer(model)
        if layer is None or not _is_supported(model, layer):
            yield
            return
        with _shortened(layer):
            yield


def _is_supported(model: "PreTrainedModel", layer: Any) -> bool:
    """Return whether the logits stay the same, cached per model."""
    import torch

    if model not in _supported:
        expected = _trial(model)
        try:
            with _shortened(layer):
                _supported[model] = torch.allclose(_trial(model), expected, rtol=1e-4, atol=1e-5)
        except (TypeError, ValueError, RuntimeError):
            _supported[model] = False
    return _supported[model]


@contextmanager
def _shortened(layer: Any) -> Iterator[None]:
    attention, before = layer.attention.self, layer.attention.self.__dict__.get("forward")
    attention.forward = _attend_from_first(attention)
    hook = layer.attention.output.register_forward_pre_hook(lambda _, inputs: (inputs[0], inputs[1][:, :1]))
    try:
        yield
    finally:
        hook.remove()
        if before:
            attention.forward = before
        else:
            del attention.forward


def _last_layer(model: "PreTrainedModel") -> Any:
    """Return the last layer if it has BERT's structure and PyTorch's fused attention, else None."""
    from torch import nn

    layers = getattr(getattr(model.base_model, "encoder", None), "layer", None)
    if not isinstance(layers, nn.ModuleList) or model.config._attn_implementation != "sdpa":
        return None
    parts = ("self.query", "self.key", "self.value", "self.dropout", "output")
    named = dict(layers[-1].named_modules())
    return layers[-1] if all(f"attention.{part}" in named for part in parts) else None


def _attend_from_first(attention: Any) -> Any:
    """Build the self-attention of the first token."""
    import torch

    def forward(
        hidden_states: "torch.Tensor", attention_mask: "torch.Tensor | None" = None, **others: object
    ) -> "tuple[torch.Tensor, None]":
        heads = (attention.num_attention_heads, attention.attention_head_size)
        query, key, value = (
            project(states).unflatten(-1, heads).transpose(1, 2)
            for project, states in (
                (attention.query, hidden_states[:, :1]),
                (attention.key, hidden_states),
                (attention.value, hidden_states),
            )
        )
        mask = None if attention_mask is None else attention_mask[:, :, :1]
        dropout = attention.dropout.p if attention.training else 0.0
        attended = torch.nn.functional.scaled_dot_product_attention(query, key, value, mask, dropout)
        return attended.transpose(1, 2).flatten(2), None

    return forward


def _trial(model: "PreTrainedModel") -> "torch.Tensor":
    """Return the logits of two synthetic inputs, one of them padded."""
    import torch

    training = model.training
    tokens = torch.arange(_PROBE_SHAPE[0] * _PROBE_SHAPE[1], device=model.device).view(_PROBE_SHAPE)
    mask = torch.ones_like(tokens)
    mask[1, -3:] = 0
    model.eval()
    try:
        with torch.no_grad():
            logits: torch.Tensor = model(input_ids=tokens % model.config.vocab_size, attention_mask=mask).logits
    finally:
        model.train(training)
    return logits

"""In the last layer, computes only what the classification head reads: the first token."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["first_token_only"]

_PROBE_SHAPE = (2, 8)
_tried: "WeakKeyDictionary[PreTrainedModel, bool]" = WeakKeyDictionary()
_locks: "WeakKeyDictionary[PreTrainedModel, Any]" = WeakKeyDictionary()


@contextmanager
def first_token_only(model: "PreTrainedModel") -> Iterator[None]:
    """Let the last layer work out its first token alone, while the context lasts.

    The heads of BERT, RoBERTa, ELECTRA and their kin read nothing else of the last layer. So its queries, its output
    and its feed-forward part are needed for one token, keys and values for all: a sixth layer then costs a sixth of
    what it cost, and the logits and gradients are the same. Where the architecture is another, or the logits of a
    trial come out differently, the model is left as it is.

    The model is changed for all threads, so another that comes here with it waits until this one has left.

    Args:
        model: Model with a classification head.
    """
    with _locks.setdefault(model, RLock()):
        layer = _last_layer(model)
        if layer is None or not _can_be_shortened(model, layer):
            yield
            return
        with _shortened(layer):
            yield


def _can_be_shortened(model: "PreTrainedModel", layer: Any) -> bool:
    """Try it out once for each model, so that scoring one text stays quick."""
    if model not in _tried:
        expected = _trial(model)
        with _shortened(layer):
            _tried[model] = _agrees(model, expected)
    return _tried[model]


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
    """Return the last layer if it is built as BERT's, and attends with PyTorch's own function."""
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
    """Return the logits of two made-up texts, one of them padded."""
    import torch

    training = model.training
    tokens = torch.arange(_PROBE_SHAPE[0] * _PROBE_SHAPE[1], device=model.device).view(_PROBE_SHAPE)
    mask = torch.ones_like(tokens)
    mask[1, -3:] = 0
    model.eval()
    with torch.no_grad():
        logits: torch.Tensor = model(input_ids=tokens % model.config.vocab_size, attention_mask=mask).logits
    model.train(training)
    return logits


def _agrees(model: "PreTrainedModel", expected: "torch.Tensor") -> bool:
    import torch

    try:
        return torch.allclose(_trial(model), expected, rtol=1e-4, atol=1e-5)
    except (TypeError, ValueError, RuntimeError):
        return False

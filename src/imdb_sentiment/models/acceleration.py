"""Faster ways through an encoder that change none of its results."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["eager_attention", "embedding_gradients_in_place", "first_token_only"]

_WRITTEN_OUT = "imdb_sentiment_written_out"

_PROBE_SHAPE = (2, 8)
_tried: "WeakKeyDictionary[PreTrainedModel, bool]" = WeakKeyDictionary()
_locks: "WeakKeyDictionary[PreTrainedModel, Any]" = WeakKeyDictionary()


@contextmanager
def eager_attention(model: "PreTrainedModel", device: "torch.device", *, bf16: bool) -> Iterator[None]:
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


@contextmanager
def embedding_gradients_in_place(model: "PreTrainedModel", *, when: bool) -> Iterator[None]:
    """Have gradients of word embeddings added to the rows of those words, while the context lasts.

    PyTorch makes a gradient as large as the whole vocabulary for each pass, nearly all of it zeros, and adds that to
    those of the passes before. For MiniLM this is 47 MB, and 8 ms of the 200 that 1,024 tokens take on two cores; both
    grow with the vocabulary. Here the rows of the words in the pass are added to, and nothing else is touched. The sums
    are the same.

    What listens to gradients, as training by several processes does, hears nothing of these.

    Args:
        model: What is trained.
        when: False leaves it as it is.
    """
    from torch import nn

    words = model.get_input_embeddings()
    plain = type(words) is nn.Embedding and not (words.sparse or words.scale_grad_by_freq or words.max_norm)
    if not when or not plain:
        yield
        return
    look_up = _look_up()
    words.forward = lambda ids: look_up.apply(words.weight, ids, words.padding_idx)
    try:
        yield
    finally:
        del words.forward


@cache
def _look_up() -> Any:
    """Build the function when torch is there."""
    import torch

    class LookUp(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, weight: "torch.Tensor", ids: "torch.Tensor", padding: int | None) -> "torch.Tensor":
            context.save_for_backward(ids)
            context.weight, context.padding = weight, padding
            return torch.nn.functional.embedding(ids, weight)

        @staticmethod
        def backward(context: Any, gradients: "torch.Tensor") -> tuple[None, None, None]:
            (ids,) = context.saved_tensors
            weight, padding = context.weight, context.padding
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            if padding is not None:  # padding learns nothing
                gradients = gradients.masked_fill((ids == padding)[..., None], 0)
            weight.grad.index_add_(0, ids.flatten(), gradients.flatten(0, -2).to(weight.dtype))
            return None, None, None

    return LookUp


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

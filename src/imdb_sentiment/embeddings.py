"""Gradients of word embeddings, added up where they belong."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["gradients_in_place"]


@contextmanager
def gradients_in_place(model: "PreTrainedModel", *, when: bool) -> Iterator[None]:
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

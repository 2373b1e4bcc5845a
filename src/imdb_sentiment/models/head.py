"""The classification head, with one logit each for the negative and the positive label."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from imdb_sentiment.runtime.process_wide import LOADING_LOCK

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["head_parameters", "output_layer", "reset_head", "scale_outputs", "swap_outputs"]


def head_parameters(model: "PreTrainedModel") -> list[str]:
    """Return the names of the parameters above the encoder."""
    return [name for name, _ in model.named_parameters() if not name.startswith(f"{model.base_model_prefix}.")]


def output_layer(model: "PreTrainedModel") -> "torch.nn.Linear":
    """Return the last layer of the head."""
    from torch import nn

    layers = [
        module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and not name.startswith(f"{model.base_model_prefix}.")
    ]
    return next(layer for layer in reversed(layers) if layer.out_features == 2)


def swap_outputs(model: "PreTrainedModel") -> None:
    """Exchange the two outputs."""
    import torch

    with torch.no_grad():
        for weight in _output_parameters(model):
            weight.copy_(weight.flip(0))


def scale_outputs(model: "PreTrainedModel", factor: float) -> None:
    """Multiply both logits by a factor; the last layer of every head is linear."""
    import torch

    with torch.no_grad():
        for weight in _output_parameters(model):
            weight.mul_(factor)


def reset_head(model: "PreTrainedModel", seed: int) -> None:
    """Reinitialize the head."""
    import torch
    from transformers import AutoModelForSequenceClassification, set_seed

    set_seed(seed)
    with LOADING_LOCK:
        fresh = AutoModelForSequenceClassification.from_config(model.config)
    with torch.no_grad():
        for name in head_parameters(model):
            model.get_parameter(name).copy_(fresh.get_parameter(name))


def _output_parameters(model: "PreTrainedModel") -> "Iterator[torch.nn.Parameter]":
    for name in head_parameters(model):
        weight = model.get_parameter(name)
        if weight.shape[0] == 2:
            yield weight

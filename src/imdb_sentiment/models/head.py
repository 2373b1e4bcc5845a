"""The classification head, with a logit for each label, and mean pooling in front of a stock head.

Stock heads read the first token. A layer with zero queries attends uniformly to all tokens, and its residual connection
adds their mean to the first token, so `AutoModelForSequenceClassification` and `pipeline` can load the result.
"""

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.runtime.process_wide import LOADING_LOCK

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = [
    "POOLING_LAYER",
    "add_mean_pooling",
    "head_parameters",
    "output_layer",
    "reset_head",
    "scale_outputs",
    "swap_outputs",
]

POOLING_LAYER = "mean_pooling_layer"
"""Attribute of a model's configuration that marks such a last layer."""

MEAN_WEIGHT = 8.0
"""Weight of the mean relative to the first token. Their sum is normalized, so larger weights drop the first token."""

# The head starts as a scaled identity, in the nearly linear range of tanh; for ReLU, shifted features are positive. A
# smaller scale needs larger weights after the activation function, and trains more slowly.
_SCALE = 0.3
_RELU_SHIFT = 2.4


# paths of the parts of an encoder layer
_BERT = {
    "query": "attention.self.query",
    "value": "attention.self.value",
    "attended": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "output": "output.dense",
    "output_norm": "output.LayerNorm",
}
_DISTILBERT = {
    "query": "attention.q_lin",
    "value": "attention.v_lin",
    "attended": "attention.out_lin",
    "attention_norm": "sa_layer_norm",
    "output": "ffn.lin2",
    "output_norm": "output_layer_norm",
}


class _Architecture(NamedTuple):
    layers: str
    """Path of the module list of layers."""

    parts: dict[str, str]
    dense: str
    """Path of the head's dense layer before the activation function."""

    shift: float


_TANH_HEAD = "classifier.dense"
_ARCHITECTURES = {
    "bert": _Architecture("bert.encoder.layer", _BERT, "bert.pooler.dense", 0.0),
    "roberta": _Architecture("roberta.encoder.layer", _BERT, _TANH_HEAD, 0.0),
    "xlm-roberta": _Architecture("roberta.encoder.layer", _BERT, _TANH_HEAD, 0.0),
    "camembert": _Architecture("roberta.encoder.layer", _BERT, _TANH_HEAD, 0.0),
    "distilbert": _Architecture("distilbert.transformer.layer", _DISTILBERT, "pre_classifier", _RELU_SHIFT),
}


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
        for weight in output_layer(model).parameters():
            weight.copy_(weight.flip(0))


def scale_outputs(model: "PreTrainedModel", factor: float) -> None:
    """Multiply both logits by a factor; the last layer of every head is linear."""
    import torch

    with torch.no_grad():
        for weight in output_layer(model).parameters():
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


def add_mean_pooling(model: "PreTrainedModel") -> bool:
    """Add mean pooling in front of the untrained head of a model.

    BERT, RoBERTa, DistilBERT and similar models get one more layer, initialized as `LayerNorm(first + 8 * mean)`. It
    costs little, since only its first token is computed, and is trained like any other. ModernBERT has its own mean
    pooling.

    Returns:
        Whether pooling was added; if not, the architecture is not supported or already has the layer.
    """
    import torch

    config: Any = model.config
    if hasattr(config, "classifier_pooling"):
        config.classifier_pooling = "mean"
        return True
    known = _ARCHITECTURES.get(config.model_type)
    if known is None or getattr(config, POOLING_LAYER, False):
        return False
    layers: Any = model.get_submodule(known.layers)
    layers.append(copy.deepcopy(layers[-1]))
    config.update({"num_hidden_layers": len(layers), POOLING_LAYER: True})
    with torch.no_grad():
        _init_pooling(layers[-1], known.parts)
        dense: Any = model.get_submodule(known.dense)
        torch.nn.init.eye_(dense.weight).mul_(_SCALE)
        torch.nn.init.constant_(dense.bias, known.shift)
    return True


def _init_pooling(layer: "torch.nn.Module", parts: dict[str, str]) -> None:
    """Initialize a layer to add the mean of all tokens to each. Keys are kept, so that queries have gradients."""
    import torch

    linear: dict[str, Any] = {name: layer.get_submodule(path) for name, path in parts.items()}
    for name in ("query", "value", "attended", "output"):
        torch.nn.init.zeros_(linear[name].weight)
        torch.nn.init.zeros_(linear[name].bias)
    torch.nn.init.eye_(linear["value"].weight)
    torch.nn.init.eye_(linear["attended"].weight).mul_(MEAN_WEIGHT)
    for name in ("attention_norm", "output_norm"):
        torch.nn.init.ones_(linear[name].weight)
        torch.nn.init.zeros_(linear[name].bias)

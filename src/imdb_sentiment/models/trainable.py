"""Which parameters of a model are trained: all, those above frozen layers, or low-rank adapters."""

from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.errors import ConfigError, MissingExtraError
from imdb_sentiment.models.head import POOLING_LAYER, head_parameters
from imdb_sentiment.runtime.messages import Advice, Setting
from imdb_sentiment.runtime.process_wide import LOADING_LOCK

if TYPE_CHECKING:
    from peft.tuners.lora import LoraModel
    from transformers import PreTrainedModel

    from imdb_sentiment.config import FineTuneConfig

__all__ = ["Restriction", "check_restriction", "restrict_training"]

_ALPHA = 2  # per rank, the usual scale of an adapter's output


class _Layers(NamedTuple):
    """The pretrained layers of an encoder."""

    path: str
    number: int


class Restriction(NamedTuple):
    """What of a model is trained, until `lift`."""

    model: "PreTrainedModel"
    adapters: "LoraModel | None"

    reasons: tuple[str, ...] = ()
    """Why not everything is trained, as far as a configuration says."""

    @property
    def note(self) -> str | None:
        """Say how many parameters are trained, and why not all; None if all are."""
        sizes = [(value.numel(), value.requires_grad) for value in self.model.parameters()]
        trained, total = sum(size for size, trainable in sizes if trainable), sum(size for size, _ in sizes)
        if trained == total:
            return None
        return ": ".join(filter(None, (f"{trained:,} of {total:,} parameters are trained", "; ".join(self.reasons))))

    def lift(self) -> None:
        """Merge the adapters into the weights, and make all parameters trainable again."""
        if self.adapters:
            self.adapters.merge_and_unload()
        self.model.requires_grad_(True)


def check_restriction(model: "PreTrainedModel", config: "FineTuneConfig", name: str) -> None:
    """Check that the settings of a configuration fit a model, which may be without weights.

    Args:
        model: The model, before a pooling layer is added to it.
        config: Its `freeze_layers` and `lora_rank` are read.
        name: What to call the model in messages.

    Raises:
        ConfigError: There are fewer layers, or they cannot be told apart.
        MissingExtraError: Adapters need the extra `peft`.
    """
    if config.freeze_layers is None and config.lora_rank is None:
        return
    field = "lora_rank" if config.freeze_layers is None else "freeze_layers"
    layers = _find_layers(model)
    if layers is None:
        raise ConfigError(
            f"{field}={getattr(config, field)} cannot be used with {name!r}",
            found=f"{type(model).__name__}, whose layers share weights or stand in several lists",
            expected="an encoder with one list of layers, such as BERT",
            hint=Advice(Setting(field, None, "FineTuneConfig")),
        )
    if (config.freeze_layers or 0) > layers.number:
        raise ConfigError(
            f"freeze_layers={config.freeze_layers} is above the number of layers of {name!r}",
            found=f"{layers.number} layers",
            hint=Advice(Setting("freeze_layers", layers.number, "FineTuneConfig")),
        )
    if config.lora_rank is not None:
        if config.freeze_layers == layers.number:
            raise ConfigError(
                f"lora_rank={config.lora_rank} does not go with freeze_layers={config.freeze_layers}",
                found="no layer left for adapters",
                hint=Advice(Setting("lora_rank", None, "FineTuneConfig")),
            )
        _import_peft()


def restrict_training(model: "PreTrainedModel", config: "FineTuneConfig") -> Restriction:
    """Freeze parameters and add adapters in place, as a checked configuration says.

    Parameters that are frozen already stay so. The head, a BERT pooler and a pooling layer are trained in any case.

    Args:
        model: Model with two outputs. Its class and the names of its modules stay the same, so that it computes, and is
            saved in checkpoints, as one without adapters.
        config: Its `freeze_layers` and `lora_rank` are read.
    """
    layers = _find_layers(model) if (config.freeze_layers, config.lora_rank) != (None, None) else None
    if layers is None:
        return Restriction(model, None)
    adapters, reasons = None, []
    if config.lora_rank:
        adapters = _add_adapters(model, layers, config.lora_rank, config.freeze_layers or 0)
    if config.freeze_layers is not None:
        for name in _names_below(model, layers, config.freeze_layers):
            model.get_parameter(name).requires_grad_(False)
        below = f" and {config.freeze_layers} of {layers.number} layers" if config.freeze_layers else ""
        reasons.append(f"the embeddings{below} are frozen")
    if adapters:
        reasons.append(f"adapters of rank {config.lora_rank} stand for the encoder's weights, and are merged into them")
    return Restriction(model, adapters, tuple(reasons))


def _find_layers(model: "PreTrainedModel") -> _Layers | None:
    """Return the pretrained layers, without a pooling layer; None if they cannot be told apart."""
    from torch import nn

    number = getattr(model.config, "num_hidden_layers", None)
    lists = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == number and name.startswith(f"{_prefix(model)}.")
    ]
    # the outermost list; with one layer, lists inside of it may be as long
    outer = [name for name in lists if not any(name.startswith(f"{other}.") for other in lists)]
    if number is None or len(outer) != 1:
        return None
    return _Layers(outer[0], number - bool(getattr(model.config, POOLING_LAYER, False)))


def _prefix(model: "PreTrainedModel") -> str:
    prefix: str = model.base_model_prefix
    return prefix


def _names_below(model: "PreTrainedModel", layers: _Layers, number: int) -> set[str]:
    """Return the names of the parameters of the embeddings and of the lowest layers."""
    from torch import nn

    names = [name for name, _ in model.named_parameters() if name.startswith(f"{_prefix(model)}.")]
    within = [f"{layers.path}.{i}." for i in range(number)]
    first = next(place for place, name in enumerate(names) if name.startswith(f"{layers.path}."))
    # modules are registered in the order of their use: embeddings, with their norms and projections, precede the layers
    below = {*names[:first], *(name for name in names if name.startswith(tuple(within)))}
    tables = {name for name, module in model.named_modules() if isinstance(module, nn.Embedding)}
    return below | {name for name in names if name.rpartition(".")[0] in tables}


def _add_adapters(model: "PreTrainedModel", layers: _Layers, rank: int, frozen: int) -> "LoraModel":
    """Add adapters to the linear layers of the pretrained layers from number `frozen` on."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    peft = _import_peft()
    before = {name: value.requires_grad for name, value in model.named_parameters()}
    adapted = {
        name: module
        for i in range(frozen, layers.number)
        for name, module in model.get_submodule(f"{layers.path}.{i}").named_modules(prefix=f"{layers.path}.{i}")
        if isinstance(module, nn.Linear | Conv1D)
    }
    config = peft.LoraConfig(
        r=rank,
        lora_alpha=_ALPHA * rank,
        lora_dropout=0.0,
        target_modules=[*adapted],
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in adapted.values()),
    )
    adapters: LoraModel = peft.LoraModel(model, config, "default")
    # peft freezes all that is no adapter
    last = f"{layers.path}.{layers.number}."
    head = set(head_parameters(model))
    for name, value in model.named_parameters():
        new = name in head or name.startswith(last) or ".pooler." in name
        if new and before[name]:
            value.requires_grad_(True)
    return adapters


def _import_peft() -> Any:
    try:
        with LOADING_LOCK:
            import peft
    except ImportError as error:
        hint = "pip install 'imdb-sentiment[peft]'"
        raise MissingExtraError("lora_rank needs the extra 'peft'", hint=hint) from error
    return peft

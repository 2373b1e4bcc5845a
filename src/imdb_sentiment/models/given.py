"""A model and a tokenizer that were made elsewhere, as the start of a run: checked, and copied."""

import copy
import hashlib
import math
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from imdb_sentiment.errors import ConfigError, ModelError
from imdb_sentiment.runtime.huggingface import quiet
from imdb_sentiment.runtime.messages import list_values, quote
from imdb_sentiment.runtime.process_wide import LOADING_LOCK

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

__all__ = ["GivenModel"]

_HEAD_HINT = "its encoder alone, model.base_model, which gets a new head for two labels"


class GivenModel(NamedTuple):
    """A model with or without a head of two labels, and its tokenizer. Neither is ever changed."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerFast"

    @classmethod
    def of(cls, model: object, tokenizer: object) -> Self | None:
        """Check the arguments of those names; None if there are none.

        Raises:
            ConfigError: One of them is missing, or a name.
            ModelError: They are no model with two labels and its tokenizer.
        """
        if model is None and tokenizer is None:
            return None
        for name, value, other in (("model", model, "tokenizer"), ("tokenizer", tokenizer, "model")):
            if isinstance(value, str | PathLike):
                hint = f"FineTuneConfig(model_name={quote(str(value))})"
                raise ConfigError(f"{name} must be an object", found=quote(str(value)), hint=hint)
            if value is None:
                raise ConfigError(f"{other} was given without its {name}", expected="both of them, or none")
        given = cls(_checked_model(model), _checked_tokenizer(tokenizer))
        given._check_padding()
        return given

    @property
    def name(self) -> str:
        """Return where the model came from, as far as it says, or else its class."""
        return str(self.model.config._name_or_path or type(self.model).__name__)

    def settings(self) -> "PretrainedConfig":
        """Return a copy of the model's configuration."""
        settings: PretrainedConfig = copy.deepcopy(self.model.config)
        return settings

    def fingerprint(self) -> str:
        """Return the SHA-256 of the weights, by which a resumed run knows them."""
        import torch

        digest = hashlib.sha256()
        for name, value in self.model.state_dict().items():
            digest.update(f"{name} {value.dtype} {tuple(value.shape)} ".encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()

    def copy(self, settings: "PretrainedConfig") -> "tuple[PreTrainedModel, set[str]]":
        """Return a classifier with these settings and the weights in fp32, and the names of those that it lacked.

        Parameters that do not require a gradient stay so.
        """
        with LOADING_LOCK, quiet():
            import torch
            from transformers import AutoModelForSequenceClassification

            model: PreTrainedModel = AutoModelForSequenceClassification.from_config(settings, dtype=torch.float32)
        prefix = "" if type(self.model) is type(model) else f"{model.base_model_prefix}."
        own = set(model.state_dict())
        weights = {f"{prefix}{name}": value for name, value in self.model.state_dict().items()}
        model.load_state_dict({name: value for name, value in weights.items() if name in own}, strict=False)
        parameters = dict(model.named_parameters())
        for name, value in self.model.named_parameters():
            if not value.requires_grad and f"{prefix}{name}" in parameters:
                parameters[f"{prefix}{name}"].requires_grad_(False)
        return model.eval(), own - set(weights)

    def _check_padding(self) -> None:
        ours, theirs = getattr(self.model.config, "pad_token_id", None), self.tokenizer.pad_token_id
        if ours is not None and theirs is not None and ours != theirs:
            raise ModelError(
                "the tokenizer does not belong to the model",
                found=f"padding token {theirs} in the tokenizer, {ours} in model.config.pad_token_id",
                expected="the tokenizer that the model was trained with",
            )


def _checked_model(model: Any) -> "PreTrainedModel":
    """Check that a model is one that this library can train, and that a standard folder can hold."""
    with LOADING_LOCK:
        from transformers import AutoModelForSequenceClassification, PreTrainedModel

    if not isinstance(model, PreTrainedModel):
        hint = "model.merge_and_unload()" if hasattr(model, "merge_and_unload") else None
        raise ModelError(
            "model is not a model of transformers",
            found=quote(type(model).__name__),
            expected="PreTrainedModel",
            hint=hint,
        )
    kind, whole = type(model).__name__, _empty(AutoModelForSequenceClassification, model.config)
    if whole is None:
        raise ModelError(f"there is no classifier for the architecture of {kind}", expected="such as BERT or RoBERTa")
    encoder = whole.base_model
    if type(model) is type(whole):
        names = [str(name) for _, name in sorted((model.config.id2label or {}).items())]
        if len(names) != 2:
            found = list_values(names)
            raise ModelError(f"model has {len(names)} labels", found=found, expected="two labels", hint=_HEAD_HINT)
        _check_weights(model, whole)
    elif type(model) is type(encoder):
        _check_weights(model, _empty(type(model), model.config) or encoder)
    else:
        more = ", not a class derived from one of them" if isinstance(model, (type(whole), type(encoder))) else ""
        raise ModelError(
            f"a {kind} cannot be fine-tuned as a classifier",
            expected=f"{type(whole).__name__} with two labels, or {type(encoder).__name__}{more}",
            hint=_HEAD_HINT if type(model.base_model) is type(encoder) else None,
        )
    return model


def _check_weights(model: "PreTrainedModel", stock: "PreTrainedModel") -> None:
    """Check that there are no weights that a stock model lacks, and that they are numbers in memory."""
    import torch

    known = {name for name, _ in stock.named_parameters()}
    if more := [name for name, _ in model.named_parameters() if name not in known]:
        raise ModelError(
            "model has weights that are not those of its class",
            found=f"{len(more)}, such as {more[0]}",
            expected=f"the weights of {type(stock).__name__}",
            hint="merge its adapters first",
        )
    for name, value in model.named_parameters():
        if value.is_meta or not value.is_floating_point():
            found = f"{name} on the meta device" if value.is_meta else f"{name} as {value.dtype}"
            raise ModelError("model has no weights to train", found=found, expected="weights in memory as numbers")
        if value.numel() and not math.isfinite(sum(map(abs, torch.aminmax(value.detach().float())))):
            raise ModelError("model has weights that are NaN or infinite", found=name)


def _checked_tokenizer(tokenizer: Any) -> "PreTrainedTokenizerFast":
    with LOADING_LOCK:
        from transformers import PreTrainedTokenizerFast

    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        expected = "a fast tokenizer of transformers (PreTrainedTokenizerFast)"
        raise ModelError("tokenizer cannot be used", found=quote(type(tokenizer).__name__), expected=expected)
    return tokenizer


def _empty(kind: Any, settings: "PretrainedConfig") -> Any:
    """Create a model of the stock class on the meta device, without memory; None if there is none for the settings."""
    import torch

    make = getattr(kind, "from_config", kind)
    try:
        with LOADING_LOCK, torch.device("meta"):
            return make(copy.deepcopy(settings))
    except ValueError:
        return None

"""The settings that a search varies: checked before the first trial, and chosen by the size of the data."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imdb_sentiment.config import NON_TRAINING_FIELDS, FineTuneConfig
from imdb_sentiment.config.other_names import suggest_setting
from imdb_sentiment.errors import ConfigError, MissingExtraError
from imdb_sentiment.models.tokenization import labelled_texts
from imdb_sentiment.runtime.messages import list_values, quote
from imdb_sentiment.training.hooks import NO_HOOKS
from imdb_sentiment.training.plan import uses_few_rows
from imdb_sentiment.training.recipe import methods_to_compare, settle

if TYPE_CHECKING:
    from types import ModuleType

    from optuna.distributions import BaseDistribution

    from imdb_sentiment.data.data_like import DataSplits
    from imdb_sentiment.models.pretrained import Encoder

__all__ = ["check_space", "combinations", "default_space", "require_optuna"]

_MANY_ROWS = 4000
_LENGTHS = (64, 128, 256, 512)
_MEASURED_TEXTS = 1000
_WHOLE = 0.95
"""Share of the texts that the longest input should hold whole; more tokens would change few inputs."""

_LOG_FROM = 10
"""Ratio of the ends of a range from which it is searched by its logarithm."""

_NOT_SEARCHED = {
    "seed": "the best of several seeds is so by chance, not by a better setting",
    **dict.fromkeys(NON_TRAINING_FIELDS, "it does not change what is learned"),
}


def require_optuna() -> "ModuleType":
    """Import Optuna.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        hint = "pip install 'imdb-sentiment[search]'"
        raise MissingExtraError("a search needs the extra 'search'", hint=hint) from error
    return optuna


def default_space(config: FineTuneConfig, splits: "DataSplits", encoder: "Encoder") -> dict[str, object]:
    """Return what to vary for so many rows; fields that `config` sets itself are left as they are.

    The learning rate matters most, so it is always searched, over a factor of 16 around its default. Of few rows the
    number of steps is small and fixed, and method, pooling and length remain. With hundreds of rows, the number of
    epochs and the batch size decide how many steps there are. With thousands, two to four epochs are enough, and larger
    batches are possible.

    `max_length` is varied up to the length that holds 95 % of the texts whole, and that the encoder can read.

    Args:
        config: The configuration whose other fields are kept.
        splits: The rows.
        encoder: Reads the texts, and bounds their length.
    """
    rows, tokens = len(splits.train), _tokens(splits, encoder)
    rate = settle(config, train_rows=rows, hidden_size=encoder.config.hidden_size).learning_rate
    space: dict[str, object] = {"learning_rate": (rate / 4, rate * 4), "max_length": _lengths(tokens, encoder)}
    if uses_few_rows(config, splits, NO_HOOKS):
        short = config.first_epoch_max_length or config.max_length
        truncated = sum(length > short for length in tokens) / len(tokens)
        methods = methods_to_compare(config, rows=rows, truncated=truncated)
        space |= {"method": list(methods), "pooling": ["mean", "first"]}
    elif rows < _MANY_ROWS:
        space |= {"num_train_epochs": (2, 8), "per_device_train_batch_size": [8, 16, 32]}
    else:
        space |= {"num_train_epochs": (1, 4), "per_device_train_batch_size": [16, 32, 64]}
    default = FineTuneConfig()
    varied = {
        name: choices
        for name, choices in space.items()
        if getattr(config, name) == getattr(default, name) and (isinstance(choices, tuple) or len(choices) > 1)  # type: ignore[arg-type]
    }
    if config.method == "probe":  # logistic regression has no learning rate
        varied.pop("learning_rate", None)
    return varied


def check_space(
    space: object, config: FineTuneConfig, splits: "DataSplits | None" = None
) -> "dict[str, BaseDistribution]":
    """Return the distribution of each field.

    Args:
        space: For each field of `FineTuneConfig` a list of choices, a pair `(low, high)`, or a distribution of Optuna.
        config: The configuration whose other fields are kept.
        splits: The rows, with which the methods must go.

    Raises:
        ConfigError: A field does not exist or is not to be searched, or a value is not valid.
    """
    require_optuna()
    if not isinstance(space, Mapping) or not space:
        raise ConfigError(
            "the space names nothing to vary",
            found=quote(space),
            expected="a dictionary from fields of FineTuneConfig to choices or ranges",
            hint="{'learning_rate': (1e-5, 1e-4), 'max_length': [128, 256]}",
        )
    for name in space:
        if name not in FineTuneConfig.model_fields:
            fields = set(FineTuneConfig.model_fields) - _NOT_SEARCHED.keys()
            hint = suggest_setting(str(name), fields)
            expected = None if hint else f"one of {', '.join(sorted(fields))}"
            raise ConfigError(f"space: FineTuneConfig has no field {quote(name)}", expected=expected, hint=hint)
        if reason := _NOT_SEARCHED.get(name):
            raise ConfigError(
                f"space: {name} is not searched, since {reason}", hint=f"config=FineTuneConfig({name}=...)"
            )
    distributions = {name: _distribution(name, given, config) for name, given in space.items()}
    for method in getattr(distributions.get("method"), "choices", [config.method] if splits else []):
        if splits is not None:
            uses_few_rows(config.replace(method=method), splits, NO_HOOKS)
    return distributions


def combinations(distributions: "Mapping[str, BaseDistribution]") -> int | None:
    """Return the number of configurations in a space, None if there is no end of them."""
    sizes = []
    for distribution in distributions.values():
        choices = getattr(distribution, "choices", None)
        if choices is None:
            return None
        sizes.append(len(choices))
    return math.prod(sizes)


def _tokens(splits: "DataSplits", encoder: "Encoder") -> list[int]:
    """Return the lengths of some texts in tokens, ascending, cut at the longest length that is tried."""
    some = splits.train.select(range(min(_MEASURED_TEXTS, len(splits.train))))
    texts = labelled_texts(some).texts
    encoded = encoder.text_encoder.cut_at(_LENGTHS[-1]).encode(texts, description=None)
    return sorted(text.length for text in encoded)


def _lengths(tokens: Sequence[int], encoder: "Encoder") -> list[int]:
    """Return the values of `max_length` worth trying, ascending."""
    limit = getattr(encoder.config, "max_position_embeddings", None) or _LENGTHS[-1]
    enough = tokens[math.ceil(_WHOLE * len(tokens)) - 1]
    needed = [length for length in _LENGTHS if length < enough]
    upto = [*needed, *(length for length in _LENGTHS if length >= enough)][: len(needed) + 1]
    return [length for length in upto[-3:] if length <= limit]


def _distribution(name: str, given: object, config: FineTuneConfig) -> "BaseDistribution":
    from optuna import distributions as kinds

    if isinstance(given, kinds.BaseDistribution):
        for value in getattr(given, "choices", None) or (getattr(given, "low", None), getattr(given, "high", None)):
            _valid(name, value, config)
        return given
    if isinstance(given, tuple) and len(given) == 2:
        return _range(name, given, config)
    if isinstance(given, str) or not isinstance(given, Sequence) or isinstance(given, tuple) or not given:
        raise ConfigError(
            f"space: {name} cannot be varied over {quote(given)}",
            expected="a list of choices, a pair (low, high), or a distribution of Optuna",
        )
    values = list(dict.fromkeys(_valid(name, value, config) for value in given))
    if not all(value is None or isinstance(value, bool | int | float | str) for value in values):
        raise ConfigError(f"space: {name} cannot be varied", found=list_values(values))
    return kinds.CategoricalDistribution(values)


def _range(name: str, ends: tuple[Any, Any], config: FineTuneConfig) -> "BaseDistribution":
    from optuna import distributions as kinds

    low, high = (_valid(name, value, config) for value in ends)
    if any(isinstance(end, bool) or not isinstance(end, int | float) for end in (low, high)):
        raise ConfigError(
            f"space: {name} has no range", found=quote(ends), hint=f"a list: [{quote(low)}, {quote(high)}]"
        )
    if low >= high:
        raise ConfigError(f"space: the range of {name} is empty", found=quote(ends), expected="(low, high)")
    by_logarithm = low > 0 and high / low >= _LOG_FROM
    if isinstance(low, int) and isinstance(high, int):
        return kinds.IntDistribution(low, high, log=by_logarithm)
    return kinds.FloatDistribution(low, high, log=by_logarithm)


def _valid(name: str, value: object, config: FineTuneConfig) -> Any:
    """Return a value as the field keeps it."""
    try:
        return getattr(config.replace(**{name: value}), name)
    except ConfigError as error:
        raise ConfigError(f"space: {error.summary}", hint=error.hint) from None

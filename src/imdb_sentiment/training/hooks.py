"""What a user gives to a run beside its configuration: a model, metrics, callbacks of the Trainer, and a loss."""

from collections.abc import Iterable, Mapping, Sequence
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypedDict, Unpack, get_args

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.config import Metric
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.errors import ConfigError, nearest
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.models.given import GivenModel
from imdb_sentiment.results.metrics import NO_METRICS, CustomMetrics, MetricFunction
from imdb_sentiment.runtime.messages import Advice, Setting, list_values, quote
from imdb_sentiment.runtime.process_wide import LOADING_LOCK
from imdb_sentiment.training.losses import Loss, check_loss, name_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast, TrainerCallback

    from imdb_sentiment.config import FineTuneConfig

__all__ = ["NO_HOOKS", "GivenObjects", "Hooks"]


class GivenObjects(TypedDict, total=False):
    """Arguments of `SentimentFineTuner` that are objects or functions of the user's."""

    model: "PreTrainedModel | None"
    tokenizer: "PreTrainedTokenizerFast | None"
    callbacks: "Sequence[TrainerCallback | type[TrainerCallback]] | None"
    metrics: "Mapping[str, MetricFunction] | None"
    loss: Loss | None


class Hooks(NamedTuple):
    """Functions and objects of the user's, checked. They are not sent to other processes, which have their own."""

    metrics: CustomMetrics = NO_METRICS

    callbacks: "tuple[TrainerCallback | type[TrainerCallback], ...]" = ()
    """Objects, or classes of which each training makes its own object."""

    loss: Loss | None = None

    model: GivenModel | None = None

    @classmethod
    def of(cls, config: "FineTuneConfig", **given: Unpack[GivenObjects]) -> Self:
        """Check the arguments of those names, and that the configuration fits them.

        Raises:
            ConfigError: One of them cannot be used, or `metric_for_best_model` is not known.
            ModelError: The model or the tokenizer cannot be used.
        """
        metrics, callbacks, loss = given.get("metrics"), given.get("callbacks"), given.get("loss")
        named = CustomMetrics.of({} if metrics is None else metrics)
        if loss is not None:
            check_loss(loss)
            if config.label_smoothing:
                raise ConfigError(
                    "loss does not go with label_smoothing",
                    found=f"label_smoothing={config.label_smoothing:g}",
                    expected="smoothing inside the loss",
                    hint=Advice(Setting("label_smoothing", 0.0, "FineTuneConfig")),
                )
        model = GivenModel.of(given.get("model"), given.get("tokenizer"))
        hooks = cls(named, () if callbacks is None else _checked_callbacks(callbacks), loss, model)
        hooks.check_best_metric(config)
        return hooks

    def check_best_metric(self, config: "FineTuneConfig") -> None:
        """Check that the metric that chooses the best epoch is known.

        Raises:
            ConfigError: It is not.
        """
        chosen, known = config.metric_for_best_model, [*get_args(Metric), *self.metrics]
        if chosen not in known:
            raise ConfigError(
                f"FineTuneConfig.metric_for_best_model = {quote(chosen)}: there is no such metric",
                expected=f"one of {list_values(known)}, or the name of one given as metrics={{...}}",
                hint=nearest(chosen, known),
            )

    def describe(self) -> dict[str, Any]:
        """Return what a resumed run must have in common, as JSON values: names, since code cannot be compared."""
        return {
            "metrics": sorted(self.metrics),
            "loss": self.loss_name,
            "given_model": self.model and self.model.fingerprint(),
        }

    @property
    def needs_trainer(self) -> bool:
        """Return whether only the Trainer can use them."""
        return bool(self.callbacks) or self.loss is not None

    @property
    def loss_name(self) -> str | None:
        """Return the name of the user's loss; None without one."""
        return name_of(self.loss) if self.loss else None

    def try_metrics(self, labels: NDArray[np.int64]) -> None:
        """Compute each metric once for arbitrary probabilities, so that an error in it is reported before training.

        Args:
            labels: Labels of the rows that it will be computed on first, 0 or 1, shape (n,).

        Raises:
            ConfigError: One fails, or returns no number.
        """
        positive = np.random.default_rng(0).random(len(labels))
        if self.metrics:
            measure(np.stack([1 - positive, positive], axis=1), labels, names=LabelNames(), metrics=self.metrics)


NO_HOOKS = Hooks()


def _checked_callbacks(given: object) -> "tuple[TrainerCallback | type[TrainerCallback], ...]":
    with LOADING_LOCK:
        from transformers import TrainerCallback

    def is_one(value: object) -> bool:
        return isinstance(value, TrainerCallback) or (isinstance(value, type) and issubclass(value, TrainerCallback))

    expected, hint = "a list of transformers.TrainerCallback", "callbacks=[MyCallback()]"
    if is_one(given) or not isinstance(given, Iterable) or isinstance(given, str):
        raise ConfigError("callbacks cannot be used", found=quote(given), expected=expected, hint=hint)
    callbacks = tuple(given)
    for value in callbacks:
        if not is_one(value):
            raise ConfigError("a callback cannot be used", found=quote(value), expected=expected, hint=hint)
        if isinstance(value, type) and _needed_arguments(value):
            found = f"{value.__name__}, which needs {list_values(_needed_arguments(value))}"
            raise ConfigError("a callback cannot be made from its class", found=found, expected="an object", hint=hint)
    return callbacks


def _needed_arguments(callback: "type[TrainerCallback]") -> list[str]:
    """Return the arguments without which no object can be made of a class."""
    optional = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    given = signature(callback).parameters.values()
    return [each.name for each in given if each.default is Parameter.empty and each.kind not in optional]

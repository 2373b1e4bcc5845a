"""Resolution of `auto` settings from the number of rows, the encoder and the machine."""

from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.config import SettledConfig
from imdb_sentiment.models.device import Precision, choose_precision
from imdb_sentiment.runtime.distributed import world_size

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from imdb_sentiment.config import FineTuneConfig

__all__ = [
    "CONTRASTIVE",
    "FINE_TUNE",
    "PROBE",
    "Recipe",
    "choose_learning_rate",
    "few_rows_below",
    "methods_to_compare",
    "resolve",
    "settle",
    "settled_fields",
]

_SMALL_HIDDEN_SIZE = 512
_MANY_ROWS = 4000
_SMALL_LEARNING_RATES, _BASE_LEARNING_RATES = (5e-5, 1e-4), (2e-5, 3e-5)  # for few rows, and for many
_CPU_TOKENS, _GPU_TOKENS = 1024, 16384
_ADAPTER_RATE = 10  # times the rate of the weights, as in Schulman et al., LoRA Without Regret (2025)
_TRIAL_TOKENS = 128
_AUTO_FIELDS = ("num_train_epochs", "per_device_train_batch_size", "learning_rate")
_FEW_ROWS = 500
_STEPS = 250
_MIN_EPOCHS, _MAX_EPOCHS = 2, 10
_STEP_ROWS = ((500, 8), (_MANY_ROWS, 16))
_MAX_STEP_ROWS = 32
_MOSTLY = 0.5
_FINE_TUNED_LONG_ROWS = 200

PROBE, CONTRASTIVE, FINE_TUNE = "probe", "contrastive", "fine_tune"


class Recipe(NamedTuple):
    """Settings that depend on the encoder or the machine."""

    precision: Precision
    max_tokens_per_forward: int


def settle(config: "FineTuneConfig", *, train_rows: int, hidden_size: int) -> SettledConfig:
    """Resolve the settings that depend on the number of rows and the width of the encoder.

    Small data sets get more epochs and smaller batches, since fine-tuning needs a few hundred steps in any case.
    """
    parts = config.gradient_accumulation_steps * world_size()
    epochs, rate = config.num_train_epochs, config.learning_rate
    step_rows = next((rows for below, rows in _STEP_ROWS if train_rows < below), _MAX_STEP_ROWS)
    given = config.per_device_train_batch_size
    batch = max(1, step_rows // parts) if given == "auto" else given
    if rate == "auto":
        rate = choose_learning_rate(hidden_size, train_rows) * (1 if config.lora_rank is None else _ADAPTER_RATE)
    if epochs == "auto":
        epochs = min(max(round(_STEPS * batch * parts / train_rows), _MIN_EPOCHS), _MAX_EPOCHS)
    settled = {
        "per_device_train_batch_size": batch,
        "num_train_epochs": epochs,
        "learning_rate": rate,
    }
    return SettledConfig(**(config.model_dump() | settled))


def few_rows_below(config: "FineTuneConfig", *, needs_trainer: bool = False) -> int:
    """Return the number of training rows below which few-shot methods are used; 0 if they are ruled out.

    Args:
        config: The configuration as given.
        needs_trainer: Whether something was given that only the Trainer can use.
    """
    automatic = config.method == "auto" and config.num_train_epochs == "auto"
    chosen = config.method in (CONTRASTIVE, PROBE)
    possible = config.lora_rank is None and not needs_trainer and world_size() == 1
    return _FEW_ROWS if (automatic or chosen) and possible else 0


def methods_to_compare(config: "FineTuneConfig", *, rows: int, truncated: float) -> tuple[str, ...]:
    """Return the methods to compare on held-out rows, the cheapest first.

    Fine-tuning is one of them where it may be better: from 500 rows on, and from 200 rows on for texts that the
    contrastive stage would mostly truncate. On fewer of those it took three quarters of the time and was less accurate.

    Args:
        config: `method` may name the only one.
        rows: Number of training rows.
        truncated: Share of the texts that the contrastive stage truncates more than fine-tuning would.
    """
    if config.method != "auto":
        return (config.method,)
    long = truncated >= _MOSTLY and rows >= _FINE_TUNED_LONG_ROWS
    return (PROBE, CONTRASTIVE, FINE_TUNE) if long or rows >= _FEW_ROWS else (PROBE, CONTRASTIVE)


def settled_fields(config: "FineTuneConfig", settled: SettledConfig) -> dict[str, float]:
    """Return the resolved values of the fields that were `auto`.

    Args:
        config: The configuration as given.
        settled: The same, resolved.
    """
    return {name: getattr(settled, name) for name in _AUTO_FIELDS if getattr(config, name) == "auto"}


def resolve(
    config: "FineTuneConfig", model: "PreTrainedModel", device: "torch.device", *, before: str | None
) -> Recipe:
    """Resolve the precision and the size of micro-batches.

    Args:
        config: Fine-tuning configuration.
        model: Model to train.
        device: Training device.
        before: Precision of a resumed run, which is kept.
    """
    precision = before or config.precision
    if precision == "auto":
        precision = choose_precision(model, device, tokens=min(_TRIAL_TOKENS, config.max_length))
    tokens = config.max_tokens_per_forward
    if tokens == "auto":
        tokens = _CPU_TOKENS if device.type == "cpu" else _GPU_TOKENS
    return Recipe("bf16" if precision == "bf16" else "fp32", tokens)


def choose_learning_rate(hidden_size: int, train_rows: int) -> float:
    """Return the peak learning rate for an encoder width and a number of rows."""
    rates = _SMALL_LEARNING_RATES if hidden_size <= _SMALL_HIDDEN_SIZE else _BASE_LEARNING_RATES
    return rates[train_rows >= _MANY_ROWS]

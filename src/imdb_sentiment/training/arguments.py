"""Conversion of `FineTuneConfig` to `transformers.TrainingArguments`, and the trackers of `report_to`."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.errors import ConfigError, MissingExtraError, nearest
from imdb_sentiment.runtime.distributed import TIMEOUT
from imdb_sentiment.runtime.huggingface import quiet
from imdb_sentiment.runtime.messages import quote
from imdb_sentiment.runtime.process_wide import LOADING_LOCK
from imdb_sentiment.training.best_epoch import choose_metric
from imdb_sentiment.training.recipe import Recipe

if TYPE_CHECKING:
    from transformers import TrainingArguments

    from imdb_sentiment.config import SettledConfig

__all__ = ["check_trackers", "event_files", "training_arguments"]

_NEVER = 10**12
_EVENT_FOLDER = "TENSORBOARD_LOGGING_DIR"  # transformers has no other setting for it
_PACKAGES = {"azure_ml": "azureml-sdk", "comet_ml": "comet-ml", "dagshub": "dagshub mlflow", "flyte": "flytekit"}
"""Packages whose name differs from the tracker's."""


def training_arguments(
    config: "SettledConfig", recipe: Recipe, output_dir: Path, *, validates: bool = True
) -> "TrainingArguments":
    """Return the arguments for `transformers.Trainer`.

    Args:
        config: Fine-tuning configuration.
        recipe: Machine-dependent settings.
        output_dir: Folder for the checkpoints.
        validates: Whether there are validation rows, without which nothing is evaluated, saved or
            tracked.
    """
    import torch
    from transformers import TrainingArguments

    metric = choose_metric(config.metric_for_best_model)
    chooses_epoch = validates and config.load_best_model_at_end
    arguments = TrainingArguments(
        output_dir=str(output_dir),
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup_ratio,  # below 1 it is a share of the steps
        per_device_train_batch_size=config.per_device_train_batch_size,
        per_device_eval_batch_size=config.per_device_eval_batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        num_train_epochs=config.num_train_epochs,
        weight_decay=config.weight_decay,
        bf16=recipe.precision == "bf16",
        use_cpu=not torch.accelerator.is_available(),
        # the Schedule callback decides; upstream adds the last step
        eval_strategy="steps" if validates else "no",
        eval_steps=_NEVER,
        save_strategy="steps" if validates else "no",
        save_steps=_NEVER,
        logging_strategy="no",
        save_total_limit=None,  # FineTuneTrainer removes old checkpoints
        load_best_model_at_end=chooses_epoch,
        metric_for_best_model=f"eval_{metric.name}" if chooses_epoch else None,
        greater_is_better=metric.greater_is_better,
        logging_nan_inf_filter=False,  # upstream's default hides NaN losses
        seed=config.seed,
        data_seed=config.seed,
        remove_unused_columns=False,  # the collator selects the inputs
        report_to=(list(config.report_to) if validates else []) or "none",
        disable_tqdm=True,  # ProgressLine replaces it
        dataloader_pin_memory=torch.cuda.is_available(),
        ddp_timeout=int(TIMEOUT.total_seconds()),
    )
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1  # no DataParallel; see warn_of_idle_gpus
    arguments.mixed_precision = "bf16" if recipe.precision == "bf16" else "no"  # overrides accelerate's launcher
    return arguments


def check_trackers(names: Sequence[str], *, temporary: bool = False) -> None:
    """Check that each tracker is known and usable.

    Args:
        names: `FineTuneConfig.report_to`.
        temporary: Whether the folder of the run is removed at its end.

    Raises:
        ConfigError: A tracker is unknown, or its files would be removed with the folder.
        MissingExtraError: The package of a tracker is not installed.
    """
    if not names:
        return
    if temporary and "tensorboard" in names and _EVENT_FOLDER not in os.environ:
        raise ConfigError(
            "TensorBoard's event files would be removed with the temporary folder of the run",
            hint="SentimentFineTuner(..., output_dir=FOLDER), which keeps them in FOLDER/runs",
        )
    with LOADING_LOCK:
        from transformers.integrations import integration_utils as upstream

    known = upstream.INTEGRATION_TO_CALLBACK
    with quiet():
        usable = set(upstream.get_available_reporting_integrations())
    if upstream.is_flytekit_available():  # missing from that list
        usable.add("flyte")
    for name in names:
        if name not in known:
            expected = f"one of {', '.join(sorted(known))}"
            raise ConfigError(f"report_to: unknown tracker {quote(name)}", expected=expected, hint=nearest(name, known))
        if name not in usable:
            raise MissingExtraError(
                f"report_to={quote(name)} needs a package that is not installed or not configured",
                hint=f"pip install {_PACKAGES.get(name, name)}",
            )


@contextmanager
def event_files(folder: Path) -> Iterator[None]:
    """Write TensorBoard's event files to a folder, unless the user's environment sets another."""
    if _EVENT_FOLDER in os.environ:
        yield
        return
    os.environ[_EVENT_FOLDER] = str(folder)
    try:
        yield
    finally:
        del os.environ[_EVENT_FOLDER]

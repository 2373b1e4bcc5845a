"""Fine-tuning of encoder and head together, with the Trainer."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.models.acceleration import eager_attention, first_token_only
from imdb_sentiment.models.device import usable_device
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.models.trainable import Restriction, restrict_training
from imdb_sentiment.runtime.huggingface import quiet
from imdb_sentiment.runtime.process_wide import LOADING_LOCK
from imdb_sentiment.training.batching import TrainingRows
from imdb_sentiment.training.hooks import NO_HOOKS, Hooks
from imdb_sentiment.training.recipe import Recipe
from imdb_sentiment.training.setup import build_training
from imdb_sentiment.training.signals import graceful_interrupt
from imdb_sentiment.training.watching import Watch

if TYPE_CHECKING:
    from transformers import PreTrainedModel, Trainer

    from imdb_sentiment.config import SettledConfig

__all__ = ["FineTuned", "fine_tune"]


class FineTuned(NamedTuple):
    """A fine-tuned model."""

    model: "PreTrainedModel"
    trainer: "Trainer"

    interrupted: bool
    """Whether a signal ended the training early."""


def fine_tune(
    restriction: Restriction,
    encoder: TextEncoder,
    config: "SettledConfig",
    *,
    rows: TrainingRows,
    recipe: Recipe,
    folder: Path,
    run: Mapping[str, Any],
    resume_from: Path | None = None,
    description: str = "training",
    hooks: Hooks = NO_HOOKS,
    watch: Watch | None = None,
) -> FineTuned:
    """Train encoder and head, in every process.

    Args:
        restriction: Model with two outputs, and what of it is trained; it is lifted at the end.
        encoder: Pads the batches.
        config: Fine-tuning configuration.
        rows: Training rows, and validation rows if an epoch is to be chosen.
        recipe: Machine-dependent settings.
        folder: Existing folder for the checkpoints, which are written only with validation rows.
        run: Description of the run, as JSON values.
        resume_from: A complete checkpoint.
        description: Beginning of the progress line.
        hooks: The user's metrics, callbacks and loss.
        watch: Called after each evaluation; an error that it raises ends the run.

    Raises:
        TrainingDivergedError: A loss or a gradient is NaN or infinite.
    """
    import torch

    model = restriction.model
    attention = eager_attention(model, torch.device(usable_device()), bf16=recipe.precision == "bf16")
    with quiet(), graceful_interrupt() as stop, first_token_only(model), attention:
        trainer, progress_line, stopping = build_training(
            model,
            encoder,
            config,
            recipe=recipe,
            rows=rows,
            output_dir=folder,
            run=run,
            stop=stop,
            description=description,
            hooks=hooks,
            watch=watch,
        )
        try:
            trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
        finally:
            progress_line.close()
    trainer.accelerator.wait_for_everyone()  # rank 0 may remove the folder afterwards
    return FineTuned(model if stopping.stopped else _unwrap(restriction, trainer, config), trainer, stopping.stopped)


def _unwrap(restriction: Restriction, trainer: "Trainer", config: "SettledConfig") -> "PreTrainedModel":
    """Remove the mixed-precision wrapper and merge adapters; with FSDP, gather the weights on rank 0 before."""
    from transformers import AutoModelForSequenceClassification

    model = restriction.model
    if trainer.is_fsdp_enabled:
        weights = trainer.accelerator.get_state_dict(trainer.model)  # empty except on rank 0
        if not weights:
            return model
        with LOADING_LOCK:
            model = AutoModelForSequenceClassification.from_config(model.config)
        restriction = restrict_training(model, config)  # so that the weights have the same names
        model.load_state_dict(weights)
        model.to(trainer.args.device)
    else:
        trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    restriction.lift()
    return model

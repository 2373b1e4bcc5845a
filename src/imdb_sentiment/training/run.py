"""A training run, from the start or a checkpoint to the final model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.errors import TrainingInterruptedError
from imdb_sentiment.models.acceleration import eager_attention, embedding_gradients_in_place, first_token_only
from imdb_sentiment.models.device import Precision, usable_device
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.results.training import EpochRecord
from imdb_sentiment.runtime.distributed import run_on_main, world_size
from imdb_sentiment.runtime.huggingface import quiet
from imdb_sentiment.runtime.process_wide import LOADING_LOCK
from imdb_sentiment.training.batching import TrainingRows
from imdb_sentiment.training.best_epoch import BestEpochMetric
from imdb_sentiment.training.checkpoints import (
    check_own_checkpoints,
    complete_checkpoints,
    newest_checkpoint,
    recorded_precision,
    remove_incomplete,
)
from imdb_sentiment.training.linear_probe import fit_head
from imdb_sentiment.training.recipe import Recipe, resolve
from imdb_sentiment.training.run_folder import check_room
from imdb_sentiment.training.setup import build_training, read_history
from imdb_sentiment.training.signals import graceful_interrupt

if TYPE_CHECKING:
    from transformers import PreTrainedModel, Trainer, TrainerState

    from imdb_sentiment.config import SettledConfig
    from imdb_sentiment.models.pretrained import LoadedModel

__all__ = ["TrainedModel", "fine_tune", "set_dropout"]


class TrainedModel(NamedTuple):
    """Result of a run."""

    model: "PreTrainedModel"
    """The given model; with FSDP, the gathered model on rank 0."""

    history: tuple[EpochRecord, ...]
    kept_epoch: float
    kept_because: str
    precision: Precision
    notes: tuple[str, ...]


def fine_tune(
    loaded: "LoadedModel",
    encoder: TextEncoder,
    config: "SettledConfig",
    *,
    rows: TrainingRows,
    metric: BestEpochMetric,
    output_dir: Path,
    run: Mapping[str, Any],
    checkpoint: Path | None,
) -> TrainedModel:
    """Train a model, in place unless it is sharded.

    Args:
        loaded: The pretrained model.
        encoder: Pads the batches.
        config: Fine-tuning configuration.
        rows: Training and validation rows.
        metric: Selects the best evaluation.
        output_dir: Folder for the checkpoints.
        run: Description of the run, as JSON values.
        checkpoint: The complete checkpoint to resume from.

    Raises:
        OutputExistsError: The folder holds checkpoints of another program.
        DiskFullError: The checkpoints do not fit on the disk.
        TrainingDivergedError: A loss or a gradient is NaN or infinite.
        TrainingInterruptedError: A signal ended the run.
    """
    import torch

    model = loaded.model
    set_dropout(model, config.dropout)
    before = recorded_precision(checkpoint) if checkpoint else None
    processes = len(list(checkpoint.glob("rng_state*.pth"))) if checkpoint else 0  # one file per process
    device = torch.device(usable_device())
    recipe = run_on_main(lambda: resolve(config, model, device, before=before))
    run_on_main(lambda: _prepare_folder(output_dir, model, config))
    if checkpoint is None and loaded.head_is_new and config.linear_probe:
        balanced = config.class_weight == "balanced"
        model.to(device)  # type: ignore[arg-type]
        run_on_main(lambda: fit_head(model, encoder, rows.epochs[0], balanced=balanced, seed=config.seed)).write_to(
            model
        )
    attention = eager_attention(model, device, bf16=recipe.precision == "bf16")
    gradients = embedding_gradients_in_place(model, when=device.type == "cpu" and world_size() == 1)
    with quiet(), graceful_interrupt() as stop, first_token_only(model), attention, gradients:
        trainer, progress_line, stopping = build_training(
            model,
            encoder,
            config,
            recipe=recipe,
            rows=rows,
            metric=metric,
            output_dir=output_dir,
            run={**run, "precision_used": recipe.precision},
            stop=stop,
        )
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        finally:
            progress_line.close()
    trained = _unwrap(model, trainer)
    trainer.accelerator.wait_for_everyone()  # rank 0 may remove the folder afterwards
    state = trainer.state
    if stopping.stopped:
        raise TrainingInterruptedError(
            f"training was interrupted after step {state.global_step} of {state.max_steps}",
            found=f"a complete checkpoint in {newest_checkpoint(output_dir)}",
            hint="fit(resume=True) to resume it",
        )
    history = read_history(state.log_history, rows.names, precision=recipe.precision)
    epoch, reason = _kept_epoch(history, state, config, metric)
    notes = (_precision_note(recipe, trainer.args.device.type), *_resume_notes(checkpoint, processes, state))
    return TrainedModel(trained, history, epoch, reason, recipe.precision, notes)


def _kept_epoch(
    history: Sequence[EpochRecord], state: "TrainerState", config: "SettledConfig", metric: BestEpochMetric
) -> tuple[float, str]:
    """Return the epoch of the final weights, and why it was kept."""
    if config.load_best_model_at_end and state.best_model_checkpoint and state.best_global_step:
        best = state.best_global_step * config.num_train_epochs / state.max_steps
        return min(history, key=lambda record: abs(record.epoch - best)).epoch, metric.reason
    return history[-1].epoch, "the last"


def _unwrap(model: "PreTrainedModel", trainer: "Trainer") -> "PreTrainedModel":
    """Remove the mixed-precision wrapper; with FSDP, gather the weights on rank 0."""
    from transformers import AutoModelForSequenceClassification

    if not trainer.is_fsdp_enabled:
        unwrapped: PreTrainedModel = trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
        return unwrapped
    weights = trainer.accelerator.get_state_dict(trainer.model)  # empty except on rank 0
    if not weights:
        return model
    with LOADING_LOCK:
        gathered: PreTrainedModel = AutoModelForSequenceClassification.from_config(model.config)
    gathered.load_state_dict(weights)
    gathered.to(trainer.args.device)  # type: ignore[arg-type]
    return gathered


def _prepare_folder(folder: Path, model: "PreTrainedModel", config: "SettledConfig") -> None:
    """Remove incomplete checkpoints, and check that there is enough disk space."""
    check_own_checkpoints(folder)
    remove_incomplete(folder)
    most = config.save_total_limit + config.load_best_model_at_end + 1  # the last is the one being written
    check_room(folder, model, max(most - len(complete_checkpoints(folder)), 1))


def set_dropout(model: "PreTrainedModel", dropout: float | None) -> None:
    """Set dropout for training only; the model's configuration, which is saved, does not change."""
    import torch

    if dropout is not None:
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = dropout


def _precision_note(recipe: Recipe, device: str) -> str:
    processes = world_size()
    note = f"{recipe.precision} on {device}"
    if processes > 1:
        note += f", {processes} processes"
    return note if recipe.precision == "fp32" else f"{note}; final metrics are computed in fp32"


def _resume_notes(checkpoint: Path | None, processes: int, state: "TrainerState") -> list[str]:
    if checkpoint is None:
        return []
    step = int(checkpoint.name.rpartition("-")[2])
    note = f"resumed from {checkpoint}, the newest complete checkpoint, after step {step} of {state.max_steps}"
    return [note] if processes == world_size() else [note, f"number of processes before: {processes}"]

"""Subclass of `transformers.Trainer`.

Only imported by `fit`, so torch and transformers are imported at the top.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils import gather_object
from transformers import Trainer
from transformers.trainer_callback import ExportableState
from typing_extensions import override

from imdb_sentiment.errors import TrainingDivergedError
from imdb_sentiment.runtime.process_wide import COMPUTE_LOCK, WARNINGS_LOCK
from imdb_sentiment.training.checkpoints import (
    RUN_RECORD,
    Keep,
    complete_checkpoints,
    complete_or_removed,
    finish,
    prune,
)
from imdb_sentiment.training.losses import Loss, row_losses

if TYPE_CHECKING:
    from torch.utils.data import DataLoader
    from transformers import PreTrainedModel, TrainerState, TrainingArguments

    from imdb_sentiment.training.batching import StepBatches
    from imdb_sentiment.training.best_epoch import BestEpochMetric

__all__ = ["FineTuneTrainer"]

Batch = dict[str, Any]
_MAX_LISTED = 64


class FineTuneTrainer(Trainer):
    """Trainer with its own batch order, exact loss normalization and complete checkpoints.

    The training loss is the weighted mean of the losses of all rows of a step, however the step is divided
    into micro-batches, accumulated batches and processes. Upstream does not divide by the number of accumulated batches
    for these models (https://github.com/huggingface/transformers/issues/47688), and averages over processes with
    unequal numbers of rows.

    Args:
        batches: Batch sampler.
        collate: Returns `micro_batches`, each with the model's inputs, `labels` and `weights`; and `rows`.
        metric: Selects the best evaluation.
        keep: Which checkpoints to keep.
        folder: Folder for the checkpoints.
        has_stopped: Returns whether a resumed run has already stopped early.
        loss: Returns the weighted losses of rows.
        arguments: Arguments of `transformers.Trainer`.
    """

    loss_is_scaled_for_ga = True  # or upstream would divide it again for models without loss arguments

    def __init__(
        self,
        *,
        batches: "StepBatches",
        collate: Callable[[list[Any]], Batch],
        metric: "BestEpochMetric",
        keep: Keep,
        folder: Path,
        has_stopped: "Callable[[TrainerState], bool]",
        loss: Loss,
        **arguments: Any,
    ) -> None:
        args: TrainingArguments = arguments["args"]
        if args.world_size > 1:
            args.ddp_find_unused_parameters = _has_unused_parameters(arguments["model"])
        super().__init__(**arguments)
        torch.manual_seed(args.seed + args.process_index)  # each process draws its own dropout
        self._folder = folder
        self._batches = batches
        self._collate = collate
        self._metric = metric
        self._keep = keep
        self._has_stopped = has_stopped
        self._loss = loss
        self._rows: list[int] = []

    @override
    def get_train_dataloader(self) -> "DataLoader[Any]":
        """Return this process's batches; the sampler has already sharded them, so accelerate must not."""
        from torch.utils.data import DataLoader

        rows = _CurrentRows(self._batches)
        return DataLoader(rows, batch_sampler=self._batches, collate_fn=self._collate)

    @override
    def get_batch_samples(
        self, epoch_iterator: Iterator[Batch], num_batches: int, device: torch.device
    ) -> tuple[list[Batch], torch.Tensor]:
        """Return the batches of a step, and the sum of their rows' class weights over all processes."""
        batches = [batch for _, batch in zip(range(num_batches), epoch_iterator, strict=False)]
        self._rows = [row for batch in batches for row in batch["rows"]]
        weight = torch.stack([part["mass"].sum() for batch in batches for part in batch["micro_batches"]]).sum()
        total: torch.Tensor = self.accelerator.reduce(weight.to(device), reduction="sum")
        return batches, total

    @override
    def training_step(
        self, model: torch.nn.Module, inputs: Batch, num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """Run forward and backward for each micro-batch; gradients are synchronized in the last one."""
        micro_batches = inputs["micro_batches"]
        if self.is_fsdp_enabled:  # each forward pass gathers weights from all processes, so all need as many
            idle = micro_batches[-1] | {"weights": micro_batches[-1]["weights"] * 0}
            micro_batches = [*micro_batches, *[idle] * (max(gather_object([len(micro_batches)])) - len(micro_batches))]
        *first, last = micro_batches
        loss = torch.zeros((), device=self.args.device)
        for micro_batch in first:
            with self.accelerator.no_sync(model):
                loss += super().training_step(model, micro_batch, num_items_in_batch)
        return loss + super().training_step(model, last, num_items_in_batch)

    @override
    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Return a micro-batch's share of the step's loss; in evaluation, which has no weights, upstream's loss."""
        if "weights" not in inputs:
            with COMPUTE_LOCK.shared():
                return super().compute_loss(model, inputs, return_outputs)
        weights, labels, _ = (inputs.pop(name) for name in ("weights", "labels", "mass"))
        with COMPUTE_LOCK.shared():
            outputs = model(**inputs)
        losses: Any = row_losses(self._loss, outputs.logits.float(), labels, weights)
        # gradients are averaged over processes, so the loss is multiplied by their number
        loss = losses.sum() / num_items_in_batch * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    @override
    def floating_point_ops(self, inputs: Batch) -> int:
        """Estimate the floating-point operations of a batch."""
        return sum(super(FineTuneTrainer, self).floating_point_ops(part) for part in inputs["micro_batches"])

    @override
    def _init_training_state(self, *arguments: Any, **named: Any) -> Any:
        """Locate the best checkpoint, and do not train further if the run has stopped early.

        Upstream loses the best checkpoint if the run folder has moved, and does not record early stopping.
        """
        begin = super()._init_training_state(*arguments, **named)
        best = complete_checkpoints(self._folder).get(self.state.best_global_step or -1)
        self.state.best_model_checkpoint = str(best) if best else None
        if self.state.global_step and self.args.should_save:
            prune(self._folder, self._keep, best_step=self.state.best_global_step)  # if a kill prevented it
        return (int(self.args.num_train_epochs), 0) if self._has_stopped(self.state) else begin

    @override
    def _load_callback_state(self) -> None:
        """Restore the attributes of a resumed run's callbacks, in their order and in place.

        Upstream makes new objects, which whoever holds the old ones would not see.
        """
        saved: Any = self.state.stateful_callbacks
        waiting = {name: [*states] if isinstance(states, list) else [states] for name, states in saved.items()}
        waiting.pop(RUN_RECORD, None)
        for callback in self.callback_handler.callbacks:
            if isinstance(callback, ExportableState) and waiting.get(type(callback).__name__):
                for name, value in waiting[type(callback).__name__].pop(0).get("attributes", {}).items():
                    setattr(callback, name, value)

    @override
    def _get_grad_norm(self, model: torch.nn.Module, grad_norm: Any = None) -> Any:
        """Stop at once if a gradient is NaN or infinite."""
        norm: Any = super()._get_grad_norm(model, grad_norm)  # type: ignore[no-untyped-call]
        if not torch.isfinite(torch.as_tensor(norm)):
            rows = sorted(gather_object(self._rows))
            raise TrainingDivergedError(
                f"training diverged at step {self.state.global_step + 1}: the gradients are NaN or infinite",
                found=f"learning rate {self._get_learning_rate():.3g}; training rows {_list(rows)}, counted from 0",
                hint=f"a learning rate below {self.args.learning_rate:g}",
            )
        return norm

    @override
    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Return whether the newest evaluation is the best."""
        best = self._metric.since_best(self.state.log_history) == 0
        if best:
            self.state.best_metric = metrics[f"eval_{self._metric.name}"]
            self.state.best_global_step = self.state.global_step
        return best

    @override
    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """Write a checkpoint, mark it complete, and only then remove older ones."""
        folder = self._folder / f"checkpoint-{self.state.global_step}"
        with complete_or_removed(folder):
            if self.is_fsdp_enabled and self.args.should_save:
                folder.mkdir(exist_ok=True)  # upstream resolves the best checkpoint before the shards are written
            with WARNINGS_LOCK:
                super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()  # other processes write their random states
        if self.args.should_save:
            with complete_or_removed(folder):
                finish(folder)
            prune(self._folder, self._keep, best_step=self.state.best_global_step)


def _has_unused_parameters(model: "PreTrainedModel") -> bool:
    """Return whether the loss is independent of some parameters; DDP's check at every step is slow."""
    tokens = torch.ones((1, 8), dtype=torch.int64, device=model.device)
    model(input_ids=tokens, attention_mask=tokens).logits.sum().backward()
    unused = any(value.requires_grad and value.grad is None for value in model.parameters())
    model.zero_grad(set_to_none=True)
    return unused


def _list(rows: list[int]) -> str:
    more = f" and {len(rows) - _MAX_LISTED} more" if len(rows) > _MAX_LISTED else ""
    return ", ".join(map(str, rows[:_MAX_LISTED])) + more


class _CurrentRows(torch.utils.data.Dataset[Any]):
    """The rows of the sampler's current epoch."""

    def __init__(self, batches: "StepBatches") -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches.rows)

    def __getitem__(self, index: int) -> Any:
        return self._batches.rows[index]

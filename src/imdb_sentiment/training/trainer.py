"""The Trainer's subclass: what `transformers.Trainer` lacks or gets wrong for this task, and no more.

Loaded by `fit` alone, so torch and transformers are imported at the top.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils import gather_object
from transformers import Trainer
from typing_extensions import override

from imdb_sentiment.errors import TrainingDivergedError
from imdb_sentiment.runtime.process_wide import COMPUTE_LOCK, WARNINGS_LOCK
from imdb_sentiment.training.checkpoints import Keep, complete_checkpoints, finish, prune
from imdb_sentiment.training.run_folder import whole_checkpoint

if TYPE_CHECKING:
    from torch.utils.data import DataLoader
    from transformers import PreTrainedModel, TrainerState, TrainingArguments

    from imdb_sentiment.training.batching import StepBatches
    from imdb_sentiment.training.best_epoch import BestEpochMetric

__all__ = ["FineTuneTrainer"]

Batch = dict[str, Any]
_SHOWN = 64


class FineTuneTrainer(Trainer):
    """A Trainer with its own order of rows, its own division by the rows of a step, and checkpoints that are whole.

    The training loss is the sum of weight times cross-entropy over all rows of a step, divided by the sum of the
    weights: that of one batch, into however many passes, accumulated batches and processes it is divided. Upstream
    does not divide by the number of accumulated batches for these models
    (https://github.com/huggingface/transformers/issues/47688), and takes the mean over processes of unequal rows.

    Args:
        batches: The rows of each step.
        collate: Makes a batch of them: `passes`, each with the model's inputs, `labels` and `weights`; and `rows`.
        metric: What decides which evaluation is best.
        keep: Which checkpoints stay.
        folder: Where they go.
        is_over: Tells whether a run that is gone on with has stopped early before.
        arguments: Those of `transformers.Trainer`.
    """

    loss_is_scaled_for_ga = True  # or upstream would divide it again for models that take no further arguments

    def __init__(
        self,
        *,
        batches: "StepBatches",
        collate: Callable[[list[Any]], Batch],
        metric: "BestEpochMetric",
        keep: Keep,
        folder: Path,
        is_over: "Callable[[TrainerState], bool]",
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
        self._is_over = is_over
        self._rows: list[int] = []

    @override
    def get_train_dataloader(self) -> "DataLoader[Any]":
        """Return this process's batches; they are divided between processes already, so accelerate has no part."""
        from torch.utils.data import DataLoader

        rows = _PresentRows(self._batches)
        return DataLoader(rows, batch_sampler=self._batches, collate_fn=self._collate)

    @override
    def get_batch_samples(
        self, epoch_iterator: Iterator[Batch], num_batches: int, device: torch.device
    ) -> tuple[list[Batch], torch.Tensor]:
        """Take the batches of a step, and the sum of the weights of their rows over all processes."""
        batches = [batch for _, batch in zip(range(num_batches), epoch_iterator, strict=False)]
        self._rows = [row for batch in batches for row in batch["rows"]]
        weight = torch.stack([part["weights"].sum() for batch in batches for part in batch["passes"]]).sum()
        total: torch.Tensor = self.accelerator.reduce(weight.to(device), reduction="sum")
        return batches, total

    @override
    def training_step(
        self, model: torch.nn.Module, inputs: Batch, num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """Go forward and back with each pass of a batch; gradients are exchanged in the last one."""
        passes = inputs["passes"]
        if self.is_fsdp_enabled:  # each pass gathers weights from all processes, so all of them make as many
            idle = passes[-1] | {"weights": passes[-1]["weights"] * 0}
            passes = [*passes, *[idle] * (max(gather_object([len(passes)])) - len(passes))]
        *first, last = passes
        loss = torch.zeros((), device=self.args.device)
        for part in first:
            with self.accelerator.no_sync(model):
                loss += super().training_step(model, part, num_items_in_batch)
        return loss + super().training_step(model, last, num_items_in_batch)

    @override
    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Return the share of one pass in the loss of its step; in evaluation, which brings no weights, upstream's."""
        if "weights" not in inputs:
            with COMPUTE_LOCK.shared():
                return super().compute_loss(model, inputs, return_outputs)
        weights, labels = inputs.pop("weights"), inputs.pop("labels")
        with COMPUTE_LOCK.shared():
            outputs = model(**inputs)
        losses = torch.nn.functional.cross_entropy(outputs.logits.float(), labels, reduction="none")
        # the gradients of processes are averaged, so each loss is multiplied by their number
        loss = (losses * weights).sum() / num_items_in_batch * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    @override
    def floating_point_ops(self, inputs: Batch) -> int:
        """Estimate the operations of a batch."""
        return sum(super(FineTuneTrainer, self).floating_point_ops(part) for part in inputs["passes"])

    @override
    def _init_training_state(self, *arguments: Any, **named: Any) -> Any:
        """Find the best checkpoint where it is now, and learn no more where the run has stopped early before.

        Upstream looks for the best where it was, and so forgets it if the run has moved; and it forgets that a run had
        stopped.
        """
        begin = super()._init_training_state(*arguments, **named)
        best = complete_checkpoints(self._folder).get(self.state.best_global_step or -1)
        self.state.best_model_checkpoint = str(best) if best else None
        if self.state.global_step and self.args.should_save:
            prune(self._folder, self._keep, best_step=self.state.best_global_step)  # a kill may have come before it
        return (int(self.args.num_train_epochs), 0) if self._is_over(self.state) else begin

    @override
    def _get_grad_norm(self, model: torch.nn.Module, grad_norm: Any = None) -> Any:
        """Stop at once where a gradient, and so the loss or the model, is no longer a number."""
        norm: Any = super()._get_grad_norm(model, grad_norm)  # type: ignore[no-untyped-call]
        if not torch.isfinite(torch.as_tensor(norm)):
            rows = sorted(gather_object(self._rows))
            raise TrainingDivergedError(
                f"training diverged at step {self.state.global_step + 1}: the gradients are not numbers any more",
                found=f"learning rate {self._get_learning_rate():.3g}; training rows {_list(rows)}, counted from 0",
                hint=f"a learning rate below {self.args.learning_rate:g}",
            )
        return norm

    @override
    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Tell whether the newest evaluation is the best; upstream takes the first of equals."""
        best = self._metric.since_best(self.state.log_history) == 0
        if best:
            self.state.best_metric = metrics[f"eval_{self._metric.name}"]
            self.state.best_global_step = self.state.global_step
        return best

    @override
    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """Write a checkpoint, declare it complete, and only then drop older ones."""
        folder = self._folder / f"checkpoint-{self.state.global_step}"
        with whole_checkpoint(folder):
            if self.is_fsdp_enabled and self.args.should_save:
                folder.mkdir(exist_ok=True)  # upstream asks for the best one before parts of a model are written to it
            with WARNINGS_LOCK:
                super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()  # the others write their random states
        if self.args.should_save:
            with whole_checkpoint(folder):
                finish(folder)
            prune(self._folder, self._keep, best_step=self.state.best_global_step)


def _has_unused_parameters(model: "PreTrainedModel") -> bool:
    """Tell whether a loss does not depend on all parameters; looking for such at every step costs time."""
    tokens = torch.ones((1, 8), dtype=torch.int64, device=model.device)
    model(input_ids=tokens, attention_mask=tokens).logits.sum().backward()
    unused = any(value.requires_grad and value.grad is None for value in model.parameters())
    model.zero_grad(set_to_none=True)
    return unused


def _list(rows: list[int]) -> str:
    return ", ".join(map(str, rows[:_SHOWN])) + (f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else "")


class _PresentRows(torch.utils.data.Dataset[Any]):
    """The rows of the epoch that the batches are at."""

    def __init__(self, batches: "StepBatches") -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches.rows)

    def __getitem__(self, index: int) -> Any:
        return self._batches.rows[index]

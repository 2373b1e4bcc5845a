"""Trainer callbacks: logging, evaluation, saving, stopping and progress.

Only imported by `fit`, so transformers is imported at the top.
"""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from accelerate import PartialState
from accelerate.utils import reduce
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState
from typing_extensions import override

from imdb_sentiment.runtime.malloc import release_freed_memory
from imdb_sentiment.runtime.progress import progress_bar
from imdb_sentiment.training.checkpoints import RUN_RECORD
from imdb_sentiment.training.watching import Evaluation

if TYPE_CHECKING:
    from imdb_sentiment.training.batching import StepBatches
    from imdb_sentiment.training.best_epoch import BestEpochMetric
    from imdb_sentiment.training.signals import StopRequest
    from imdb_sentiment.training.watching import LatestEvaluation, Watch

__all__ = ["ProgressLine", "ReleaseMemory", "Schedule", "StopOnRequest", "WatchEvaluations", "run_record"]

_LOGS_PER_EPOCH = 20
_STEPS_PER_RELEASE = 16
_LINE = "{desc} {percentage:.0f}%: {remaining} left, {rate_fmt}{postfix}"  # no bar, to fit 80 columns


class Schedule(TrainerCallback):
    """Evaluates and saves in the same steps, also where another callback stops the run, and sets the sampler's epoch.

    Args:
        batches: Batch sampler.
        evaluations_per_epoch: Evaluations per epoch, evenly spaced, the last at its end; 0 without validation rows.
        metric: Selects the best evaluation.
        patience: Stop after this many evaluations without improvement; None never stops early.
    """

    def __init__(
        self,
        batches: "StepBatches",
        *,
        evaluations_per_epoch: int,
        metric: "BestEpochMetric",
        patience: int | None,
    ) -> None:
        self._batches = batches
        steps = batches.steps
        self._marks = {-(-steps * part // evaluations_per_epoch) for part in range(1, evaluations_per_epoch + 1)}
        self._log_every = -(-steps // _LOGS_PER_EPOCH)
        self._metric = metric
        self._patience = patience

    @override
    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        before = max((entry.get("seconds", 0.0) for entry in state.log_history), default=0.0)
        self._started = time.perf_counter() - before

    @override
    def on_evaluate(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        state.log_history[-1]["seconds"] = time.perf_counter() - self._started

    @override
    def on_epoch_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._batches.epoch = state.global_step // self._batches.steps

    @override
    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        step = (state.global_step - 1) % self._batches.steps + 1
        if step in self._marks or (self._marks and control.should_training_stop):
            control.should_evaluate = True
        if control.should_evaluate:  # a callback of the user's may have asked; the best epoch needs its weights
            control.should_save = True
        control.should_log = control.should_log or control.should_evaluate or step % self._log_every == 0

    @override
    def on_log(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Evaluate what a user's callback stops at a log entry; `StopOnRequest` saves, and has no time for more."""
        if self._marks and control.should_training_stop and not control.should_save:
            control.should_evaluate = control.should_save = True

    @override
    def on_save(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self.has_stopped(state):
            control.should_training_stop = True

    def has_stopped(self, state: TrainerState) -> bool:
        """Return whether training has stopped early, from the log alone, which checkpoints keep."""
        return self._patience is not None and self._metric.since_best(state.log_history) >= self._patience


class StopOnRequest(TrainerCallback):
    """Ends the run after the current step once any process was asked to stop.

    Args:
        request: Stop flag of this process.
        saves: Whether to write a checkpoint first.
    """

    def __init__(self, request: "StopRequest", *, saves: bool) -> None:
        self._request = request
        self._saves = saves
        self.stopped = False

    @override
    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._requested(args):
            self.stopped = True
            control.should_log = control.should_training_stop = True
            control.should_save = self._saves

    @override
    def on_train_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Also handle a signal after the last step, or the work after training would continue."""
        self.stopped = self._requested(args) or self.stopped

    def _requested(self, args: TrainingArguments) -> bool:
        if args.world_size == 1:
            return self._request.requested
        flag = torch.tensor(float(self._request.requested), device=PartialState().device)
        return bool(reduce(flag, reduction="sum").item())


class WatchEvaluations(TrainerCallback):
    """Passes each evaluation on.

    Args:
        watch: Called with it; an error that it raises ends the run.
        latest: Holds the logits of the latest evaluation.
    """

    def __init__(self, watch: "Watch", latest: "LatestEvaluation") -> None:
        self._watch = watch
        self._latest = latest

    @override
    def on_evaluate(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        number = sum("eval_accuracy" in entry for entry in state.log_history)
        self._watch(Evaluation(number, state.global_step >= state.max_steps, self._latest.in_order()))


class ReleaseMemory(TrainerCallback):
    """Returns free memory to the system before and after training, after evaluations, and every 16 steps."""

    def _release(self, *event: Any, **kwargs: Any) -> None:
        release_freed_memory()

    on_train_begin = on_evaluate = on_train_end = _release

    @override
    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if state.global_step % _STEPS_PER_RELEASE == 0:
            release_freed_memory()


class ProgressLine(TrainerCallback):
    """Progress line with time left, rows per second, loss, latest accuracy and learning rate.

    Args:
        rows: Rows of one epoch.
        description: What is done.
    """

    def __init__(self, rows: int, description: str) -> None:
        self._rows = rows
        self._description = description
        self._values: dict[str, str] = {}

    @override
    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        done = round((state.epoch or 0) * self._rows)
        self._bar = progress_bar(self._description, total=state.num_train_epochs * self._rows, unit="row", initial=done)
        if not state.is_world_process_zero:
            self._bar.disable = True
        self._bar.bar_format = _LINE

    @override
    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._values.pop("lr", None)  # last, since a narrow terminal cuts it first
        self._values["lr"] = f"{kwargs['lr_scheduler'].get_last_lr()[0]:.1e}"
        self._bar.set_postfix(self._values, refresh=False)
        self._bar.update(round((state.epoch or 0) * self._rows) - self._bar.n)

    @override
    def on_log(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        logs = kwargs["logs"]
        for name, shown in (("loss", "loss"), ("eval_accuracy", "accuracy")):
            if name in logs:
                self._values[shown] = f"{logs[name]:.3f}"

    def close(self) -> None:
        """Remove the line, also after an error."""
        if hasattr(self, "_bar"):
            self._bar.close()


def run_record(run: Mapping[str, Any]) -> TrainerCallback:
    """Build a callback that stores `run` in each checkpoint."""

    def state(self: object) -> dict[str, Any]:
        return {"args": dict(run), "attributes": {}}

    callback: TrainerCallback = type(RUN_RECORD, (TrainerCallback, ExportableState), {"state": state})()
    return callback

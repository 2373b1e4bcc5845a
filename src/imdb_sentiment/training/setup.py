"""Construction of the Trainer."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.errors import InputError, TrainingDivergedError
from imdb_sentiment.evaluation.bootstrap import resampled_metrics
from imdb_sentiment.evaluation.calibration import calibrated_log_loss
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.inference.scorer import softmax
from imdb_sentiment.models.tokenization import TextEncoder, padded_length
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.results.measured import MeasuredRows
from imdb_sentiment.results.metrics import METRICS, NO_METRICS, CustomMetrics
from imdb_sentiment.results.training import EpochRecord
from imdb_sentiment.runtime.process_wide import LOADING_LOCK
from imdb_sentiment.training.arguments import training_arguments
from imdb_sentiment.training.batching import Collate, Share, StepBatches, TrainingRows, pad_rows
from imdb_sentiment.training.best_epoch import CALIBRATED_LOG_LOSS, STANDARD_ERROR, BestEpochMetric, choose_metric
from imdb_sentiment.training.checkpoints import Keep
from imdb_sentiment.training.hooks import NO_HOOKS, Hooks
from imdb_sentiment.training.losses import cross_entropy
from imdb_sentiment.training.recipe import Recipe
from imdb_sentiment.training.signals import StopRequest
from imdb_sentiment.training.watching import LatestEvaluation, Watch

if TYPE_CHECKING:
    import torch
    from transformers import EvalPrediction, PreTrainedModel, TrainingArguments

    from imdb_sentiment.config import SettledConfig
    from imdb_sentiment.training.callbacks import ProgressLine, StopOnRequest
    from imdb_sentiment.training.trainer import FineTuneTrainer

__all__ = ["Training", "balanced_weights", "build_training", "read_history"]

_RESAMPLES = 200
_COUNTED = ("true_negatives", "false_positives", "false_negatives", "true_positives")


def balanced_weights(labels: Sequence[int] | NDArray[np.int64]) -> "torch.Tensor":
    """Return scikit-learn's `balanced` class weights, n / (2 * n_class), shape (2,).

    Args:
        labels: 0 or 1 for each training row; both occur.
    """
    import torch

    return torch.tensor(len(labels) / (2 * np.bincount(labels)), dtype=torch.float32)


class Training(NamedTuple):
    """A Trainer, and the callbacks that are read after training."""

    trainer: "FineTuneTrainer"
    progress_line: "ProgressLine"
    stopping: "StopOnRequest"


def build_training(
    model: "PreTrainedModel",
    encoder: TextEncoder,
    config: "SettledConfig",
    *,
    recipe: Recipe,
    rows: TrainingRows,
    output_dir: Path,
    run: Mapping[str, Any],
    stop: StopRequest | None = None,
    description: str = "training",
    hooks: Hooks = NO_HOOKS,
    watch: Watch | None = None,
) -> Training:
    """Build a Trainer that evaluates and saves in the same steps, and shows one progress line.

    Without validation rows it does neither.

    Args:
        model: Model with two outputs.
        encoder: Pads the batches.
        config: Fine-tuning configuration.
        recipe: Machine-dependent settings.
        rows: Training rows, and validation rows if there are any.
        output_dir: Existing folder for the checkpoints.
        run: Description of the run, as JSON values; stored in each checkpoint.
        stop: The user's stop flag.
        description: Beginning of the progress line.
        hooks: The user's metrics, callbacks and loss.
        watch: Called after each evaluation; an error that it raises ends the run.
    """
    with LOADING_LOCK:
        from transformers import PrinterCallback

        from imdb_sentiment.training.callbacks import (
            ProgressLine,
            ReleaseMemory,
            Schedule,
            StopOnRequest,
            WatchEvaluations,
            run_record,
        )
        from imdb_sentiment.training.trainer import FineTuneTrainer

    metric = choose_metric(config.metric_for_best_model)
    validates = rows.validation is not None
    arguments = training_arguments(config, recipe, output_dir, validates=validates)
    release_memory = [ReleaseMemory()] if arguments.device.type == "cpu" else []
    batches = _step_batches(rows, config, arguments)
    schedule = Schedule(
        batches,
        evaluations_per_epoch=config.evaluations_per_epoch if validates else 0,
        metric=metric,
        patience=config.early_stopping_patience,
    )
    latest = LatestEvaluation(rows.validation.longest_first()) if rows.validation is not None else None
    progress_line = ProgressLine(len(rows.epochs[0]), description)
    stopping = StopOnRequest(stop or StopRequest(), saves=validates)
    trainer = FineTuneTrainer(
        batches=batches,
        collate=_collate(encoder, rows, config, recipe, batches),
        folder=output_dir,
        metric=metric,
        keep=Keep(config.save_total_limit, best=config.load_best_model_at_end),
        has_stopped=schedule.has_stopped,
        loss=hooks.loss or cross_entropy(config.label_smoothing),
        model=model,
        args=arguments,
        data_collator=partial(pad_rows, encoder, lambda length: _padded(length, encoder.max_length, config)),
        eval_dataset=latest.rows if latest else None,
        compute_metrics=_metrics(metric, config, hooks.metrics, latest),
        # the user's first, so that the schedule sees what they ask for
        callbacks=[*hooks.callbacks, schedule, stopping, progress_line, run_record(run), *release_memory],
    )
    if watch and latest:
        trainer.add_callback(WatchEvaluations(watch, latest))
    trainer.remove_callback(PrinterCallback)
    return Training(trainer, progress_line, stopping)


def _step_batches(rows: TrainingRows, config: "SettledConfig", arguments: "TrainingArguments") -> StepBatches:
    share = Share(
        batch_rows=config.per_device_train_batch_size,
        accumulated=config.gradient_accumulation_steps,
        processes=arguments.world_size,
        process=arguments.process_index,
    )
    return StepBatches(rows.epochs, share, group_by_length=config.group_by_length, seed=config.seed)


def _collate(
    encoder: TextEncoder, rows: TrainingRows, config: "SettledConfig", recipe: Recipe, batches: StepBatches
) -> Collate:
    """Return what makes a batch of rows, cut as in the epoch that the batches have come to."""
    import torch

    train = rows.epochs[0]
    return Collate(
        encoder,
        filler=train[0],
        max_tokens=recipe.max_tokens_per_forward,
        padded=lambda length: _padded(length, config.epoch_max_lengths[batches.epoch], config),
        class_weight=balanced_weights(train.labels) if config.class_weight else torch.ones(2),
    )


def _padded(length: int, limit: int, config: "SettledConfig") -> int:
    return limit if config.padding == "max_length" else padded_length(length, limit)


def read_history(
    log: Sequence[dict[str, Any]],
    names: tuple[str, str],
    *,
    precision: str | None = None,
    metrics: CustomMetrics = NO_METRICS,
) -> tuple[EpochRecord, ...]:
    """Read one record per evaluation from the Trainer's log, which a resumed run continues.

    The training loss of a record is the mean over the steps since the previous record. A second evaluation after the
    same step, for which a callback may ask, is left out.
    """
    records: list[EpochRecord] = []
    logged = 0
    losses: list[tuple[float, int]] = []
    for entry in log:
        if "loss" in entry:
            losses.append((entry["loss"], entry["step"] - logged))
            logged = entry["step"]
        elif "eval_accuracy" in entry and losses:
            tn, fp, fn, tp = (int(entry[f"eval_{name}"]) for name in _COUNTED)
            report = EvaluationReport(
                labels=names,
                rows=tn + fp + fn + tp,
                confusion_matrix=((tn, fp), (fn, tp)),
                numeric_precision=precision,
                **{name: entry[f"eval_{name}"] for name in METRICS},
                custom_metrics={name: entry[f"eval_{name}"] for name in metrics},
            )
            mean = sum(loss * steps for loss, steps in losses) / sum(steps for _, steps in losses)
            records.append(
                EpochRecord(
                    epoch=round(entry["epoch"], 6),
                    train_loss=mean,
                    validation=report,
                    seconds=entry.get("seconds"),
                    calibrated_log_loss=entry.get(f"eval_{CALIBRATED_LOG_LOSS}"),
                )
            )
            losses = []
    return tuple(records)


def _metrics(
    metric: BestEpochMetric, config: "SettledConfig", custom: CustomMetrics, latest: LatestEvaluation | None
) -> Any:
    def compute_metrics(prediction: "EvalPrediction") -> dict[str, float]:
        logits, labels = np.asarray(prediction.predictions), np.asarray(prediction.label_ids)
        if latest:
            latest.logits = logits
        probabilities = softmax(logits)
        try:
            report = measure(probabilities, labels, names=LabelNames(), metrics=custom)
        except InputError:  # which is a ValueError too
            raise
        except ValueError as error:
            hint = f"a learning rate below {config.learning_rate:g}"
            raise TrainingDivergedError(
                "training diverged: the model's outputs are NaN or infinite", hint=hint
            ) from error
        counts = [count for row in report.confusion_matrix for count in row]
        metrics: dict[str, Any] = {
            **{name: report.value_of(name) for name in (*METRICS, *custom)},
            **dict(zip(_COUNTED, counts, strict=True)),
            CALIBRATED_LOG_LOSS: calibrated_log_loss(logits, labels),
        }
        if metric.name != CALIBRATED_LOG_LOSS:
            chosen = CustomMetrics({name: own for name, own in custom.items() if name == metric.name})
            measured = MeasuredRows(probabilities[:, 1], labels, metrics=chosen)
            resampled = resampled_metrics(measured, seed=config.seed, resamples=_RESAMPLES)[metric.name]
            metrics[STANDARD_ERROR] = float(np.std(resampled[np.isfinite(resampled)]))
        return metrics

    return compute_metrics

"""What `transformers.Trainer` lacks or gets wrong for this task, and no more."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imdb_sentiment.encoding import EncodedText, TextEncoder
from imdb_sentiment.errors import ImdbSentimentError
from imdb_sentiment.evaluation.metrics import measure, softmax
from imdb_sentiment.output import make_folder
from imdb_sentiment.progress import progress_bar
from imdb_sentiment.results import METRICS, EpochRecord, EvaluationReport
from imdb_sentiment.training.arguments import training_arguments
from imdb_sentiment.training.best_epoch import BestEpochMetric
from imdb_sentiment.training.checkpoints import RUN_RECORD
from imdb_sentiment.training.class_weights import balanced_weights, weighted_trainer

if TYPE_CHECKING:
    import torch
    from transformers import EvalPrediction, PreTrainedModel, Trainer

    from imdb_sentiment.config import FineTuneConfig

__all__ = ["EncodedRows", "build_trainer", "read_history"]

_COUNTED = ("true_negatives", "false_positives", "false_negatives", "true_positives")


class EncodedRows(list[dict[str, Any]]):
    """Encoded texts and their labels, as a map-style dataset for the Trainer."""

    def __init__(self, texts: Sequence[EncodedText], labels: Sequence[int]) -> None:
        super().__init__(
            # the sampler that groups by length looks at input_ids
            {"input_ids": text.inputs["input_ids"], "text": text, "labels": label}
            for text, label in zip(texts, labels, strict=True)
        )


def build_trainer(
    model: "PreTrainedModel",
    encoder: TextEncoder,
    config: "FineTuneConfig",
    *,
    train: EncodedRows,
    validation: EncodedRows,
    names: tuple[str, str],
    metric: BestEpochMetric,
    output_dir: Path,
    run: Mapping[str, Any],
) -> "Trainer":
    """Return a Trainer that evaluates and saves after each epoch, prints nothing, and shows one progress bar.

    Args:
        model: Model with a head of two outputs.
        encoder: Pads the batches.
        config: How to fine-tune.
        train: Rows to learn from.
        validation: Rows to evaluate on after each epoch.
        names: Names of the two labels.
        metric: What decides which epoch is best.
        output_dir: Folder for the checkpoints.
        run: What the run is made of, in plain JSON values; each checkpoint keeps it.

    Raises:
        OutputExistsError: `output_dir` cannot be made.
    """
    import torch
    from transformers import PrinterCallback, Trainer

    def collate(rows: Sequence[dict[str, Any]]) -> "dict[str, torch.Tensor]":
        batch = encoder.pad([row["text"] for row in rows], to_max_length=config.padding == "max_length")
        return {**batch, "labels": torch.tensor([row["labels"] for row in rows])}

    def compute_metrics(prediction: "EvalPrediction") -> dict[str, float]:
        try:
            report = measure(softmax(prediction.predictions), prediction.label_ids, names=names)
        except ValueError as error:
            hint = f"a learning rate below {config.learning_rate:g}"
            raise ImdbSentimentError("training diverged: the model's outputs are not numbers", hint=hint) from error
        counts = [count for row in report.confusion_matrix for count in row]
        return {name: getattr(report, name) for name in METRICS} | dict(zip(_COUNTED, counts, strict=True))

    make_folder(output_dir)  # the Trainer makes it too, and stops with the system's own error
    weights = balanced_weights([row["labels"] for row in train]) if config.class_weights else None
    trainer = (Trainer if weights is None else weighted_trainer(weights))(
        model=model,
        args=training_arguments(config, output_dir, metric),
        data_collator=collate,
        train_dataset=train,
        eval_dataset=validation,
        compute_metrics=compute_metrics,
        callbacks=[_progress_callback(), _run_record(run)],
    )
    trainer.remove_callback(PrinterCallback)
    # Upstream takes **kwargs in a model's signature for a loss that is divided already; the mean that these models
    # return is not, and would be too large by the number of GPUs or of accumulated batches.
    trainer.model_accepts_loss_kwargs = False
    return trainer


def read_history(log: Sequence[dict[str, Any]], names: tuple[str, str]) -> tuple[EpochRecord, ...]:
    """Read one record an epoch from the Trainer's log, which a resumed run continues."""
    losses = {round(entry["epoch"]): entry["loss"] for entry in log if "loss" in entry}
    records = []
    for entry in log:
        if "eval_accuracy" in entry:
            tn, fp, fn, tp = (int(entry[f"eval_{name}"]) for name in _COUNTED)
            report = EvaluationReport(
                labels=names,
                rows=tn + fp + fn + tp,
                confusion_matrix=((tn, fp), (fn, tp)),
                **{name: entry[f"eval_{name}"] for name in METRICS},
            )
            epoch = round(entry["epoch"])
            records.append(EpochRecord(epoch=epoch, train_loss=losses[epoch], validation=report))
    return tuple(records)


def _progress_callback() -> Any:
    """Build the callback inside a function, since its base class loads torch."""
    from transformers import TrainerCallback

    class ProgressCallback(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.bar = progress_bar("training", total=state.max_steps, unit="step")
            self.bar.update(state.global_step)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.bar.update(1)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if logs and "eval_accuracy" in logs:
                self.bar.set_postfix(epoch=round(state.epoch), accuracy=f"{logs['eval_accuracy']:.3f}")

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.bar.close()

    return ProgressCallback()


def _run_record(run: Mapping[str, Any]) -> Any:
    """Build the callback that has `run` written into each checkpoint; it does nothing else."""
    from transformers import TrainerCallback
    from transformers.trainer_callback import ExportableState

    def state(self: object) -> dict[str, Any]:
        return {"args": dict(run), "attributes": {}}

    return type(RUN_RECORD, (TrainerCallback, ExportableState), {"state": state})()

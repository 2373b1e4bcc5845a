"""`FineTuneConfig` becomes `transformers.TrainingArguments`: the only file that knows those field names."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import TrainingArguments

    from imdb_sentiment.config import FineTuneConfig
    from imdb_sentiment.training.best_epoch import BestEpochMetric

__all__ = ["training_arguments"]


def training_arguments(config: "FineTuneConfig", output_dir: Path, metric: "BestEpochMetric") -> "TrainingArguments":
    """Return the arguments for `transformers.Trainer`.

    Args:
        config: How to fine-tune.
        output_dir: Folder for the checkpoints.
        metric: What decides which epoch is best, if the best one is kept.
    """
    import torch
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=str(output_dir),
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup_ratio,  # below 1 it is read as a share of the steps
        per_device_train_batch_size=config.per_device_train_batch_size,
        per_device_eval_batch_size=config.per_device_eval_batch_size,
        num_train_epochs=config.num_train_epochs,
        weight_decay=config.weight_decay,
        train_sampling_strategy="group_by_length" if config.group_by_length else "random",
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=1,  # the last checkpoint, and the best one where that is another
        load_best_model_at_end=config.load_best_model_at_end,
        metric_for_best_model=f"eval_{metric.name}" if config.load_best_model_at_end else None,
        greater_is_better=metric.greater_is_better,
        logging_nan_inf_filter=False,  # upstream's default hides a loss that is not a number
        seed=config.seed,
        data_seed=config.seed,
        remove_unused_columns=False,  # the collator picks what the model gets
        report_to="none",
        disable_tqdm=True,  # our own bar knows when to be silent
        dataloader_pin_memory=torch.cuda.is_available(),
    )

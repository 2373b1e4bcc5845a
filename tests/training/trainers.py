"""A Trainer on a few rows, as the tests of training share it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from transformers import PreTrainedModel, TrainerCallback

from imdb_sentiment import FineTuneConfig
from imdb_sentiment.config import SettledConfig
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.models.pretrained import load_encoder, load_model
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.results import EpochRecord
from imdb_sentiment.training.batching import EncodedRows, TrainingRows
from imdb_sentiment.training.recipe import resolve, settle
from imdb_sentiment.training.setup import build_training, read_history
from imdb_sentiment.training.trainer import FineTuneTrainer

NAMES = LabelNames("ham", "spam")
# lengths from 3 to 27 tokens, in an order that sorting by length would change
TEXTS = [("wonderful " if i % 3 else "dull ") * (1 + i * 7 % 25) for i in range(48)]
LABELS = [int(i % 3 > 0) for i in range(48)]

Gradients = dict[str, torch.Tensor]
Batch = dict[str, Any]


class Parts(NamedTuple):
    """A Trainer and what it was made of."""

    trainer: FineTuneTrainer
    model: PreTrainedModel
    encoder: TextEncoder

    @property
    def history(self) -> tuple[EpochRecord, ...]:
        """What the Trainer has logged."""
        return read_history(self.trainer.state.log_history, NAMES)


class Step(NamedTuple):
    """One step of training, as the Trainer took it."""

    batches: list[Batch]

    gradients: Gradients
    """Before they are clipped."""

    @property
    def rows(self) -> list[list[int]]:
        """Positions of the rows of each batch."""
        return [batch["rows"] for batch in self.batches]

    @property
    def passes(self) -> list[Batch]:
        """Passes of all batches."""
        return [part for batch in self.batches for part in batch["micro_batches"]]


Build = Callable[..., Parts]


def build_parts(tiny_model: Path, output_dir: Path, rows: int = len(TEXTS), **changes: Any) -> Parts:
    """Build a Trainer without dropout on the first rows of TEXTS, with fields of the configuration changed."""
    fields: dict[str, Any] = {
        "model_name": tiny_model,
        "max_length": 32,
        "num_train_epochs": 1,
        "first_epoch_max_length": None,
        "learning_rate": 1e-3,
        "warmup_ratio": 0.0,
        "per_device_train_batch_size": 16,
        "precision": "fp32",
    } | changes
    asked = FineTuneConfig(**fields)
    encoder = load_encoder(asked)
    config = settle(asked, train_rows=rows, hidden_size=encoder.config.hidden_size)
    model = load_model(encoder, config, NAMES).model
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    output_dir.mkdir(exist_ok=True)
    trainer = build_training(
        model,
        encoder.text_encoder,
        config,
        recipe=resolve(config, model, torch.device("cpu"), before=None),
        rows=encoded_rows(encoder.text_encoder, config, rows),
        output_dir=output_dir,
        run={"is": "this one"},
    ).trainer
    return Parts(trainer, model, encoder.text_encoder)


def encoded_rows(encoder: TextEncoder, config: SettledConfig, rows: int) -> TrainingRows:
    """Encode the first rows of TEXTS, to learn from and to evaluate on."""
    limits = config.epoch_max_lengths
    epochs = tuple(EncodedRows.of(encoder.cut_at(limit).encode(TEXTS[:rows]), LABELS[:rows]) for limit in limits)
    return TrainingRows(epochs, EncodedRows.of(encoder.encode(TEXTS[:rows]), LABELS[:rows]))


def gradients_of(model: PreTrainedModel) -> Gradients:
    """Copy the gradients that a model has now."""
    return {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}


def train(parts: Parts, *, resume_from: Path | None = None) -> list[Step]:
    """Train, and note what each step was made of."""
    trainer = parts.trainer
    trainer.args.max_grad_norm = 0  # no clipping
    batches: list[list[Batch]] = []
    gradients: list[Gradients] = []
    take = trainer.get_batch_samples

    def noted(*arguments: Any) -> Any:
        taken, total = take(*arguments)
        batches.append(taken)
        return taken, total

    class Note(TrainerCallback):
        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            gradients.append(gradients_of(parts.model))

    trainer.add_callback(Note())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "get_batch_samples", noted)
        trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    return [Step(*step) for step in zip(batches, gradients, strict=True)]

"""A Trainer on a few rows, as the tests of training share it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel, Trainer

from imdb_sentiment import FineTuneConfig
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.encoding import TextEncoder
from imdb_sentiment.pretrained import load_encoder, load_model
from imdb_sentiment.training.best_epoch import choose_metric
from imdb_sentiment.training.trainer import EncodedRows, build_trainer

NAMES = LabelNames("ham", "spam")
# lengths from 3 to 27 tokens, in an order that sorting by length would change
TEXTS = [("wonderful " if i % 3 else "dull ") * (1 + i * 7 % 25) for i in range(48)]
LABELS = [int(i % 3 > 0) for i in range(48)]


class Parts(NamedTuple):
    """A Trainer and what it was made of."""

    trainer: Trainer
    model: PreTrainedModel
    encoder: TextEncoder


Build = Callable[..., Parts]


def build_parts(tiny_model: Path, output_dir: Path, rows: int = len(TEXTS), **changes: Any) -> Parts:
    """Build a Trainer without dropout on the first rows of TEXTS, with fields of the configuration changed."""
    fields: dict[str, Any] = {
        "model_name": tiny_model,
        "max_length": 32,
        "num_train_epochs": 1,
        "learning_rate": 1e-3,
    } | changes
    config = FineTuneConfig(**fields)
    encoder = load_encoder(config)
    model, _ = load_model(encoder, config, NAMES)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    encoded = EncodedRows(encoder.text_encoder.encode(TEXTS[:rows]), LABELS[:rows])
    trainer = build_trainer(
        model,
        encoder.text_encoder,
        config,
        train=encoded,
        validation=encoded,
        names=NAMES,
        metric=choose_metric(config.metric_for_best_model, {"ham": 16, "spam": 32}),
        output_dir=output_dir,
        run={"is": "this one"},
    )
    return Parts(trainer, model, encoder.text_encoder)

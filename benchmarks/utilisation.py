"""How much of a device's arithmetic a training step of a bert-base shape uses.

    python benchmarks/utilisation.py [--batch 64] [--tokens 256] [--steps 100] [--peak-teraflops 989]

Random weights and made-up texts, all of them of the full length, so that no pass holds padding; nothing is downloaded.
The clock runs between two steps of a run of the library, once it is warm, and leaves out validation and checkpoints.
Operations of the model are counted: two for each weight and token forward, four back, and those of attention. What the
shorter way through the last layer leaves out is not counted.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, TrainerCallback, trainer
from typing_extensions import override

from imdb_sentiment import FineTuneConfig, SentimentFineTuner
from imdb_sentiment.models.pretrained import load_encoder

WARM = 20
PEAK_TERAFLOPS = {"H100": 989.0, "H200": 989.0, "A100": 312.0}
"""Dense bf16 of NVIDIA's data sheets, by a part of the device's name."""


class Clock(TrainerCallback):
    """Takes the time when a run is warm, and after its last step before the first evaluation."""

    times: list[float] = []

    @override
    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step in (WARM, state.max_steps):
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            Clock.times.append(time.perf_counter())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    parser.add_argument("--peak-teraflops", type=float, help="of the device, if it is not one that is known here")
    arguments = parser.parse_args()
    callbacks: Any = trainer.DEFAULT_CALLBACKS
    callbacks.append(Clock)
    with tempfile.TemporaryDirectory() as folder:
        words = make_encoder(Path(folder) / "encoder", arguments)
        config = FineTuneConfig(
            model_name=str(Path(folder) / "encoder"),
            max_length=arguments.tokens,
            first_epoch_max_length=None,
            num_train_epochs=1,
            per_device_train_batch_size=arguments.batch,
            precision=arguments.precision,
            load_best_model_at_end=False,
        )
        result = SentimentFineTuner(config=config, output_dir=Path(folder) / "run").fit(make_rows(words, arguments))
    start, end = Clock.times
    steps = -(-sum(result.splits.rows["train"].values()) // arguments.batch) - WARM
    report((end - start) / steps, arguments)
    print(*result.notes, sep="\n")


def make_encoder(folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Save an encoder of random weights with MiniLM's tokenizer; return the words that are one token each."""
    tokenizer = AutoTokenizer.from_pretrained(str(load_encoder(FineTuneConfig(model_name="minilm")).weights))
    shape = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=arguments.hidden,
        num_hidden_layers=arguments.layers,
        num_attention_heads=arguments.hidden // 64,
        intermediate_size=4 * arguments.hidden,
    )
    tokenizer.save_pretrained(folder)
    BertForSequenceClassification(shape).save_pretrained(folder)
    return sorted(word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha())


def make_rows(words: list[str], arguments: argparse.Namespace) -> tuple[list[str], list[int]]:
    """Make enough texts for the steps, after a tenth has gone to validation and a fifth to the test."""
    rng = random.Random(42)
    rows = round(arguments.batch * (arguments.steps + WARM) / 0.72)
    return [" ".join(rng.choices(words, k=arguments.tokens - 2)) for _ in range(rows)], [i % 2 for i in range(rows)]


def operations_per_token(arguments: argparse.Namespace) -> float:
    """Count forward and back; in the last layer only keys and values are made for all tokens."""
    layers, hidden = arguments.layers, arguments.hidden
    weights = 12 * hidden**2 * (layers - 1) + 2 * hidden**2
    attention = 2 * 2 * arguments.tokens * hidden * (layers - 1)
    return float(3 * (2 * weights + attention))


def report(seconds: float, arguments: argparse.Namespace) -> None:
    tokens = arguments.batch * arguments.tokens / seconds
    teraflops = tokens * operations_per_token(arguments) / 1e12
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    known = [peak for name, peak in PEAK_TERAFLOPS.items() if name in device]
    peak = arguments.peak_teraflops or (known[0] if known else None)
    print(f"{device}: {1000 * seconds:,.1f} ms a step, {tokens:,.0f} tokens/s, {teraflops:,.2f} teraflops", end="")
    print(f", {teraflops / peak:.1%} of {peak:,.0f}" if peak else "")


if __name__ == "__main__":
    main()

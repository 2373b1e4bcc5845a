"""What single levers of a recipe are worth, in a plain loop of PyTorch, measured on validation rows only.

    python benchmarks/levers.py DATA [--lengths 64 256] [--learning-rate 1e-4] [--dropout 0.1] [--pooling mean] ...

DATA is a folder with IMDb's `train` split; a test split is not looked at. The loop has levers that the library does
not have, or has no more, so that what was left out can be measured again. It takes its rows, tokens and model from the
library. Without options it is the default recipe for some thousand rows, but with `pooling="first"` and
`linear_probe=False`; each option changes one lever. The clock stands still during evaluation.
"""

import argparse
import math
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from imdb_sentiment import DataConfig, FineTuneConfig, SentimentFineTuner
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.inference.scorer import softmax
from imdb_sentiment.models.acceleration import eager_attention, first_token_only
from imdb_sentiment.models.encoded import EncodedText
from imdb_sentiment.models.pretrained import load_encoder, load_model
from imdb_sentiment.models.tokenization import TextEncoder, padded_length
from imdb_sentiment.runtime.malloc import keep_freed_memory, release_freed_memory
from imdb_sentiment.training.batching import divide, rows_of_steps
from imdb_sentiment.training.recipe import resolve

Score = Callable[[dict[str, torch.Tensor]], torch.Tensor]
CPU = torch.device("cpu")


class Data(NamedTuple):
    """Training rows for each epoch and validation rows, encoded, with their labels."""

    epochs: list[list[EncodedText]]
    labels: torch.Tensor
    validation: list[EncodedText]
    validation_labels: list[int]


def main() -> None:
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    if arguments.allocator == "keep":
        keep_freed_memory()
    config = FineTuneConfig(
        model_name=arguments.model,
        max_length=arguments.lengths[-1],
        pooling="first",
        truncation=arguments.truncation,
        precision=arguments.precision,
        seed=arguments.seed,
    )
    found = load_encoder(config)
    encoder = found.text_encoder
    model = load_model(found, config, LabelNames("negative", "positive")).model
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = arguments.dropout
    recipe = resolve(config, model, CPU, before=None)  # what the library would take here
    arguments.precision, arguments.tokens = recipe.precision, arguments.tokens or recipe.max_tokens_per_forward
    data = encode(arguments, encoder)
    score = scorer(model, arguments)
    short = arguments.last_layer == "first_token" and arguments.pooling == "first"  # a mean needs all tokens
    written_out = arguments.attention == "quick" and recipe.precision == "bf16"
    print(f"{recipe.precision}, passes of {arguments.tokens:,} tokens")
    shortened = first_token_only(model) if short else nullcontext()
    with shortened, eager_attention(model, CPU, bf16=written_out):
        train(model, score, encoder, data, arguments)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--rows", type=int, default=3600, help="rows to learn from")
    parser.add_argument("--validation-rows", type=int, default=2000)
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 256], help="longest input of each epoch")
    parser.add_argument("--truncation", default="head_tail", choices=["head", "tail", "head_tail"])
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--warmup", type=float, default=0.1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--order", default="by_length", choices=["by_length", "random"])
    parser.add_argument("--tokens", type=int, help="tokens that go through the model at once")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--last-layer", default="first_token", choices=["first_token", "whole"])
    parser.add_argument("--pooling", default="first", choices=["first", "mean"])
    parser.add_argument("--layer-decay", type=float, default=1.0, help="learning rate of a layer over the next one's")
    parser.add_argument("--average", type=float, default=0.0, help="decay of the weights' average, from halfway on")
    parser.add_argument("--beta2", type=float, default=0.999, help="of AdamW")
    parser.add_argument("--optimizer", default="fused", choices=["fused", "foreach", "loop"], help="form of AdamW")
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    parser.add_argument("--attention", default="quick", choices=["quick", "fused"], help="its form in bf16")
    parser.add_argument("--padding", default="few_lengths", choices=["few_lengths", "longest"])
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--allocator", default="keep", choices=["keep", "default"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=42)
    return parser.parse_args()


def encode(arguments: argparse.Namespace, encoder: TextEncoder) -> Data:
    rows = arguments.rows + arguments.validation_rows
    share = arguments.validation_rows / rows
    config = DataConfig(source=arguments.data, max_train_samples=rows, validation_fraction=share)
    splits = SentimentFineTuner(config).splits
    texts = splits.train["text"]
    epochs = {length: encoder.cut_at(length).encode(texts) for length in set(arguments.lengths)}
    return Data(
        epochs=[epochs[length] for length in arguments.lengths],
        labels=torch.tensor(splits.train["label"]),
        validation=encoder.encode(splits.validation["text"]),
        validation_labels=splits.validation["label"],
    )


def scorer(model: PreTrainedModel, arguments: argparse.Namespace) -> Score:
    """Return what makes logits of a padded batch."""

    def mean_pooled(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        states = model.base_model(**inputs).last_hidden_state
        mask = inputs["attention_mask"][..., None].to(states.dtype)
        pooled = (states * mask).sum(1) / mask.sum(1)
        logits: torch.Tensor = model.get_submodule("classifier")(pooled)
        return logits

    def stock(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = run(**inputs).logits
        return logits

    def score(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.precision == "bf16"):
            return way(inputs).float()

    run: Any = torch.compile(model, dynamic=True) if arguments.compile else model
    way = mean_pooled if arguments.pooling == "mean" else stock
    return score


def parameter_groups(model: PreTrainedModel, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Group parameters by learning rate and weight decay."""
    layers = model.config.num_hidden_layers
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        _, in_layer, rest = name.partition("encoder.layer.")
        depth = int(rest.split(".")[0]) + 1 if in_layer else 0 if "embeddings" in name else layers + 1
        rate = arguments.learning_rate * arguments.layer_decay ** (layers + 1 - depth)
        decay = 0.0 if name.endswith("bias") or "LayerNorm" in name else 0.01
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "peak": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def train(
    model: PreTrainedModel, score: Score, encoder: TextEncoder, data: Data, arguments: argparse.Namespace
) -> None:
    form = {"fused": {"fused": True}, "foreach": {"foreach": True}, "loop": {"foreach": False}}[arguments.optimizer]
    groups = parameter_groups(model, arguments)
    optimizer = torch.optim.AdamW(groups, betas=(0.9, arguments.beta2), **form)
    steps = math.ceil(arguments.rows / arguments.batch) * len(data.epochs)
    rises = max(1, round(arguments.warmup * steps))
    parameters = list(model.parameters())
    average: list[torch.Tensor] = []
    step, seconds, tokens = 0, 0.0, 0
    for epoch, texts in enumerate(data.epochs, start=1):
        model.train()
        started = time.perf_counter()
        for rows in order(texts, arguments, epoch):
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * min((step + 1) / rises, (steps - step) / max(1, steps - rises))
            tokens += backward(score, encoder, texts, rows, data.labels, arguments)
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            if step % 16 == 0 and arguments.allocator == "keep":
                release_freed_memory()
            if arguments.average and step > steps / 2:
                average = average or [value.detach().clone() for value in parameters]
                torch._foreach_lerp_(average, [value.detach() for value in parameters], 1 - arguments.average)
        seconds += time.perf_counter() - started
        report(f"epoch {epoch}: {seconds:6.0f} s, {tokens / seconds:,.0f} tokens/s", model, score, encoder, data)
    if average:
        with torch.no_grad():
            for value, mean in zip(parameters, average, strict=True):
                value.copy_(mean)
        report("average of the weights", model, score, encoder, data)
    print(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def order(texts: Sequence[EncodedText], arguments: argparse.Namespace, epoch: int) -> Iterator[list[int]]:
    lengths = np.array([text.length for text in texts])
    rng = np.random.default_rng((arguments.seed, epoch - 1))
    for rows in rows_of_steps(lengths, arguments.batch, rng, group_by_length=arguments.order == "by_length"):
        yield sorted(rows.tolist(), key=lambda row: -lengths[row])


def backward(
    score: Score,
    encoder: TextEncoder,
    texts: Sequence[EncodedText],
    rows: list[int],
    labels: torch.Tensor,
    arguments: argparse.Namespace,
) -> int:
    """Add up the gradients of a step; return how many tokens it had, padding included."""
    tokens = 0
    limit = max(text.length for text in texts)  # what the epoch cuts at, if any text is as long

    def padded(row: int) -> int:
        length = texts[row].length
        return padded_length(length, limit) if arguments.padding == "few_lengths" else length

    for part in divide([padded(row) for row in rows], arguments.tokens):
        inputs = encoder.pad([texts[row] for row in rows[part]], pad_to=max(padded(row) for row in rows[part]))
        loss = nn.functional.cross_entropy(score(inputs), labels[rows[part]], reduction="sum") / len(rows)
        torch.autograd.backward(loss)
        tokens += inputs["input_ids"].numel()
    return tokens


def report(what: str, model: PreTrainedModel, score: Score, encoder: TextEncoder, data: Data) -> None:
    longest_first = sorted(range(len(data.validation)), key=lambda row: -data.validation[row].length)
    logits = torch.zeros(len(longest_first), 2)
    model.eval()
    with torch.no_grad():
        for start in range(0, len(longest_first), 16):
            rows = longest_first[start : start + 16]
            texts = [data.validation[row] for row in rows]
            logits[rows] = score(encoder.pad(texts, pad_to=padded_length(texts[0].length, encoder.max_length)))
    measured = measure(softmax(logits.numpy()), data.validation_labels, names=("negative", "positive"))
    print(f"{what}: accuracy {measured.accuracy:.4f}, log loss {measured.log_loss:.4f}", flush=True)


if __name__ == "__main__":
    main()

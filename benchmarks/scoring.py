"""Reviews scored a second: a stock pipeline against this library's ways, and what one short sentence takes.

    python benchmarks/scoring.py MODEL DATA [--reviews 2000] [--repeats 5] [--threads 2] [--json FILE]

MODEL is a saved model, DATA a folder with IMDb's `test` split. Its labels are used to compare accuracies; nothing is
chosen by them. The sides take turns, so that what else the machine does meets all of them, and the median counts. The
reviews are read up to the length that the model was trained for; with `--max-length 512` up to that.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import pipeline
from transformers.utils import logging

from imdb_sentiment import DataConfig, SentimentClassifier, SentimentFineTuner

SHORT = "A quiet masterpiece, and I would see it again."
Score = Callable[[Sequence[str]], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--reviews", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-length", type=int)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    logging.set_verbosity_error()
    test = SentimentFineTuner(DataConfig(source=arguments.data)).splits.test.shuffle(seed=42)
    texts, labels = list(test["text"][: arguments.reviews]), np.array(test["label"][: arguments.reviews])
    with tempfile.TemporaryDirectory() as place:
        sides = open_sides(arguments, Path(place), texts)
        measured = take_turns(sides, texts, labels, repeats=arguments.repeats)
    for name, row in measured.items():
        print(f"{name:<24} {row['per_second']:8.1f} reviews/s  accuracy {row['accuracy']:.4f}  {row['same']:.2%} alike")
    best = max(row["per_second"] for name, row in measured.items() if name.startswith("pipeline"))
    for name, row in measured.items():
        if not name.startswith("pipeline"):
            print(f"{name}: {row['per_second'] / best:.2f} times the pipeline at its best batch size")
    latency = one_sentence(arguments)
    for name, (median, slowest) in latency.items():
        print(f"one sentence, {name}: median {1000 * median:.2f} ms, p99 {1000 * slowest:.2f} ms")
    if arguments.json:
        arguments.json.write_text(json.dumps({"throughput": measured, "latency": latency}, indent=2) + "\n")


def open_sides(arguments: argparse.Namespace, place: Path, texts: list[str]) -> dict[str, Score]:
    """Return what scores texts, by name; each gives positive probabilities."""
    stock: Any = pipeline("text-classification", arguments.model, device="cpu", top_k=None)
    ours = SentimentClassifier.from_pretrained(arguments.model, device="cpu", precision="fp32")
    if arguments.max_length:
        stock.tokenizer.model_max_length = ours._scorer.encoder.max_length = arguments.max_length
    positive = ours.labels[1]

    def piped(batch_size: int) -> Score:
        def score(given: Sequence[str]) -> np.ndarray:
            answers = stock(list(given), truncation=True, batch_size=batch_size)
            return np.array([next(part["score"] for part in all_ if part["label"] == positive) for all_ in answers])

        return score

    sides: dict[str, Score] = {f"pipeline, batch {size}": piped(size) for size in (1, 8, 32)}
    sides["torch"] = lambda given: ours.predict_proba(given)[:, 1]
    for name, quantize in (("onnx", None), ("onnx int8", "int8")):
        ours.export(place / name, quantize=quantize, texts=texts[:200])  # type: ignore[arg-type]
        opened = SentimentClassifier.from_pretrained(place / name)
        if arguments.max_length:
            opened._scorer.encoder.max_length = arguments.max_length
        sides[name] = lambda given, opened=opened: opened.predict_proba(given)[:, 1]  # type: ignore[misc]
    return sides


def take_turns(
    sides: dict[str, Score], texts: Sequence[str], labels: np.ndarray, *, repeats: int
) -> dict[str, dict[str, float]]:
    """Time each side on all texts, again and again; compare what they say with the first."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    said: dict[str, np.ndarray] = {}
    for score in sides.values():
        score(texts[:16])  # whatever is prepared once
    for _ in range(repeats):
        for name, score in sides.items():
            started = time.perf_counter()
            said[name] = score(texts)
            seconds[name].append(time.perf_counter() - started)
    first = next(iter(said.values())) > 0.5
    return {
        name: {
            "per_second": len(texts) / statistics.median(seconds[name]),
            "accuracy": float(((positive > 0.5) == labels).mean()),
            "same": float(((positive > 0.5) == first).mean()),
        }
        for name, positive in said.items()
    }


def one_sentence(arguments: argparse.Namespace, calls: int = 500) -> dict[str, tuple[float, float]]:
    """Return the median and the 99th percentile of the seconds of a bare model call, and of ours, taken in turn."""
    ours = SentimentClassifier.from_pretrained(arguments.model, device="cpu", precision="fp32")
    artifact = ours._with_weights("measure")
    inputs = artifact.encoder.pad(artifact.encoder.encode([SHORT]))
    ways: dict[str, Callable[[], object]] = {
        "bare call": lambda: artifact.model(**inputs).logits.softmax(-1).tolist(),
        "predict": lambda: ours.predict(SHORT),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with torch.inference_mode():
        for _ in range(calls):
            for name, call in ways.items():
                started = time.perf_counter()
                call()
                seconds[name].append(time.perf_counter() - started)
    return {name: (statistics.median(times), float(np.quantile(times, 0.99))) for name, times in seconds.items()}


if __name__ == "__main__":
    main()

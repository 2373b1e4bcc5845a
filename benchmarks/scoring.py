"""Reviews scored a second: a stock pipeline against this library's ways, and what one short sentence takes.

    python benchmarks/scoring.py MODEL DATA [--reviews 2000] [--repeats 5] [--threads 2] [--json FILE]

MODEL is a saved model, DATA a folder with IMDb's `train` and `test` splits. First all forms and batch sizes score some
training reviews. The quickest batch size of the pipeline, PyTorch and the quickest exported form then score the test
reviews, whose labels are used to compare accuracies; nothing is chosen by them. The sides take turns, so that what else
the machine does meets all of them, and the median counts. The reviews are read up to the length that the model was
trained for; with `--max-length 512` up to that. A model that was trained with a cascade is measured with it as well.

The share of the machine is that of its own rate for products of matrices in bf16, taken in between. Only what the
model has to compute for real tokens counts, not padding, and not the tokenizer's work.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from arithmetic import matrix_products, operations_of
from transformers import pipeline
from transformers.utils import logging

from imdb_sentiment import DataConfig, ModelError, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.inference.graph_backends import OnnxBackend
from imdb_sentiment.inference.scorer import Scorer

SHORT = "A quiet masterpiece, and I would see it again."
PIPELINE = "pipeline, batch "
Score = Callable[[Sequence[str]], np.ndarray]

COLD = r"""
import re, sys
if sys.argv[2] == "onnxruntime":
    sys.modules["openvino"] = None
from imdb_sentiment import SentimentClassifier
print(SentimentClassifier.from_pretrained(sys.argv[1]).predict(sys.argv[3]).score, flush=True)
print(re.search(r"VmRSS:\s+(\d+) kB", open("/proc/self/status").read())[1])
"""
"""A first prediction in a process of its own, and what memory is resident then."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--reviews", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--trial-reviews", type=int, default=200)
    parser.add_argument("--trial-repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-length", type=int)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    logging.set_verbosity_error()
    splits = SentimentFineTuner(DataConfig(source=arguments.data)).splits
    with tempfile.TemporaryDirectory() as place:
        texts, labels = some(splits.train, arguments.trial_reviews)
        opened, folders = open_models(arguments, Path(place), texts)
        sides = sides_of(arguments, opened)
        whole = opened["torch fp32"]
        same_as = whole.predict_proba(texts)[:, 1]
        trial, rates = take_turns(sides, texts, labels, same_as, repeats=arguments.trial_repeats)
        automatic: Any = opened["torch auto"]._opened.scorer.backend
        chosen_numbers = automatic.precision  # by a trial, which may go either way
        operations = operations_of(texts, whole._opened.scorer.encoder, arguments.model) / len(texts)
        add_shares(trial, rates, operations, torch_auto=chosen_numbers)
        print_forms(f"{len(texts):,} training reviews", compared(trial))
        texts, labels = some(splits.test, arguments.reviews)
        chosen = {name: sides[name] for name in winners(trial)}
        same_as = whole.predict_proba(texts)[:, 1]
        measured, rates = take_turns(chosen, texts, labels, same_as, repeats=arguments.repeats)
        operations = operations_of(texts, whole._opened.scorer.encoder, arguments.model) / len(texts)
        add_shares(measured, rates, operations, torch_auto=chosen_numbers)
        latency = one_sentence(opened)
        cold = {name: cold_start(*folder, repeats=arguments.repeats) for name, folder in folders.items()}
    print_forms(f"{len(texts):,} test reviews", compared(measured))
    print_tables(rates, latency, cold)
    if arguments.json:
        result = {"trial": trial, "throughput": measured, "teraops": rates, "latency": latency, "cold_start": cold}
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


def some(rows: Any, number: int) -> tuple[list[str], np.ndarray]:
    """Draw so many texts, with their labels."""
    drawn = rows.shuffle(seed=42).select(range(min(number, len(rows))))
    return list(drawn["text"]), np.array(drawn["label"])


def winners(trial: dict[str, dict[str, float]]) -> list[str]:
    """Return the quickest batch size of the pipeline, the quickest exported form, PyTorch, and the cascades."""
    stock = [name for name in trial if name.startswith(PIPELINE)]
    cascades = [name for name in trial if name.endswith("cascade")]
    exported = [name for name in trial if name not in stock + cascades and not name.startswith("torch")]
    quickest = [max(names, key=lambda name: trial[name]["per_second"]) for names in (stock, exported)]
    return [*quickest, "torch auto", *cascades]


def compared(measured: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Add how many times as quick as the pipeline at its best each is."""
    best = max(row["per_second"] for name, row in measured.items() if name.startswith(PIPELINE))
    for row in measured.values():
        row["times_pipeline"] = row["per_second"] / best
    return measured


def add_shares(
    measured: dict[str, dict[str, float]], rates: dict[str, float], operations: float, *, torch_auto: str
) -> None:
    """Add what share each form reached of this machine's products of matrices, in the numbers that it computes with."""
    for name, row in measured.items():
        if name.endswith("cascade"):
            continue  # the encoder reads some texts only
        others = "fp32" if name.startswith(PIPELINE) else name.split()[-1].replace("auto", "bf16")
        numbers = torch_auto if name == "torch auto" else others
        row["of_rate"] = row["per_second"] * operations / 1e12 / rates[numbers]


def open_models(
    arguments: argparse.Namespace, place: Path, texts: list[str]
) -> tuple[dict[str, SentimentClassifier], dict[str, tuple[Path | str, str]]]:
    """Return the classifiers by name, and for each form that was saved its folder and what opens it."""
    opened = {
        f"torch {precision}": SentimentClassifier.from_pretrained(arguments.model, device="cpu", precision=precision)
        for precision in ("fp32", "auto")
    }
    folders: dict[str, tuple[Path | str, str]] = {"torch": (arguments.model, "torch")}
    whole, rounded = place / "graph", place / "int8"
    print(opened["torch fp32"].export(whole, texts=texts))
    opened["OpenVINO fp32"] = SentimentClassifier.from_pretrained(whole, precision="fp32")
    opened["OpenVINO auto"] = SentimentClassifier.from_pretrained(whole)
    opened["ONNX Runtime fp32"] = SentimentClassifier.from_pretrained(whole)
    runtime = OnnxBackend(whole / "model.onnx")  # as if OpenVINO were not installed
    opened["ONNX Runtime fp32"]._opened.scorer = Scorer(runtime, opened["ONNX Runtime fp32"]._opened.scorer.encoder)
    folders |= {"OpenVINO auto": (whole, "openvino"), "ONNX Runtime fp32": (whole, "onnxruntime")}
    try:
        print(opened["torch fp32"].export(rounded, quantize="int8", texts=texts))
    except ModelError as refused:  # it changes too many labels
        print(refused)
    else:
        opened["ONNX Runtime int8"] = SentimentClassifier.from_pretrained(rounded)
        folders["ONNX Runtime int8"] = (rounded, "onnxruntime")
    for classifier in opened.values():
        if arguments.max_length:
            classifier._opened.scorer.encoder.max_length = arguments.max_length
    return opened, folders


def sides_of(arguments: argparse.Namespace, opened: dict[str, SentimentClassifier]) -> dict[str, Score]:
    """Return what scores texts, by name; each gives positive probabilities."""
    stock: Any = pipeline("text-classification", arguments.model, device="cpu", top_k=None)
    stock.tokenizer.model_max_length = arguments.max_length or stock.tokenizer.model_max_length
    positive = opened["torch fp32"].labels[1]

    def piped(batch_size: int) -> Score:
        def score(given: Sequence[str]) -> np.ndarray:
            answers = stock(list(given), truncation=True, batch_size=batch_size)
            return np.array([next(part["score"] for part in all_ if part["label"] == positive) for all_ in answers])

        return score

    def with_cascade(classifier: SentimentClassifier) -> Score:
        return lambda given: np.array([one.probabilities[positive] for one in classifier.predict(given, cascade=True)])

    def plain(classifier: SentimentClassifier) -> Score:
        return lambda given: classifier.predict_proba(given)[:, 1]

    sides = {name: plain(classifier) for name, classifier in opened.items()}
    if opened["torch fp32"].metadata.cascade:
        for name in ("torch auto", "OpenVINO auto"):
            sides[f"{name}, cascade"] = with_cascade(opened[name])
    return sides | {f"{PIPELINE}{size}": piped(size) for size in (1, 8, 32)}


def take_turns(
    sides: dict[str, Score], texts: Sequence[str], labels: np.ndarray, same_as: np.ndarray, *, repeats: int
) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Time each side on all texts, again and again, and products of matrices.

    What they say is compared with the true labels, and with what PyTorch says in fp32.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    said: dict[str, np.ndarray] = {}
    rates: list[dict[str, float]] = []
    for score in sides.values():
        score(texts[:16])  # whatever is prepared once
    for turn in range(repeats):
        rates.append(matrix_products())
        for name, score in sides.items():
            started = time.perf_counter()
            said[name] = score(texts)
            seconds[name].append(time.perf_counter() - started)
            print(f"turn {turn + 1}: {name} {seconds[name][-1]:.1f} s", file=sys.stderr, flush=True)
    measured = {
        name: {
            "per_second": len(texts) / statistics.median(seconds[name]),
            "accuracy": float(((positive > 0.5) == labels).mean()),
            "same": float(((positive > 0.5) == (same_as > 0.5)).mean()),
            "difference": float(abs(positive - same_as).max()),
        }
        for name, positive in said.items()
    }
    return measured, {name: statistics.median(rate[name] for rate in rates) for name in rates[0]}


def one_sentence(opened: dict[str, SentimentClassifier], calls: int = 500) -> dict[str, dict[str, float]]:
    """Return the milliseconds of bare calls of each model and of ours, taken in turn."""
    artifact = opened["torch fp32"]._opened.with_weights("measure")
    encoded = artifact.encoder.encode([SHORT])
    tensors, arrays = artifact.encoder.pad(encoded), artifact.encoder.stack(encoded)

    def bare(name: str) -> object:
        if name == "torch fp32":
            return artifact.model(**tensors).logits.softmax(-1).tolist()
        return opened[name]._opened.scorer.backend.logits(arrays)

    found = {}
    for name in [name for name in opened if name != "torch auto"]:
        seconds: list[tuple[float, float]] = []
        with torch.inference_mode():
            for _ in range(calls + 20):
                started = time.perf_counter()
                bare(name)
                between = time.perf_counter()
                opened[name].predict(SHORT)
                seconds.append((between - started, time.perf_counter() - between))
        (alone, ours), (_, slowest) = np.median(seconds[20:], axis=0), np.quantile(seconds[20:], 0.99, axis=0)
        found[name] = {"bare": 1000 * alone, "median": 1000 * ours, "p99": 1000 * slowest, "ratio": ours / alone}
    return found


def cold_start(folder: Path | str, runtime: str, *, repeats: int) -> dict[str, float]:
    """Return the seconds from the start of a process to its first prediction, and its resident megabytes."""
    seconds, megabytes = [], 0.0
    for _ in range(repeats):
        started = time.perf_counter()
        command = [sys.executable, "-c", COLD, str(folder), runtime, SHORT]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            output: Any = process.stdout
            output.readline()
            seconds.append(time.perf_counter() - started)
            megabytes = max(megabytes, int(output.readline()) / 1024)
    return {"seconds": statistics.median(seconds), "megabytes": megabytes}


def print_forms(what: str, measured: dict[str, dict[str, float]]) -> None:
    print(f"\n| {what} | reviews/s | times the pipeline | accuracy | same labels | difference | of the rate |")
    print("|---|---|---|---|---|---|---|")
    for name, row in measured.items():
        cells = [f"{row['per_second']:.1f}", f"{row['times_pipeline']:.2f}", f"{row['accuracy']:.4f}"]
        share = f"{row['of_rate']:.0%}" if "of_rate" in row else ""
        print(f"| {name} | {' | '.join(cells)} | {row['same']:.2%} | {row['difference']:.3f} | {share} |", flush=True)


def print_tables(
    rates: dict[str, float], latency: dict[str, dict[str, float]], cold: dict[str, dict[str, float]]
) -> None:
    print("\nproducts of matrices:", ", ".join(f"{name} {rate:.2f} tera-operations/s" for name, rate in rates.items()))
    print("\n| one short sentence | bare call | predict | p99 | times the bare call |\n|---|---|---|---|---|")
    for name, row in latency.items():
        print(f"| {name} | {row['bare']:.2f} ms | {row['median']:.2f} ms | {row['p99']:.2f} ms | {row['ratio']:.2f} |")
    print("\n| from the start of a process | first prediction | resident |\n|---|---|---|")
    for name, row in cold.items():
        print(f"| {name} | {row['seconds']:.2f} s | {row['megabytes']:.0f} MB |")


if __name__ == "__main__":
    main()

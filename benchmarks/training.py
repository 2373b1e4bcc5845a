"""Presets against the tutorial as it is, with the plain Trainer: time, memory, validation and test accuracy.

    python benchmarks/training.py DATA [--rows 8000] [--presets balanced plain] [--threads 2] [--json FILE]

DATA is a folder with IMDb's `train` and `test` splits. Each side runs in a process of its own, one after the other, so
that each has its own peak of memory; with `--repeat` they alternate. `plain` is the tutorial's recipe with nothing of
this library but the rows: transformers' own Trainer, tokenizer and model, on its defaults. A side splits and encodes
the data, trains, reads the test split once, and prints one JSON object. The clock runs from the start of training to
its end, evaluation after each epoch included. TF-IDF learns from the rows of train and validation together.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TFIDF, PLAIN = "tf-idf", "plain"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--rows", type=int, default=8000, help="training rows, validation included")
    parser.add_argument("--presets", nargs="+", default=["balanced", "plain"])
    parser.add_argument("--set", nargs="*", default=[], dest="changes", help="KEY=VALUE, for the presets")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=1, help="with other seeds")
    parser.add_argument("--no-test", action="store_true", help="leave the test split alone")
    parser.add_argument("--json", type=Path, help="write the results there too")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    if arguments.side:
        run = {TFIDF: run_tfidf, PLAIN: run_plain}.get(arguments.side, run_preset)
        print(json.dumps(run(arguments)))
        return
    results = [run_side(TFIDF, arguments.seed)]
    for seed in range(arguments.seed, arguments.seed + arguments.repeat):
        for preset in arguments.presets:
            results.append(run_side(preset, seed))
            show(results[-1])
    compare(results)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def run_side(side: str, seed: int) -> dict[str, Any]:
    """Run one side in a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--side", side, "--seed", str(seed)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def run_preset(arguments: argparse.Namespace) -> dict[str, Any]:
    import torch

    from imdb_sentiment import DataConfig, FineTuneConfig, SentimentFineTuner
    from imdb_sentiment.runtime.malloc import keep_freed_memory

    torch.set_num_threads(arguments.threads)
    keep_freed_memory()  # as the command line does
    changes = dict(change.split("=", 1) for change in arguments.changes)
    config = FineTuneConfig.preset(arguments.side, model_name=arguments.model, seed=arguments.seed, **changes)
    with tempfile.TemporaryDirectory() as run:
        data = DataConfig(source=arguments.data, max_train_samples=arguments.rows)
        tuner = SentimentFineTuner(data, config, output_dir=Path(run) / "run")
        result = tuner.fit()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        started = time.perf_counter()
        test = None if arguments.no_test else tuner.evaluate().to_dict()
    history = [
        {"epoch": r.epoch, "seconds": r.seconds, "accuracy": r.validation.accuracy, "log_loss": r.validation.log_loss}
        for r in result.history
    ]
    return {
        "side": arguments.side,
        "seed": arguments.seed,
        "changes": changes,
        "seconds": result.history[-1].seconds,
        "peak_gib": peak,
        "history": history,
        "kept_epoch": result.kept_epoch,
        "test": test,
        "test_seconds": time.perf_counter() - started,
        "notes": result.notes,
    }


def run_plain(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the tutorial, with the names that its arguments have today."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

    from imdb_sentiment import DataConfig, SentimentFineTuner
    from imdb_sentiment.evaluation.metrics import measure
    from imdb_sentiment.inference.scorer import softmax
    from imdb_sentiment.models.pretrained import load_encoder

    torch.set_num_threads(arguments.threads)
    tuner = SentimentFineTuner(DataConfig(source=arguments.data, max_train_samples=arguments.rows))
    splits, names = tuner.splits, tuner.labels
    encoder = load_encoder(tuner.config.replace(model_name=arguments.model))
    location = encoder.repository or str(encoder.weights)
    tokenizer = AutoTokenizer.from_pretrained(location)

    def tokenize(rows: dict[str, Any]) -> Any:
        return tokenizer(rows["text"], padding="max_length", truncation=True, max_length=128)

    train, validation = (part.map(tokenize, batched=True) for part in (splits.train, splits.validation))
    history: list[dict[str, float]] = []

    def compute_metrics(prediction: Any) -> dict[str, float]:
        report = measure(softmax(prediction.predictions), prediction.label_ids, names=names)
        seconds = time.perf_counter() - started
        history.append({"seconds": seconds, "accuracy": report.accuracy, "log_loss": report.log_loss})
        return {"accuracy": report.accuracy, "f1": report.f1}

    with tempfile.TemporaryDirectory() as run:
        trainer = Trainer(
            model=AutoModelForSequenceClassification.from_pretrained(location, num_labels=2),
            args=TrainingArguments(
                output_dir=run,
                learning_rate=2e-5,
                per_device_train_batch_size=16,
                per_device_eval_batch_size=16,
                num_train_epochs=3,
                weight_decay=0.01,
                eval_strategy="epoch",
                save_strategy="epoch",
                seed=arguments.seed,
                report_to="none",
                disable_tqdm=True,
                dataloader_pin_memory=False,
            ),
            train_dataset=train,
            eval_dataset=validation,
            compute_metrics=compute_metrics,
        )
        started = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        evaluations = list(history)  # predict calls compute_metrics too
        scored = None if arguments.no_test else trainer.predict(splits.test.map(tokenize, batched=True))
    test = measure(softmax(scored.predictions), splits.test["label"], names=names) if scored else None
    return {
        "side": PLAIN,
        "seed": arguments.seed,
        "seconds": seconds,
        "peak_gib": peak,
        "history": evaluations,
        "test": test.to_dict() if test else None,
        "test_seconds": time.perf_counter() - started - seconds,
        "notes": [],
    }


def run_tfidf(arguments: argparse.Namespace) -> dict[str, Any]:
    import numpy as np

    from imdb_sentiment import DataConfig, SentimentFineTuner
    from imdb_sentiment.data.labels import Labelled
    from imdb_sentiment.evaluation.baseline import score_with_tfidf
    from imdb_sentiment.evaluation.metrics import measure

    tuner = SentimentFineTuner(DataConfig(source=arguments.data, max_train_samples=arguments.rows))
    splits = tuner.splits
    texts, labels = ([*splits.train[name], *splits.validation[name]] for name in ("text", "label"))
    started = time.perf_counter()
    test = None
    if not arguments.no_test:
        positive = score_with_tfidf(Labelled(texts, labels), splits.test["text"])
        test = measure(np.stack([1 - positive, positive], axis=1), splits.test["label"], names=tuner.labels)
    seconds = time.perf_counter() - started
    return {"side": TFIDF, "seconds": seconds, "test": test.to_dict() if test else None, "rows": len(texts)}


def show(result: dict[str, Any]) -> None:
    epochs = "  ".join(f"{r['accuracy']:.4f} at {r['seconds']:,.0f} s" for r in result["history"])
    print(f"{result['side']} (seed {result['seed']}): validation {epochs}; {'; '.join(result['notes'])}", flush=True)


def compare(results: list[dict[str, Any]]) -> None:
    """Print one line a side, and the ratios to the tutorial's of the same seed."""
    print(f"\n{'':<12}{'seed':>5}{'seconds':>9}{'peak GiB':>10}{'test accuracy':>15}{'F1':>8}{'log loss':>10}")
    for result in results:
        test = result["test"] or {}
        values = "".join(f"{test[name]:>{width}.4f}" for name, width in WIDTHS.items() if test)
        memory = f"{result['peak_gib']:.2f}" if "peak_gib" in result else ""
        print(f"{result['side']:<12}{result.get('seed', ''):>5}{result['seconds']:>9,.0f}{memory:>10}{values}")
    for plain in (result for result in results if result["side"] == PLAIN):
        for other in results:
            if other.get("seed") == plain["seed"] and other["side"] != PLAIN:
                print(ratios(other, plain))


def ratios(other: dict[str, Any], plain: dict[str, Any]) -> str:
    """Set one side against the tutorial of the same seed."""
    reached = plain["history"][-1]["accuracy"]
    first = next((record["seconds"] for record in other["history"] if record["accuracy"] >= reached), None)
    parts = [
        f"{other['side']} / plain, seed {plain['seed']}: time {other['seconds'] / plain['seconds']:.3f}",
        f"time to its last validation accuracy ({reached:.4f}) "
        + (f"{first / plain['seconds']:.3f}" if first else "never"),
        f"memory {other['peak_gib'] / plain['peak_gib']:.2f}",
    ]
    if other["test"] and plain["test"]:
        parts.append(f"test accuracy {100 * (other['test']['accuracy'] - plain['test']['accuracy']):+.1f} points")
    return ", ".join(parts)


WIDTHS = {"accuracy": 15, "f1": 8, "log_loss": 10}

if __name__ == "__main__":
    main()

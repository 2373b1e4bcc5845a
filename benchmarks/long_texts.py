"""Long texts read whole, in windows, against truncated: accuracy, log loss and time on rows that a model has not seen.

    python benchmarks/long_texts.py MODEL ROWS.parquet [--rows 1500] [--seed 0]

MODEL is a saved folder, and ROWS a Parquet file with columns `text` and `label`, from which `--rows` rows are drawn
that are neither training nor validation rows of the model. The model is the same for both ways of reading; its
temperature is the one that was fitted when it was saved.
"""

import argparse
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from imdb_sentiment import SentimentClassifier
from imdb_sentiment.inference.scorer import Scorer, softmax
from imdb_sentiment.models.tokenization import LongTexts

SPLITS: tuple[Literal["train", "validation"], ...] = ("train", "validation")


def draw_unseen(classifier: SentimentClassifier, file: Path, rows: int, seed: int) -> tuple[list[str], NDArray[Any]]:
    table = pq.read_table(file, columns=["text", "label"]).to_pydict()
    parts = [classifier.seen_in_training(table["text"], split=split) for split in SPLITS]
    unseen = np.flatnonzero(~np.any(parts, axis=0))
    drawn = np.random.default_rng(seed).permutation(unseen)[:rows]
    return [table["text"][i] for i in drawn], np.array([table["label"][i] for i in drawn])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("rows_file", type=Path)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    classifier = SentimentClassifier.from_pretrained(arguments.model, precision="fp32")
    texts, labels = draw_unseen(classifier, arguments.rows_file, arguments.rows, arguments.seed)
    scorer = classifier._opened.scorer
    long = np.zeros(0, dtype=bool)
    correct: dict[str, NDArray[np.bool_]] = {}
    ways: tuple[LongTexts, ...] = ("truncate", "windows")
    for way in ways:
        started = time.process_time()
        scores = Scorer(scorer.backend, scorer.encoder.reading(way)).score(texts)
        seconds = time.process_time() - started
        long = scores.truncated if way == "truncate" else long
        probability = softmax(scores.logits)
        correct[way] = (probability[:, 1] > 0.5) == labels
        losses = -np.log(np.clip(probability[np.arange(len(labels)), labels], 1e-7, 1))
        print(
            f"{way:9} accuracy {correct[way].mean():.4f}, of {long.sum()} long texts {correct[way][long].mean():.4f}; "
            f"log loss {losses.mean():.4f}, {losses[long].mean():.4f}; {seconds:.0f} s of processor time",
            flush=True,
        )
    gain = correct["windows"][long].astype(float) - correct["truncate"][long]
    error = gain.std() / np.sqrt(len(gain))
    print(f"gain on long texts {gain.mean() * 100:.1f} points, paired standard error {error * 100:.1f}")


if __name__ == "__main__":
    main()

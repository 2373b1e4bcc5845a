"""How many labels that were flipped on purpose are found, by TF-IDF, by an encoder, and by both together.

    python benchmarks/flipped_labels.py DATA [--rows 4000] [--flipped 0.03] [--seeds 3] [--method probe]

DATA is a folder with IMDb's `train` split; a test split is not looked at. Of the training reviews some labels are
flipped at random. Each model scores the rows in five folds. The table has the share of the flipped labels among the
first rows of the ranking by how probable the other label is, among the rows that the library lists, and among those
that cleanlab lists by the same probabilities, if it is installed. Labels that IMDb has wrong by itself count against
all of them.

The method `probe` reads each review once for all seeds, and `--vectors FILE` keeps what it read. Other methods train a
model for each fold and seed.
"""

import argparse
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment import DataConfig, FineTuneConfig, SentimentFineTuner
from imdb_sentiment.data.labels import Labelled, LabelNames
from imdb_sentiment.evaluation.baseline import score_with_tfidf
from imdb_sentiment.evaluation.confident_learning import average_of, rank_label_issues
from imdb_sentiment.inference.scorer import softmax
from imdb_sentiment.models.pretrained import load_encoder, load_model
from imdb_sentiment.training.batching import EncodedRows
from imdb_sentiment.training.linear_probe import fit_linear, head_features
from imdb_sentiment.training.recipe import settle

FOLDS = 5
PENALTIES = (0.001, 0.01, 0.1)  # chosen from once for each seed, on one fold, as the library would in each fold


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--flipped", type=float, default=0.03, help="share of the rows")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--method", choices=("probe", "contrastive", "fine_tune"), default="probe")
    parser.add_argument("--vectors", type=Path, help="a .npy file, read if it is there")
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    config = FineTuneConfig(model_name=arguments.model, method=arguments.method)
    splits = SentimentFineTuner(
        DataConfig(source=arguments.data, max_train_samples=arguments.rows, validation_fraction=0.1)
    ).splits
    texts = [*splits.train["text"], *splits.validation["text"]]
    labels = np.array([*splits.train["label"], *splits.validation["label"]])
    fold_of = np.random.default_rng(0).permutation(len(labels)) % FOLDS
    vectors = read_vectors(config, texts, arguments.vectors) if arguments.method == "probe" else None
    print("| seed | model | seconds | accuracy | first 3 % | first 6 % | listed | cleanlab |")
    print("|---|---|---|---|---|---|---|---|")
    for seed in range(arguments.seeds):
        flipped = np.random.default_rng(seed).choice(len(labels), round(arguments.flipped * len(labels)), replace=False)
        given = labels.copy()
        given[flipped] = 1 - given[flipped]
        started = time.perf_counter()
        tfidf = by_tfidf(texts, given, fold_of)
        seconds = [time.perf_counter() - started]
        started = time.perf_counter()
        encoder = by_training(config, texts, given, fold_of) if vectors is None else by_probe(vectors, given, fold_of)
        seconds.append(time.perf_counter() - started)
        both = average_of(encoder, tfidf, given)
        names = ("TF-IDF", f"{arguments.model}, {arguments.method}", "both")
        for name, positive, took in zip(names, (tfidf, encoder, both), (*seconds, sum(seconds)), strict=True):
            print(f"| {seed} | {name} | {took:.0f} | {describe(positive, given, set(flipped.tolist()))} |", flush=True)


def read_vectors(config: FineTuneConfig, texts: list[str], file: Path | None) -> NDArray[np.float64]:
    """Return what the head of the pretrained encoder reads of each text, shape (n, features)."""
    if file and file.exists():
        kept: NDArray[np.float64] = np.load(file)
        return kept
    started = time.perf_counter()
    encoder = load_encoder(config)
    settled = settle(config, train_rows=len(texts), hidden_size=encoder.config.hidden_size)
    model, *_ = load_model(encoder, settled, LabelNames("negative", "positive"))
    rows = EncodedRows.of(encoder.text_encoder.encode(texts), [0] * len(texts))
    vectors = head_features(model, encoder.text_encoder, rows, range(len(texts)))
    print(f"{len(texts):,} texts read by the encoder in {time.perf_counter() - started:.0f} s")
    if file:
        np.save(file, vectors)
    return vectors


def by_probe(
    vectors: NDArray[np.float64], labels: NDArray[np.int64], fold_of: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return out-of-fold probabilities of the positive label by logistic regression on vectors, shape (n,)."""

    def scored(fold: int, penalty: float) -> NDArray[np.float64]:
        rest, held = fold_of != fold, fold_of == fold
        weights = np.ones(int(rest.sum()))
        linear = fit_linear(
            vectors[rest], labels[rest], penalty, weights=weights, with_bias=True, balanced=False, seed=0
        )
        return softmax(linear.logits(vectors[held]))[:, 1]

    def loss(penalty: float) -> float:
        true = labels[fold_of == 0]
        return -float(np.log(np.where(true == 1, positive := scored(0, penalty), 1 - positive)).mean())

    best = min(PENALTIES, key=loss)
    positive = np.zeros(len(labels))
    for fold in range(FOLDS):
        positive[fold_of == fold] = scored(fold, best)
    return positive


def by_tfidf(texts: list[str], labels: NDArray[np.int64], fold_of: NDArray[np.int64]) -> NDArray[np.float64]:
    positive = np.zeros(len(labels))
    for fold in range(FOLDS):
        rest, held = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        train = Labelled([texts[row] for row in rest], labels[rest].tolist())
        positive[held] = score_with_tfidf(train, [texts[row] for row in held])
    return positive


def by_training(
    config: FineTuneConfig, texts: list[str], labels: NDArray[np.int64], fold_of: NDArray[np.int64]
) -> NDArray[np.float64]:
    positive = np.zeros(len(labels))
    for fold in range(FOLDS):
        rest, held = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        tuner = SentimentFineTuner(DataConfig(test_fraction=0), config)
        tuner.fit(([texts[row] for row in rest], labels[rest].tolist()))
        positive[held] = tuner.classifier.predict_proba([texts[row] for row in held])[:, 1]
    return positive


def describe(positive: NDArray[np.float64], labels: NDArray[np.int64], flipped: set[int]) -> str:
    """Return the cells of a row of the table."""
    of_other = np.where(labels == 1, 1 - positive, positive)
    order = np.argsort(-of_other, kind="stable")

    def found(rows: NDArray[np.int64]) -> str:
        return f"{len(set(rows.tolist()) & flipped) / len(flipped):.1%}"

    first = [found(order[: round(share * len(labels))]) for share in (0.03, 0.06)]
    listed = rank_label_issues(positive, labels)
    cells = [f"{((positive > 0.5) == labels).mean():.1%}", *first, f"{found(listed)} of {len(listed)}"]
    if find_spec("cleanlab") is None:
        return " | ".join([*cells, "not installed"])
    from cleanlab.filter import find_label_issues

    theirs = find_label_issues(
        labels, np.stack([1 - positive, positive], axis=1), return_indices_ranked_by="self_confidence"
    )
    return " | ".join([*cells, f"{found(theirs)} of {len(theirs)}"])


if __name__ == "__main__":
    main()

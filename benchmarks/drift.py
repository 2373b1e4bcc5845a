"""Accuracy estimated without labels against the truth, on data that differ from the training data.

    python benchmarks/drift.py MODEL DATA [--rows 500]

MODEL is the folder of a model trained on film reviews, DATA a folder with the public sets. Each row of the table is one
set, of which rows of a training split are drawn that the model was not trained on, since the estimate is chosen by
them: the two tests of `check_drift`, the accuracy by its labels, and three estimates without them: average confidence
(AC), average confidence less the overconfidence on the held-out rows (DoC, Guillory et al., 2021), and the share of
rows above a confidence that as many held-out rows exceed as are right (ATC, Garg et al., 2022).
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment import SentimentClassifier, check_drift


def sets(folder: Path, rows: int, classifier: SentimentClassifier) -> dict[str, tuple[list[str], list[int]]]:
    import pandas as pd

    def tsv(file: str) -> Any:
        return pd.read_csv(folder / file, sep="\t", quoting=3)

    frames = {
        "IMDb reviews": pd.read_parquet(folder / "imdb/train.parquet"),
        "SST-2": tsv("sst2/train.tsv"),
        "MR": tsv("movie_reviews.tsv"),
    }
    for name in ("imdb", "amazon_cells", "yelp"):
        lines = (folder / f"sentences/{name}_labelled.txt").read_bytes().decode("utf-8").split("\n")
        pairs = [line.rstrip("\r").rpartition("\t") for line in lines if "\t" in line]
        texts, labels = [text.strip() for text, _, _ in pairs], [int(label) for _, _, label in pairs]
        frames[f"{name.partition('_')[0].title()} sentences"] = pd.DataFrame({"text": texts, "label": labels})
    known = classifier._opened.fingerprints().known
    new = {name: frame[~np.array(known(frame["text"].tolist()))] for name, frame in frames.items()}
    drawn = {name: frame.sample(min(rows, len(frame)), random_state=0) for name, frame in new.items()}
    return {name: (frame["text"].tolist(), frame["label"].tolist()) for name, frame in drawn.items()}


def confidence(positive: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(positive, 1 - positive)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, default=500)
    arguments = parser.parse_args()
    classifier = SentimentClassifier.from_pretrained(arguments.model, precision="fp32")
    held_out = classifier._opened.held_out()
    before = confidence(held_out.positive)
    right = (held_out.positive > 0.5) == (held_out.labels == 1)
    limit = np.quantile(before, 1 - right.mean())
    print(f"held-out rows: {len(before)}, accuracy {right.mean():.3f}, mean confidence {before.mean():.3f}\n")
    print("| new rows | ROC-AUC of the words (p) | largest gap of the probabilities (p) | accuracy | AC | DoC | ATC |")
    print("|---|---|---|---|---|---|---|")
    errors = []
    for name, (texts, labels) in sets(arguments.data, arguments.rows, classifier).items():
        report = check_drift(classifier, texts, labels)
        after = confidence(classifier.predict_proba(texts)[:, 1].astype(np.float64))
        truth = report.accuracy.measured or 0.0
        estimates = after.mean(), right.mean() - before.mean() + after.mean(), (after >= limit).mean()
        errors.append([estimate - truth for estimate in estimates])
        shown = " | ".join(f"{estimate:.3f} ({estimate - truth:+.3f})" for estimate in estimates)
        words, scores = report.words, report.probabilities
        p_value = "none" if scores.p_value is None else f"{scores.p_value:.2g}"
        tests = f"{words.roc_auc:.3f} ({words.p_value:.3f}) | {scores.statistic:.3f} ({p_value})"
        print(f"| {name} | {tests} | {truth:.3f} | {shown} |", flush=True)
    mean = np.abs(errors).mean(axis=0)
    print(f"\nmean absolute error: AC {mean[0]:.3f}, DoC {mean[1]:.3f}, ATC {mean[2]:.3f}")


if __name__ == "__main__":
    main()

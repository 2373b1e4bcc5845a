"""What texts without labels add to a few labelled ones: pseudo-labels for a TF-IDF model, and for another encoder.

    python benchmarks/unlabelled.py DATA UNLABELLED.parquet [--rows 100] [--unlabelled 3000] [--seed 0] [--student]

DATA is the folder of `data_sizes.py`, whose IMDb reviews are drawn as there; UNLABELLED has a column `text`. The
default is trained on the labelled rows and scores the texts. With its labels as pseudo-labels, weighted by its
confidence, and the labelled rows, TF-IDF with logistic regression is fitted, and both are averaged. With `--student`,
the three quarters of the texts with the most confident labels by both, TF-IDF held out in turn, train another encoder.
All are measured on reviews of the training split that were not drawn; the scales of the log odds, which the average
needs, are those of these reviews.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from data_sizes import draw, draw_development, load
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from imdb_sentiment import DataConfig, FineTuneConfig, SentimentClassifier, SentimentFineTuner

FOLDS = 5
KEPT = 0.75
VALIDATION_ROWS = 200

Odds = NDArray[np.float64]


def train_encoder(parts: dict[str, list[tuple[str, int]]], seed: int, **changes: Any) -> SentimentClassifier:
    frames = {name: pd.DataFrame(rows, columns=["text", "label"]) for name, rows in parts.items()}
    config = FineTuneConfig.preset("balanced", model_name="minilm", seed=seed, **changes)
    data = DataConfig(near_duplicates="ignore", test_overlap="keep", split_seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        tuner = SentimentFineTuner(data, config)
        print(tuner.fit(frames), flush=True)
        return SentimentClassifier.from_pretrained(tuner.save(Path(folder) / "model"))


def odds_of(classifier: SentimentClassifier, texts: Sequence[str]) -> Odds:
    positive = np.clip(classifier.predict_proba(texts)[:, 1].astype(np.float64), 1e-4, 1 - 1e-4)
    return np.log(positive / (1 - positive))


class Words:
    """TF-IDF features of the unlabelled and the labelled texts."""

    def __init__(self, unlabelled: Sequence[str], train: Sequence[tuple[str, int]]) -> None:
        self._vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
        self._features = self._vectorizer.fit_transform([*unlabelled, *[text for text, _ in train]])
        self._labels = np.array([label for _, label in train])
        self._pseudo = len(unlabelled)

    def model(self, odds: Odds, rows: NDArray[np.int64]) -> LogisticRegression:
        """Fit a model to some unlabelled rows, with pseudo-labels by their log odds, and all labelled rows."""
        every = np.concatenate([rows, np.arange(self._pseudo, self._features.shape[0])])
        labels = np.concatenate([odds[rows] > 0, self._labels])
        weights = np.concatenate([np.tanh(np.abs(odds[rows]) / 2), np.ones(len(self._labels))])
        return LogisticRegression(C=10, max_iter=1000).fit(self._features[every], labels, sample_weight=weights)

    def held_out(self, odds: Odds) -> Odds:
        """Return the log odds of the unlabelled texts by models that were fitted without them."""
        held = np.zeros(self._pseudo)
        for rows, rest in KFold(FOLDS, shuffle=True, random_state=0).split(held):
            held[rest] = self.model(odds, rows).decision_function(self._features[rest])
        return held

    def odds(self, model: LogisticRegression, texts: Sequence[str]) -> Odds:
        """Return the log odds of other texts."""
        result: Odds = model.decision_function(self._vectorizer.transform(texts))
        return result


def both(a: Odds, b: Odds) -> Odds:
    result: Odds = a / a.std() + b / b.std()
    return result


def show(what: str, odds: Odds, labels: NDArray[np.int64]) -> None:
    loss = np.logaddexp(0, np.where(labels == 1, -odds, odds)).mean()
    accuracy = ((odds > 0) == labels).mean()
    print(f"{what:32} accuracy {accuracy:.3f}  log loss {loss:.3f}  {time.process_time():.0f} s so far", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("unlabelled_file", type=Path)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--unlabelled", type=int, default=3000)
    parser.add_argument("--development", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--student", action="store_true")
    arguments = parser.parse_args()
    pool, test = load("imdb", arguments.data)
    train = draw(pool, arguments.rows, arguments.seed)
    others = draw_development(pool, train, arguments.seed)
    measured, validation = others[: arguments.development], others[arguments.development :][:VALIDATION_ROWS]
    texts, labels = [text for text, _ in measured], np.array([label for _, label in measured])
    unlabelled = pq.read_table(arguments.unlabelled_file)["text"].to_pylist()[: arguments.unlabelled]

    # the test rows are given so that none are carved, and never scored
    teacher = train_encoder({"train": train, "test": test}, arguments.seed)
    of_texts, of_unlabelled = odds_of(teacher, texts), odds_of(teacher, unlabelled)
    words = Words(unlabelled, train)
    alone = words.odds(words.model(of_unlabelled, np.arange(0)), texts)
    by_words = words.odds(words.model(of_unlabelled, np.arange(len(unlabelled))), texts)
    show("default", of_texts, labels)
    show("TF-IDF on the labelled rows", alone, labels)
    show("default and that TF-IDF", both(of_texts, alone), labels)
    show("TF-IDF on the pseudo-labels", by_words, labels)
    show("default and that TF-IDF", both(of_texts, by_words), labels)
    if arguments.student:
        together = both(of_unlabelled, words.held_out(of_unlabelled))
        sure = np.argsort(-np.abs(together))[: int(KEPT * len(unlabelled))]
        pseudo = [(unlabelled[i], int(together[i] > 0)) for i in np.sort(sure).tolist()]
        parts = {"train": [*pseudo, *train], "validation": validation, "test": test}
        student = odds_of(train_encoder(parts, arguments.seed, method="fine_tune"), texts)
        show("encoder on the pseudo-labels", student, labels)
        show("that encoder and that TF-IDF", both(student, by_words), labels)


if __name__ == "__main__":
    main()

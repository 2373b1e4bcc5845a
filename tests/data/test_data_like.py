"""What is accepted as data is accepted by type checkers too: this file is checked by mypy, and run."""

from collections.abc import Callable
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from imdb_sentiment import DataConfig, audit_dataset
from imdb_sentiment.data.data_like import DataLike

TEXTS = [f"Review number {i}, which is {('dull', 'a joy')[i % 2]}." for i in range(40)]
LABELS = [i % 2 for i in range(40)]
COLUMNS = {"text": TEXTS, "label": LABELS}
CONFIG = DataConfig(near_duplicates="ignore")


def csv_file(folder: Path) -> Path:
    path = folder / "reviews.csv"
    pd.DataFrame(COLUMNS).to_csv(path, index=False)
    return path


MAKE: dict[str, Callable[[Path], DataLike]] = {
    "path": csv_file,
    "str": lambda folder: str(csv_file(folder)),
    "paths": lambda folder: {"train": csv_file(folder)},
    "pandas": lambda _: pd.DataFrame(COLUMNS),
    "polars": lambda _: pl.DataFrame(COLUMNS),
    "arrow": lambda _: pa.table(COLUMNS),
    "datasets": lambda _: datasets.Dataset.from_dict(COLUMNS),
    "splits of datasets": lambda _: datasets.DatasetDict({"train": datasets.Dataset.from_dict(COLUMNS)}),
    "splits of pandas": lambda _: {"train": pd.DataFrame(COLUMNS)},
    "dictionaries": lambda _: [{"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True)],
    "lists": lambda _: (TEXTS, LABELS),
    "series": lambda _: (pd.Series(TEXTS), pd.Series(LABELS)),
    "arrays": lambda _: (np.array(TEXTS), np.array(LABELS)),
    "series and array": lambda _: (pl.Series(TEXTS), np.array(LABELS)),
}


@pytest.mark.parametrize("name", MAKE)
def test_it_is_read(name: str, tmp_path: Path) -> None:
    assert audit_dataset(MAKE[name](tmp_path), CONFIG).splits == {"train": {"negative": 20, "positive": 20}}


def test_a_configuration_names_its_own_source(tmp_path: Path) -> None:
    config: DataLike = CONFIG.replace(source=csv_file(tmp_path))
    assert audit_dataset(config).splits == {"train": {"negative": 20, "positive": 20}}

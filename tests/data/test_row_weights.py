"""Weights of rows, from any source."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import make_reviews
from imdb_sentiment import ConfigError, DataConfig, DataError
from imdb_sentiment.data.row_weights import to_weights
from imdb_sentiment.data.splits import load_splits

ROWS = 40
CONFIG = DataConfig(weight_column="sure", near_duplicates="ignore", positive_label="1", validation="split")


def table(weights: Sequence[object]) -> pd.DataFrame:
    texts, labels = make_reviews(ROWS)
    return pd.DataFrame({"text": texts, "label": labels, "sure": weights})


@given(st.lists(st.floats(min_value=1e-300, max_value=1e300), min_size=1))
def test_numbers_and_their_text_are_read_alike(weights: list[float]) -> None:
    for column in (weights, [repr(weight) for weight in weights], pa.chunked_array([weights]), list(np.array(weights))):
        assert to_weights(column, "data").to_pylist() == weights


@given(st.sampled_from([None, 0, -1.0, float("nan"), float("inf"), "much", "", True, [1.0]]), st.integers(0, 20))
def test_what_is_no_weight_is_refused_with_its_row(value: object, before: int) -> None:
    with pytest.raises(DataError, match="not positive numbers") as error:
        to_weights([1.0, value, 2.0], "data", before)
    assert error.value.rows == (before + 2,)


@pytest.mark.parametrize("name", ["data.csv", "data.parquet", "frame"])
def test_each_row_keeps_its_weight(tmp_path: Path, name: str) -> None:
    weights = [0.25 + row for row in range(ROWS)]
    rows = table(weights)
    if name.endswith("csv"):
        rows.to_csv(tmp_path / name, index=False)
    elif name.endswith("parquet"):
        rows.to_parquet(tmp_path / name)
    config = CONFIG if name == "frame" else CONFIG.replace(source=str(tmp_path / name))
    splits = load_splits(config, rows if name == "frame" else None).splits
    weight_of = dict(zip(rows["text"], weights, strict=True))
    for split in (splits.train, splits.validation, splits.test):
        assert split["weight"] == [weight_of[text] for text in split["text"]]


def test_other_weights_are_other_data() -> None:
    one, same, other = (
        load_splits(CONFIG, table([weight] + [1.0] * (ROWS - 1))).splits.summary.fingerprint for weight in (2, 2.0, 3)
    )
    assert one == same != other


def test_a_weight_column_is_not_read_as_label() -> None:
    with pytest.raises(ConfigError, match="weight_column names 'label'"):
        DataConfig(weight_column="label")


def test_a_missing_weight_column_is_named() -> None:
    with pytest.raises(DataError, match=r"column 'sure' is not in(.|\n)*holds the weight of each row"):
        load_splits(CONFIG, table([1.0] * ROWS).rename(columns={"sure": "certain"}))

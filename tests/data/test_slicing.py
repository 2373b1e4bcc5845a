"""Columns that a report divides its rows by. Covers data/slices.py."""

from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from conftest import make_reviews
from imdb_sentiment import DataConfig, DataError
from imdb_sentiment.data.evaluation_rows import load_evaluation_rows
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.data.slices import checked_slices, slices_of_split
from imdb_sentiment.data.splits import load_splits

CONFIG = DataConfig(slice_columns=("year", "made in"), near_duplicates="ignore")


def make_table(rows: int = 80) -> pd.DataFrame:
    texts, labels = make_reviews(rows)
    years = [1990 + i % 3 for i in range(rows)]
    places = [None if i % 5 == 0 else "here" for i in range(rows)]
    return pd.DataFrame({"text": texts, "label": labels, "year": years, "made in": places})


@pytest.mark.parametrize("form", ["pandas", "polars", "arrow", "csv", "jsonl", "parquet"])
def test_each_row_keeps_what_it_is_divided_by(form: str, tmp_path: Path) -> None:
    table = make_table()
    values = zip(table["year"].map(str), table["made in"].fillna("no value"), strict=True)
    expected = dict(zip(table["text"], values, strict=True))
    path = tmp_path / f"reviews.{form}"
    if form == "csv":
        table.to_csv(path, index=False)
    elif form == "jsonl":
        table.to_json(path, orient="records", lines=True)
    elif form == "parquet":
        table.to_parquet(path)
    given = {"pandas": table, "polars": pl.from_pandas(table), "arrow": pa.Table.from_pandas(table)}.get(form)
    config = CONFIG if given is not None else CONFIG.replace(source=str(path))
    splits = load_splits(config, given).splits
    slices = slices_of_split(splits.test)
    assert list(slices) == ["year", "made in"]
    found = dict(zip(splits.test["text"], zip(*slices.values(), strict=True), strict=True))
    assert found == {text: expected[text] for text in splits.test["text"]}
    assert len(found) == 16


def test_rows_to_measure_keep_it_too(tmp_path: Path) -> None:
    make_table().to_parquet(tmp_path / "reviews.parquet")
    rows = load_evaluation_rows(CONFIG.replace(source=str(tmp_path / "reviews.parquet")), LabelNames())
    assert list(rows.slices["year"]) == [str(1990 + i % 3) for i in range(80)]


def test_a_split_without_such_columns_has_none() -> None:
    splits = load_splits(CONFIG.replace(slice_columns=()), make_table()).splits
    assert slices_of_split(splits.test) == {}
    assert splits.test.column_names == ["text", "label"]


def test_a_column_of_too_many_values_is_refused_before_training() -> None:
    table = make_table(600).assign(year=range(600))
    with pytest.raises(DataError, match="'year' has too many values") as caught:
        load_splits(CONFIG, table)
    assert caught.value.found == "120 different values in 120 rows"
    assert checked_slices({"year": range(100)})["year"][-1] == "99"


def test_texts_without_a_table_have_no_such_column() -> None:
    with pytest.raises(DataError, match="no column 'year'") as caught:
        load_splits(CONFIG, make_reviews(80))
    assert caught.value.hint == "a DataFrame, or without slice_columns"


def test_an_absent_column_is_named_with_the_nearest() -> None:
    with pytest.raises(DataError, match="column 'yaer' is not in the given data") as caught:
        load_splits(CONFIG.replace(slice_columns=("yaer",)), make_table())
    assert caught.value.hint == "DataConfig(slice_columns=['year'])"
    assert caught.value.expected == "the column that divides the rows of a report"

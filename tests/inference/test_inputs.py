"""What a classifier reads texts from, and what it refuses."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples, make_reviews
from imdb_sentiment import DataError, SentimentClassifier
from imdb_sentiment.inference.inputs import checked_texts

TEXTS = [f"{text} So be it." for text in make_reviews(5)[0]]  # none that the model was trained on
COLUMNS: dict[str, Any] = {"id": range(5), "text": TEXTS, "label": ["b", "a"] * 2 + ["c"]}
PAIRS = {"title": TEXTS, "body": TEXTS[::-1]}


def shuffled_index(columns: dict[str, Any]) -> pd.DataFrame:
    """Make a frame whose index is neither sorted nor unique, as `concat` and `sample` leave it."""
    return pd.DataFrame(columns, index=[3, 3, 0, "x", None])


def shuffled_dataset(columns: dict[str, Any]) -> datasets.Dataset:
    """Make a data set whose rows stand in another order on disk."""
    return datasets.Dataset.from_dict({name: list(values)[::-1] for name, values in columns.items()}).select(
        range(4, -1, -1)
    )


class Stream:
    """A table of a library that nobody here knows: it gives an Arrow stream and nothing else."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self._table = pa.table(columns)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


TABLES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "pandas": pd.DataFrame,
    "pandas with any index": shuffled_index,
    "pandas with Arrow types": lambda columns: pd.DataFrame(columns).convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.DataFrame,
    "polars with objects": lambda columns: pl.DataFrame(columns).with_columns(pl.lit(None).cast(pl.Object).alias("o")),
    "Arrow table": pa.table,
    "Arrow batch": lambda columns: pa.table(columns).to_batches()[0],
    "Arrow reader": lambda columns: pa.table(columns).to_reader(),
    "Arrow dictionary": lambda columns: pa.table(
        {name: pa.array(list(values)).dictionary_encode() for name, values in columns.items()}
    ),
    "stream": Stream,
    "datasets": datasets.Dataset.from_dict,
    "datasets in another order": shuffled_dataset,
}

SEQUENCES: dict[str, Callable[[list[str]], Any]] = {
    "tuple": tuple,
    "NumPy": np.array,
    "NumPy objects": lambda texts: np.array(texts, dtype=object),
    "pandas": pd.Series,
    "pandas objects": lambda texts: pd.Series(texts, dtype=object, index=[3, 3, 0, "x", None]),
    "pandas categories": lambda texts: pd.Series(texts, dtype="category"),
    "pandas index": pd.Index,
    "pandas array": lambda texts: pd.Series(texts).array,
    "polars": pl.Series,
    "Arrow": pa.array,
    "Arrow chunks": lambda texts: pa.chunked_array([texts[:2], texts[2:]]),
    "Arrow dictionary": lambda texts: pa.array(texts).dictionary_encode(),
    "Arrow views": lambda texts: pa.array(texts, pa.string_view()),
    "column of a data set": lambda texts: datasets.Dataset.from_dict({"text": texts})["text"],
    "iterator": iter,
    "generator": lambda texts: (text for text in texts),
    "values of a dictionary": lambda texts: dict(enumerate(texts)).values(),
}

REFUSED: dict[str, Any] = {
    "nothing": None,
    "number": 5,
    "decimal": Decimal(5),
    "NaN": float("nan"),
    "truth value": True,
    "bytes": b"A quiet masterpiece.",
    "bytearray": bytearray(b"A quiet masterpiece."),
    "path": Path("reviews.csv"),
    "date": dt.date(2020, 1, 1),
    "dictionary": {"text": TEXTS},
    "dictionary by text": dict.fromkeys(TEXTS, 1),
    "keys": dict.fromkeys(TEXTS).keys(),
    "set": set(TEXTS),
    "frozen set": frozenset(TEXTS),
    "lists in a list": [TEXTS],
    "list of dictionaries": [{"text": text} for text in TEXTS],
    "bytes in a list": [text.encode() for text in TEXTS],
    "lazy frame": pl.LazyFrame(COLUMNS),
    "splits": datasets.DatasetDict(test=datasets.Dataset.from_dict({"text": TEXTS})),
    "streamed data set": datasets.Dataset.from_dict({"text": TEXTS}).to_iterable_dataset(),
    "one row of a frame": pd.DataFrame(COLUMNS).iloc[0],
    "one array item": np.array("A quiet masterpiece."),
    "array of rows": pd.DataFrame(COLUMNS).to_numpy(),
    "numbers": np.arange(3),
    "Arrow numbers": pa.array([1, 2]),
    "a class": str,
    "a function": len,
}

WAYS: dict[str, Callable[[SentimentClassifier, Any], Any]] = {
    "predict": lambda model, texts: model.predict(texts),
    "predict_proba": lambda model, texts: model.predict_proba(texts),
    "predict_stream": lambda model, texts: list(model.predict_stream(texts)),
    "evaluate": lambda model, texts: model.evaluate(texts, [0, 1, 0, 1, 0]),
    "saw": lambda model, texts: model.seen_in_training(texts),
}


@pytest.fixture(scope="module")
def classifier(saved_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_model, device="cpu")


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES.keys())
def test_a_table_is_read_by_the_columns_of_the_model(make: Callable[[dict[str, Any]], Any]) -> None:
    assert checked_texts(make(COLUMNS), ["text"]) == TEXTS
    assert checked_texts(make(PAIRS), ["title", "body"]) == list(zip(TEXTS, TEXTS[::-1], strict=True))
    with pytest.raises(DataError, match="column 'txet' is not in the given data") as caught:
        checked_texts(make(COLUMNS), ["txet"])
    assert caught.value.hint == "rename a column: 'text' to 'txet'"
    assert str(caught.value.found).startswith("id, text, label")


@pytest.mark.parametrize("make", SEQUENCES.values(), ids=SEQUENCES.keys())
def test_a_sequence_of_any_library_is_read_in_its_order(make: Callable[[list[str]], Any]) -> None:
    assert checked_texts(make(TEXTS), ["text"]) == TEXTS


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_what_holds_no_texts_is_refused(
    data: Any, way: Callable[[SentimentClassifier, Any], Any], classifier: SentimentClassifier
) -> None:
    with pytest.raises(DataError):
        way(classifier, data)


@pytest.mark.parametrize("data", [{"a", "b"}, None, b"a", pd.DataFrame(COLUMNS), ["a"], 5])
def test_one_text_is_explained_and_nothing_else(data: Any, classifier: SentimentClassifier) -> None:
    with pytest.raises(DataError, match="each item must be a string"):
        classifier.explain(data)


def test_every_way_reads_a_table_as_it_reads_its_texts(classifier: SentimentClassifier) -> None:
    frame = shuffled_index(COLUMNS)
    assert classifier.predict(frame) == classifier.predict(TEXTS) == list(classifier.predict_stream(frame))
    np.testing.assert_array_equal(classifier.predict_proba(frame), classifier.predict_proba(TEXTS))
    labels = pd.Series([0, 1, 0, 1, 0])
    assert classifier.evaluate(frame, labels) == classifier.evaluate(TEXTS, [0, 1, 0, 1, 0])
    assert classifier.seen_in_training(frame) == classifier.seen_in_training(TEXTS)


def test_a_text_in_a_stream_is_one_text(classifier: SentimentClassifier) -> None:
    assert list(classifier.predict_stream(TEXTS[0])) == [classifier.predict(TEXTS[0])]


@pytest.mark.parametrize(
    "missing", [None, float("nan"), np.nan, pd.NA, pd.NaT, 5, b"bytes"], ids=lambda value: type(value).__name__
)
@pytest.mark.parametrize("make", [pd.DataFrame, shuffled_index], ids=["pandas", "any index"])
def test_what_is_missing_in_a_table_is_told_by_its_row(make: Any, missing: object) -> None:
    texts = [*TEXTS[:2], missing, TEXTS[3], missing]
    with pytest.raises(DataError, match="each 'text' must be a string") as caught:
        checked_texts(make({"text": texts}), ["text"])
    assert caught.value.rows == (3, 5)
    with pytest.raises(DataError, match="each item must be a string") as caught:
        checked_texts(pd.Series(texts, dtype=object), ["text"])
    assert caught.value.rows == (3, 5)


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES.keys())
def test_a_null_in_any_table_is_told_by_its_row(make: Callable[[dict[str, Any]], Any]) -> None:
    texts = [*TEXTS[:2], None, TEXTS[3], None]
    with pytest.raises(DataError, match="each 'body' must be a string") as caught:
        checked_texts(make({"title": TEXTS, "body": texts}), ["title", "body"])
    assert (caught.value.found, caught.value.rows) == ("null in 2 rows (3, 5)", (3, 5))


def test_bytes_that_are_no_text_are_told_by_their_row() -> None:
    broken = pa.array([b"fine", b"caf\xe9"], pa.binary()).view(pa.string())
    for data in (broken, pa.table({"text": broken})):
        with pytest.raises(DataError, match="must be valid Unicode") as caught:
            checked_texts(data, ["text"])
        assert caught.value.rows == (2,)


def test_a_fault_in_a_stream_is_told_by_its_place_in_the_whole(
    classifier: SentimentClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imdb_sentiment.persistence.row_prediction.SORTED_TEXTS", 2)

    def texts() -> Iterator[Any]:
        yield from TEXTS
        yield None

    answers = classifier.predict_stream(texts())
    assert [next(answers).label for _ in range(4)] == [answer.label for answer in classifier.predict(TEXTS[:4])]
    with pytest.raises(DataError) as caught:
        next(answers)
    assert caught.value.rows == (6,)


@pytest.mark.parametrize("labels", [None, 5, "positive", b"01010", {0, 1}, {"a": 0}, pd.DataFrame({"label": [0] * 5})])
def test_labels_that_are_no_sequence_are_refused(labels: Any, classifier: SentimentClassifier) -> None:
    with pytest.raises(DataError):
        classifier.evaluate(TEXTS, labels)


def test_slices_may_be_a_table_and_nothing_without_names(classifier: SentimentClassifier) -> None:
    frame: Any = pd.DataFrame({"year": [1, 2, 1, 2, 1]}, index=[3, 3, 0, 1, 9])
    labels = [0, 1, 0, 1, 0]
    expected = classifier.evaluate(TEXTS, labels, slices={"year": ["1", "2", "1", "2", "1"]})
    assert classifier.evaluate(TEXTS, labels, slices=frame) == expected
    wrong: Any
    for wrong in (["year"], frame["year"].to_numpy(), {"year": "12121"}, {"year": {1, 2}}, 5):
        with pytest.raises(DataError):
            classifier.evaluate(TEXTS, labels, slices=wrong)


@pytest.mark.parametrize("given_as", [pd.DataFrame(COLUMNS), TEXTS, "train", 5, (TEXTS,), {"text": TEXTS}])
@pytest.mark.parametrize("name", ["train", "validation"])
def test_rows_beside_are_texts_and_labels(name: str, given_as: Any, classifier: SentimentClassifier) -> None:
    with pytest.raises(DataError, match=f"{name} must be texts and labels"):
        classifier.evaluate(TEXTS, [0, 1, 0, 1, 0], **{name: given_as})


@settings(max_examples=examples(50))
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs", "C", "Z"]), min_size=1), min_size=1, max_size=20),
    order=st.randoms(use_true_random=False),
)
def test_rows_come_in_the_order_of_the_table(texts: list[str], order: Any) -> None:
    index = [order.randint(0, 3) for _ in texts]
    frame = pd.DataFrame({"other": texts[::-1], "text": texts}, index=index)
    for table in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame), frame["text"], pl.Series(texts)):
        assert checked_texts(table, ["text"]) == texts

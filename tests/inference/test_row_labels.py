"""Batches of rows: what Ray Data and Spark hand over, and classifiers that are sent to other processes."""

import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import make_pair, make_reviews
from imdb_sentiment import ConfigError, DataError, ModelError, SentimentClassifier
from imdb_sentiment.inference.scorer import Scorer
from imdb_sentiment.persistence.opened_model import OpenedModel
from imdb_sentiment.persistence.publication import _reopen

GOOD, _ = make_reviews(6)
TEXTS = [*GOOD, None, "  ", "naïve 😀"]
TABLE = pa.table({"id": range(9), "text": TEXTS, "tags": [["a"]] * 9})


@pytest.fixture(scope="module")
def classifier(saved_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_model, device="cpu", precision="fp32")


@pytest.fixture(autouse=True)
def opened_nothing() -> Iterator[None]:
    """A process that opened no model yet."""
    _reopen.cache_clear()
    yield
    _reopen.cache_clear()


@pytest.fixture(scope="module")
def expected(classifier: SentimentClassifier, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """What `predict_file` makes of the same rows."""
    folder = tmp_path_factory.mktemp("file")
    pq.write_table(TABLE, folder / "in.parquet")
    classifier.predict_file(folder / "in.parquet", folder / "out.parquet")
    return pq.read_table(folder / "out.parquet")


def test_arrow_gets_what_a_file_gets(classifier: SentimentClassifier, expected: pa.Table) -> None:
    assert classifier(TABLE).equals(expected)
    (batch,) = TABLE.to_batches()
    scored = classifier(batch)
    assert isinstance(scored, pa.RecordBatch)
    assert pa.Table.from_batches([scored]).equals(expected)
    assert classifier(TABLE.slice(0, 0)).schema.equals(expected.schema)


def test_arrays_get_the_same(classifier: SentimentClassifier, expected: pa.Table) -> None:
    given = {"id": np.arange(9), "text": np.array(TEXTS, dtype=object)}
    scored = classifier(given)
    assert list(given) == ["id", "text"]
    assert scored["id"] is given["id"]
    assert scored["label"].tolist() == expected["label"].to_pylist()
    assert scored["reason"].tolist() == expected["reason"].to_pylist()
    scores = expected["score"].to_numpy()
    np.testing.assert_array_equal(scored["score"], scores)
    assert scored["score"].dtype == np.float32
    assert np.isnan(scores).sum() == 2
    fixed_width = classifier({"text": np.array(GOOD)})
    np.testing.assert_allclose(fixed_width["score"], scores[:6], atol=1e-5)


FRAMES: dict[str, Callable[[pa.Table], Any]] = {
    "pandas": lambda table: table.to_pandas().set_index(pd.Index(range(9, 0, -1), name="place")),
    "polars": pl.DataFrame,
    "datasets": lambda table: datasets.Dataset(table),
}


@pytest.mark.parametrize("library", FRAMES)
def test_a_frame_comes_back_with_its_labels(classifier: SentimentClassifier, expected: pa.Table, library: str) -> None:
    frame = FRAMES[library](TABLE)
    scored = classifier(frame)
    assert type(scored) is type(frame)
    columns = [*TABLE.column_names, "label", "score", "reason"]
    assert list(scored.columns if hasattr(scored, "columns") else scored.column_names) == columns
    for name in ("id", "label", "reason"):
        found = [None if value is np.nan else value for value in list(scored[name])]
        assert found == expected[name].to_pylist()
    scores = [None if score is None or np.isnan(score) else score for score in list(scored["score"])]
    assert scores == expected["score"].to_pylist()
    if library == "pandas":
        assert scored.index.equals(frame.index)
    with pytest.raises(ConfigError, match="already has a column 'label'"):
        classifier(scored)


def test_a_pandas_index_of_any_kind_stays(classifier: SentimentClassifier) -> None:
    several = pd.MultiIndex.from_tuples([(1, "a"), (1, "b"), (2, "a")])
    for index in (pd.Index([7, 7, 9]), several, pd.date_range("2020-01-01", periods=3)):
        frame = pd.DataFrame({"text": GOOD[:3]}, index=index)
        scored = classifier(frame)
        assert scored.index.equals(index)
        assert list(frame.columns) == ["text"]
        assert scored["label"].tolist() == [one.label for one in classifier.predict(frame)]


def test_a_data_set_keeps_its_order_and_format(
    classifier: SentimentClassifier, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = datasets.Dataset.from_dict({"text": GOOD, "number": range(6)}).shuffle(seed=1).select([0, 2, 4])
    scored = classifier(rows.with_format("numpy", columns=["number"], output_all_columns=True))
    assert "Flattening" not in capfd.readouterr().err
    assert scored.format["type"] == "numpy"
    assert scored.format["columns"] == ["number", "label", "score", "reason"]
    assert isinstance(scored["score"][:], np.ndarray)
    plain = classifier(rows)
    assert plain.format == classifier(datasets.Dataset(TABLE)).format | {"columns": plain.column_names}
    assert plain["text"][:] == rows["text"][:]
    assert plain["label"][:] == [one.label for one in classifier.predict(rows)]


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "batch", "datasets"])
def test_pairs_are_read_from_both_columns_of_any_table(saved_pair_model: Path, kind: str) -> None:
    pairs = SentimentClassifier.from_pretrained(saved_pair_model, device="cpu", precision="fp32")
    titles, bodies = zip(*map(make_pair, GOOD), strict=True)
    table = pa.table({"body": [*bodies, None], "title": [*titles, None]})
    kinds: dict[str, Callable[[], Any]] = {
        "pandas": table.to_pandas,
        "polars": lambda: pl.DataFrame(table),
        "arrow": lambda: table,
        "batch": lambda: table.to_batches()[0],
        "datasets": lambda: datasets.Dataset(table),
    }
    scored = pairs(kinds[kind]())
    labels = [one.label for one in pairs.predict([*zip(titles, bodies, strict=True)])]
    assert pa.array(list(scored["label"][:6])).to_pylist() == labels
    assert str(list(scored["reason"])[-1]) == "no text"
    with pytest.raises(DataError, match=r"each 'title' must be a string\n  found: +null in 1 row \(7\)"):
        pairs.predict(kinds[kind]())


def test_options_are_those_of_files(saved_model: Path, saved_pair_model: Path, expected: pa.Table) -> None:
    classifier = SentimentClassifier.from_pretrained(saved_model, device="cpu")
    renamed = TABLE.rename_columns(["id", "review", "label"])
    scored = classifier(renamed, text_columns=["review"], prefix="our_", cascade=True)
    assert scored.column_names == ["id", "review", "label", "our_label", "our_score", "our_reason"]
    assert scored["our_label"].to_pylist() == expected["label"].to_pylist()
    pairs = SentimentClassifier.from_pretrained(saved_pair_model, device="cpu")
    titles, bodies = zip(*map(make_pair, GOOD), strict=True)
    table = pa.table({"title": titles, "body": bodies})
    assert pairs(table)["label"].to_pylist() == [
        one.label for one in pairs.predict([*zip(titles, bodies, strict=True)])
    ]


@pytest.mark.parametrize(
    ("batch", "fields", "error", "message"),
    [
        (TABLE.rename_columns(["id", "txet", "tags"]), {}, DataError, "column 'text' is not in the batch"),
        (pa.table([TEXTS, TEXTS], names=["text", "text"]), {}, DataError, "occurs 2 times in the batch"),
        ({"id": np.arange(2)}, {}, DataError, "column 'text' is not in the batch"),
        (TABLE.rename_columns(["reason", "text", "tags"]), {}, ConfigError, "the batch already has a column 'reason'"),
        ({"text": ["a"], "label": ["b"]}, {}, ConfigError, "already has a column 'label'"),
        (["a text"], {}, ConfigError, "unsupported type of batch: builtins.list"),
        (pd.DataFrame([["a", "b"]], columns=["text"] * 2), {}, DataError, "occurs 2 times in the batch"),
        (pd.DataFrame({"Text": ["a"]}), {}, DataError, r"not in the batch\n(.+\n)+  try: +text_columns=\['Text'\]"),
        (pd.DataFrame({"text": ["a"], "score": [1]}), {}, ConfigError, "already has a column 'score'"),
        (pd.Series(["a"]), {}, ConfigError, r"pandas.Series\n(.+\n)+  try: +predict\(texts\)"),
        (pd.DataFrame, {}, ConfigError, r"builtins.type\n"),
        (pl.Series(["a"]), {}, ConfigError, r"predict\(texts\)"),
        (pl.DataFrame({"text": ["a"], "reason": ["b"]}), {}, ConfigError, "already has a column 'reason'"),
        (TABLE.to_reader(), {}, DataError, r"found: +RecordBatchReader\n(.+\n)+  try: +its rows in memory: .read_all"),
        (datasets.DatasetDict(train=datasets.Dataset(TABLE)), {}, DataError, "try: +one of its splits: 'train'"),
        (datasets.Dataset(TABLE).to_iterable_dataset(), {}, DataError, "without streaming=True"),
        (pl.LazyFrame({"text": ["a"]}), {}, DataError, "collect"),
        (TABLE, {"text_columns": ["a", "b"]}, ConfigError, "does not suit the model"),
        (TABLE, {"cascade": "always"}, ConfigError, "cascade='always' is not a bool"),
    ],
)
def test_what_cannot_be_scored_is_told(
    batch: Any, fields: dict[str, Any], error: type[Exception], message: str, classifier: SentimentClassifier
) -> None:
    with pytest.raises(error, match=message):
        classifier(batch, **fields)


def test_a_copy_in_another_process_is_opened_once(
    classifier: SentimentClassifier, saved_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(saved_model.parent)
    sent = pickle.dumps(SentimentClassifier.from_pretrained(saved_model.name, device="cpu"))
    assert len(sent) < 1_000
    monkeypatch.chdir("/")
    copy = pickle.loads(sent)  # noqa: S301
    assert copy is pickle.loads(sent)  # noqa: S301
    assert copy.predict(GOOD[0]).label == classifier.predict(GOOD[0]).label


def test_a_copy_computes_in_the_same_precision(saved_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for precision in ("fp32", "bf16"):
        monkeypatch.setattr("imdb_sentiment.inference.torch_backend.choose_precision", lambda *_, p=precision, **__: p)
        classifier = SentimentClassifier.from_pretrained(saved_model, device="cpu", max_tokens_per_forward=64)
        monkeypatch.undo()
        copy = pickle.loads(pickle.dumps(classifier))  # noqa: S301
        assert copy._opened.scorer.backend.precision == precision
        assert copy._opened.scorer.max_tokens == 64
        with classifier._opened.computing_as("fp32"):
            copy = pickle.loads(pickle.dumps(classifier))  # noqa: S301
        assert copy._opened.scorer.backend.precision == "fp32"


def test_a_model_that_was_replaced_is_not_taken_for_the_one_that_was_sent(saved_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(saved_model, tmp_path / "model")
    sent = pickle.dumps(SentimentClassifier.from_pretrained(folder, device="cpu"))
    content = json.loads((folder / "imdb_sentiment.json").read_text())
    content["calibration"]["threshold"] /= 2
    (folder / "imdb_sentiment.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match="is another model here than in the process that sent it"):
        pickle.loads(sent)  # noqa: S301


def test_a_classifier_of_no_folder_is_sent_with_its_weights(classifier: SentimentClassifier) -> None:
    opened = classifier._opened
    made = SentimentClassifier(OpenedModel(opened.artifact, Scorer(opened.scorer.backend, opened.scorer.encoder)))
    copy = pickle.loads(pickle.dumps(made))  # noqa: S301
    assert (copy.predict_proba(GOOD) == classifier.predict_proba(GOOD)).all()

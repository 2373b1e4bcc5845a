import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.data.splits import load_splits
from imdb_sentiment.errors import DataError
from written_files import WRITERS, pairs

DATA = DataConfig(near_duplicates="ignore")
TEXTS = [f"Seen at the {place}, number {i}." for i in range(10) for place in ("sea", "lake")]
NAMES = ["pos", "neg"]


def data_set(names: list[str] = NAMES, ids: Sequence[int | None] = (), texts: list[str] = TEXTS) -> datasets.Dataset:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=names)})
    return datasets.Dataset.from_dict({"text": texts, "label": [*ids] or [0, 1] * (len(texts) // 2)}, features=features)


def in_shards(rows: datasets.Dataset, folder: Path) -> str:
    folder.mkdir()
    for i in range(2):
        rows.shard(2, i).to_parquet(folder / f"part-{i}.parquet")
    return str(folder)


def on_disk(rows: datasets.Dataset, folder: Path) -> str:
    rows.save_to_disk(folder, num_shards=2)
    return str(folder)


def one_file_of_a_split(rows: datasets.Dataset, folder: Path) -> str:
    datasets.DatasetDict({"train": rows}).save_to_disk(folder)
    return str(folder / "train" / "data-00000-of-00001.arrow")


def compressed(rows: datasets.Dataset, folder: Path) -> str:
    folder.mkdir()
    rows.to_parquet(folder / "rows.parquet")
    (folder / "rows.parquet.zst").write_bytes(pa.compress((folder / "rows.parquet").read_bytes(), "zstd", asbytes=True))
    return str(folder / "rows.parquet.zst")


def described_aside(rows: datasets.Dataset, folder: Path) -> str:
    """Arrow files whose own schema says nothing."""
    rows.save_to_disk(folder)
    (path,) = folder.glob("*.arrow")
    table = pa.ipc.open_stream(path.read_bytes()).read_all().replace_schema_metadata(None)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return str(path)


CONTAINERS: dict[str, Any] = {
    "in memory": lambda rows, folder: rows,
    "a dictionary in memory": lambda rows, folder: datasets.DatasetDict({"train": rows}),
    "columns in memory": lambda rows, folder: (rows["text"], rows["label"]),
    "an Arrow table": lambda rows, folder: rows.with_format("arrow")[:],
    "Parquet in shards": in_shards,
    "Parquet by a pattern": lambda rows, folder: f"{in_shards(rows, folder)}/part-*.parquet",
    "compressed Parquet": compressed,
    "saved to disk": on_disk,
    "one split saved to disk": one_file_of_a_split,
    "described aside": described_aside,
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    ("names", "config"), [(NAMES, DATA), (["spam", "ham"], DATA.replace(positive_label="spam"))], ids=["words", "names"]
)
def test_the_same_rows_are_the_same_data_in_any_container(
    container: str, names: list[str], config: DataConfig, tmp_path: Path
) -> None:
    rows = data_set(names)
    WRITERS[".csv"](
        tmp_path / "rows.csv", [(text, names[i]) for text, i in zip(rows["text"], rows["label"], strict=True)]
    )
    expected = load_splits(config.replace(source=tmp_path / "rows.csv"))
    held = CONTAINERS[container](rows, tmp_path / "held")
    found = load_splits(config.replace(source=held)) if isinstance(held, str) else load_splits(config, held)
    assert found.names == expected.names
    assert found.splits.summary.fingerprint == expected.splits.summary.fingerprint
    positive = [row["text"] for row in found.splits.train if row["label"] == 1]
    assert all("sea" in text for text in positive)


def test_the_splits_of_a_saved_dictionary_have_their_names(tmp_path: Path) -> None:
    datasets.DatasetDict({"train": data_set(), "test": data_set(["neg", "pos"])}).save_to_disk(tmp_path / "both")
    splits = load_source(DATA.replace(source=tmp_path / "both")).splits
    assert [rows.table["label"].to_pylist()[:2] for rows in splits.values()] == [["neg", "pos"], ["pos", "neg"]]


quick = settings(
    deadline=None,
    max_examples=examples(25),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@quick
@given(
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5), min_size=1, unique=True),
    data=st.data(),
)
def test_any_names_come_back_from_a_file(names: list[str], data: st.DataObject, tmp_path: Path) -> None:
    ids = data.draw(st.lists(st.none() | st.integers(-1, len(names) - 1), min_size=1, max_size=9))
    rows = data_set(names, ids, [f"text {i}" for i in range(len(ids))])
    expected = [None if i is None else names[i] if i >= 0 else "-1" for i in ids]
    rows.to_parquet(tmp_path / "rows.parquet")
    (read,) = load_source(DATA.replace(source=tmp_path / "rows.parquet")).splits.values()
    (in_memory,) = load_source(DATA, rows).splits.values()
    assert read.table["label"].to_pylist() == in_memory.table["label"].to_pylist() == expected


def test_groups_and_slices_have_their_names_too(tmp_path: Path) -> None:
    kinds = datasets.ClassLabel(names=["film", "book"])
    rows = data_set().add_column("kind", [0, 1] * 10).cast_column("kind", kinds)
    rows.to_parquet(tmp_path / "rows.parquet")
    (read,) = load_source(DATA.replace(source=tmp_path / "rows.parquet", slice_columns=("kind",))).splits.values()
    assert read.table["slice:kind"].to_pylist()[:2] == ["film", "book"]


def write_with(path: Path, labels: Any, description: bytes) -> str:
    table = pa.table({"text": ["a", "b"], "label": labels})
    pq.write_table(table.replace_schema_metadata({b"huggingface": description}), path)
    return str(path)


def test_what_is_no_id_stays_as_it_is(tmp_path: Path) -> None:
    feature = {"label": {"_type": "ClassLabel", "names": ["neg", "pos"]}}
    description = json.dumps({"info": {"features": feature}}).encode()
    path = write_with(tmp_path / "rows.parquet", ["pos", "neg"], description)  # a stale description
    (read,) = load_source(DATA.replace(source=path)).splits.values()
    assert pairs(read) == [("a", "pos"), ("b", "neg")]


@pytest.mark.parametrize(
    "description",
    [
        b"{}",
        b"[]",
        b"null",
        b'{"info": []}',
        b'{"info": {"features": null}}',
        b'{"info": {"features": {"label": 5}}}',
        b'{"info": {"features": {"label": {"_type": "Value", "names": ["a", "b"]}}}}',
        b'{"info": {"features": {"label": {"_type": "ClassLabel", "names": null, "num_classes": 2}}}}',
    ],
)
def test_a_description_without_names_changes_nothing(description: bytes, tmp_path: Path) -> None:
    path = write_with(tmp_path / "rows.parquet", np.array([1, 0]), description)
    (read,) = load_source(DATA.replace(source=path)).splits.values()
    assert pairs(read) == [("a", "1"), ("b", "0")]


@pytest.mark.parametrize("description", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_description_that_cannot_be_read_is_refused(description: bytes, tmp_path: Path) -> None:
    path = write_with(tmp_path / "rows.parquet", np.array([1, 0]), description)
    with pytest.raises(DataError, match="description of its columns that cannot be read"):
        load_source(DATA.replace(source=path))
    data_set().save_to_disk(tmp_path / "saved")
    (tmp_path / "saved" / "dataset_info.json").write_bytes(description)
    with pytest.raises(DataError, match="description of its columns that cannot be read"):
        load_source(DATA.replace(source=tmp_path / "saved"))

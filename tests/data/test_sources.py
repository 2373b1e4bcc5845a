from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pytest

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.raw_rows import RawRows
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.errors import DataError, InputError

TEXTS = ["A quiet masterpiece.", "Dull.", "None", "123"]
LABELS = ["pos", "neg", "neg", "pos"]
PAIRS = list(zip(TEXTS, LABELS, strict=True))
TABLE = {"text": TEXTS, "label": LABELS}
DATA = DataConfig()


def pairs(rows: RawRows) -> list[tuple[str | None, str | None]]:
    return list(zip(rows.table["text"].to_pylist(), rows.table["label"].to_pylist(), strict=True))


def class_labels(ids: list[int | None], names: list[str]) -> Any:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=names)})
    return datasets.Dataset.from_dict({"text": [f"text {i}" for i in range(len(ids))], "label": ids}, features=features)


def write_csv(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "data",
    [
        (TEXTS, LABELS),
        (tuple(TEXTS), tuple(LABELS)),
        (np.array(TEXTS), np.array(LABELS)),
        (np.array(TEXTS, dtype=object), LABELS),
        (pd.Series(TEXTS), pd.Series(LABELS, dtype="category")),
        (iter(TEXTS), (label for label in LABELS)),
        (datasets.Dataset.from_dict(TABLE)["text"], datasets.Dataset.from_dict(TABLE)["label"]),
        pd.DataFrame(TABLE),
        pd.DataFrame(TABLE, dtype="string"),
        pd.DataFrame(TABLE, index=[7, 7, 3, 1]),
        datasets.Dataset.from_dict(TABLE),
        {"train": pd.DataFrame(TABLE)},
        datasets.DatasetDict({"train": datasets.Dataset.from_dict(TABLE)}),
    ],
    ids=lambda data: type(data).__name__,
)
def test_texts_and_labels_in_memory_are_read_in_order(data: object) -> None:
    raw = load_source(DATA, data)
    assert raw.origin == "the given data"
    assert list(raw.splits) == ["train"]
    assert pairs(raw.splits["train"]) == PAIRS
    assert raw.notes == ()


def test_given_data_take_the_place_of_the_source(tmp_path: Path) -> None:
    config = DataConfig(source=str(tmp_path / "nowhere.csv"))
    assert pairs(load_source(config, (TEXTS, LABELS)).splits["train"]) == PAIRS


@pytest.mark.parametrize(
    ("labels", "written"),
    [
        ([1, 0], ["1", "0"]),
        ([True, False], ["true", "false"]),
        (np.array([1, 0], dtype=np.int8), ["1", "0"]),
        (np.array([1, 0], dtype=np.float32), ["1", "0"]),
        (np.array([True, False]), ["true", "false"]),
        (pd.Series([1, None]), ["1", None]),
        (pd.Series([True, None], dtype="boolean"), ["true", None]),
        (pd.Series([1, None], dtype="Int64"), ["1", None]),
    ],
)
def test_labels_of_any_type_are_written_out(labels: object, written: list[str | None]) -> None:
    assert load_source(DATA, (["a", "b"], labels)).splits["train"].table["label"].to_pylist() == written


def test_a_frame_of_mixed_types_keeps_texts_and_lists_the_rest() -> None:
    frame = pd.DataFrame(
        {
            "text": ["fine", None, float("nan"), 5, "None", pd.NA, b"bytes"],
            "label": [1, 0, 1.0, True, np.nan, None, "pos"],
            "stars": range(7),
        }
    )
    rows = load_source(DATA, frame).splits["train"]
    assert rows.table["text"].to_pylist() == ["fine", None, None, None, "None", None, None]
    assert rows.table["label"].to_pylist() == ["1", "0", "1", "true", None, None, "pos"]
    assert rows.not_text == (4, 7)


def test_numbers_that_pandas_made_floats_of_are_read_as_whole() -> None:
    frame = pd.DataFrame({"text": ["a", "b", "c"], "label": [1, 0, None]})
    assert load_source(DATA, frame).splits["train"].table["label"].to_pylist() == ["1", "0", None]


def test_columns_without_names_are_chosen_by_their_number() -> None:
    frame = pd.DataFrame([["pos", "good"], ["neg", "bad"]])
    raw = load_source(DataConfig(text_column="1", label_column="0"), frame)
    assert pairs(raw.splits["train"]) == [("good", "pos"), ("bad", "neg")]


@pytest.mark.parametrize("make", [pd.DataFrame, datasets.Dataset.from_dict])
def test_a_missing_column_is_named_with_the_nearest_one(make: Any) -> None:
    with pytest.raises(DataError, match="column 'text' is not in the given data") as caught:
        load_source(DATA, make({"Texts": TEXTS, "label": LABELS}))
    assert caught.value.hint == "DataConfig(text_column='Texts')"
    assert caught.value.found == "Texts, label"


def test_a_frame_with_a_column_twice_is_refused() -> None:
    frame = pd.DataFrame([["a", "b", 1]], columns=["text", "text", "label"])
    with pytest.raises(DataError, match="column 'text' occurs 2 times in the given data"):
        load_source(DATA, frame)


def test_texts_and_labels_of_different_length_are_refused() -> None:
    with pytest.raises(DataError, match="needs one label for each text") as caught:
        load_source(DATA, (TEXTS, LABELS[:3]))
    assert caught.value.found == "4 texts and 3 labels"


@pytest.mark.parametrize("data", ["reviews.csv", 5, [("a", "pos")], [TEXTS, LABELS], (TEXTS, LABELS, LABELS), object()])
def test_data_of_another_type_are_refused(data: object) -> None:
    with pytest.raises(DataError, match="data of this type cannot be read") as caught:
        load_source(DATA, data)
    assert str(caught.value.found).split()[0] == type(data).__name__
    assert "(texts, labels)" in str(caught.value.expected)


@pytest.mark.parametrize("data", [(5, 6), (TEXTS, 1), ("Dull.", "neg"), ("Dull", "bad!"), (None, None)])
def test_a_pair_of_single_values_is_refused(data: object) -> None:
    with pytest.raises(DataError):
        load_source(DATA, data)


def test_class_labels_are_read_by_their_names() -> None:
    raw = load_source(DATA, class_labels([1, 0, 0, 1], ["neg", "pos"]))
    assert raw.splits["train"].table["label"].to_pylist() == ["pos", "neg", "neg", "pos"]


def test_class_labels_without_a_name_stay_apart() -> None:
    raw = load_source(DATA, class_labels([1, -1, None, 0], ["neg", "pos"]))
    assert raw.splits["train"].table["label"].to_pylist() == ["pos", "-1", None, "neg"]


def test_a_dataset_that_was_filtered_and_shuffled_is_read_as_it_shows() -> None:
    dataset = datasets.Dataset.from_dict({"text": [f"text {i}" for i in range(10)], "label": list(range(10))})
    rows = load_source(DATA, dataset.select([7, 3, 5])).splits["train"]
    assert pairs(rows) == [("text 7", "7"), ("text 3", "3"), ("text 5", "5")]


def test_the_format_of_a_dataset_does_not_matter() -> None:
    dataset = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [1, 0], "stars": [5, 1]})
    for form in ("numpy", "pandas", "arrow"):
        assert pairs(load_source(DATA, dataset.with_format(form)).splits["train"]) == [("a", "1"), ("b", "0")]
    assert pairs(load_source(DATA, dataset.with_format(columns=["stars"])).splits["train"]) == [("a", "1"), ("b", "0")]


@pytest.mark.parametrize("wrap", [lambda stream: stream, lambda stream: {"train": stream}])
def test_a_streaming_dataset_is_refused(wrap: Any) -> None:
    stream = datasets.Dataset.from_dict(TABLE).to_iterable_dataset()
    with pytest.raises(DataError, match="cannot be read") as caught:
        load_source(DATA, wrap(stream))
    assert "without streaming=True" in str(caught.value.hint)


@pytest.mark.parametrize("make", [pd.DataFrame, datasets.Dataset.from_dict])
def test_a_mapping_of_tables_names_their_splits(make: Any) -> None:
    tables = {name: make({"text": [name], "label": [1]}) for name in ("test", "dev", "training")}
    raw = load_source(DATA, tables)
    assert {split: pairs(rows) for split, rows in raw.splits.items()} == {
        "test": [("test", "1")],
        "validation": [("dev", "1")],
        "train": [("training", "1")],
    }
    assert raw.splits["validation"].origin == "the given data (dev)"


def test_a_dataset_dict_with_an_unsupervised_split_leaves_it_out_and_says_so() -> None:
    data = datasets.DatasetDict(
        train=class_labels([0, 1], ["neg", "pos"]),
        test=class_labels([1, 0], ["neg", "pos"]),
        unsupervised=class_labels([-1, -1], ["neg", "pos"]),
    )
    raw = load_source(DATA, data)
    assert sorted(raw.splits) == ["test", "train"]
    assert raw.notes == ("split 'unsupervised' was left out",)


@pytest.mark.parametrize(
    "names",
    [["a", "b"], ["train", "training"], ["valid", "dev", "train"], ["validation", "extra"], ["text", "label"], []],
)
def test_splits_that_are_not_understood_are_refused(names: list[str]) -> None:
    with pytest.raises(DataError, match="splits of the given data are not understood") as caught:
        load_source(DATA, {name: pd.DataFrame(TABLE) for name in names})
    assert (caught.value.found or "") == ", ".join(names)


@pytest.mark.parametrize("as_text", [True, False])
def test_a_path_to_a_file_is_read_as_one_table(as_text: bool, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "test.csv", PAIRS)
    raw = load_source(DataConfig(source=str(path)) if as_text else DataConfig().replace(source=path))
    assert raw.origin == str(path)
    assert {split: pairs(rows) for split, rows in raw.splits.items()} == {"train": PAIRS}


def test_a_relative_path_and_one_from_home_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_csv(tmp_path / "reviews" / "train.csv", PAIRS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in ("reviews", "reviews/train.csv", "./reviews", "~/reviews/train.csv", "~/reviews"):
        assert pairs(load_source(DataConfig(source=source)).splits["train"]) == PAIRS


def test_a_folder_gives_its_splits(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", PAIRS[:2])
    write_csv(tmp_path / "test.csv", PAIRS[2:])
    raw = load_source(DataConfig(source=str(tmp_path)))
    assert {split: pairs(rows) for split, rows in raw.splits.items()} == {"train": PAIRS[:2], "test": PAIRS[2:]}
    assert raw.origin == str(tmp_path)


@pytest.mark.parametrize(
    "source", ["reveiws.csv", "./reveiws.csv", "./reveiws", "a b/c", "no/such/deep/folder", "x.jsonl"]
)
def test_a_missing_path_never_asks_the_hub(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "reviews.csv", PAIRS)
    with pytest.raises(DataError, match="there is no file or folder") as caught:
        load_source(DataConfig(source=source))
    assert caught.value.hint == ("reviews.csv" if "reveiws" in source else None)


def test_a_missing_absolute_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file or folder"):
        load_source(DataConfig(source=str(tmp_path / "nowhere")))


def test_a_file_of_unknown_kind_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews.xlsx").write_bytes(b"")
    with pytest.raises(DataError, match="has an unknown format"):
        load_source(DataConfig(source="reviews.xlsx"))


def test_a_mapping_of_paths_gives_its_splits(tmp_path: Path) -> None:
    paths = {
        "train": str(write_csv(tmp_path / "a.csv", PAIRS[:1])),
        "validation": str(write_csv(tmp_path / "b.csv", PAIRS[1:2])),
        "test": str(write_csv(tmp_path / "train.csv", PAIRS[2:])),
    }
    raw = load_source(DataConfig(source=paths))
    assert {split: pairs(rows) for split, rows in raw.splits.items()} == {
        "train": PAIRS[:1],
        "validation": PAIRS[1:2],
        "test": PAIRS[2:],
    }


@pytest.mark.parametrize("name", ["dev", "Train", "holdout"])
def test_a_mapping_with_another_split_is_refused(name: str, tmp_path: Path) -> None:
    path = str(write_csv(tmp_path / "a.csv", PAIRS))
    with pytest.raises(DataError, match=f"the source mapping has a split '{name}'") as caught:
        load_source(DataConfig(source={"test": path, name: path}))
    assert caught.value.expected == "train, validation, test"
    assert caught.value.found == f"test, {name}"


def test_an_empty_mapping_is_refused() -> None:
    with pytest.raises(InputError):
        load_source(DataConfig(source={}))


def test_a_missing_file_in_a_mapping_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    path = str(write_csv(tmp_path / "train.csv", PAIRS))
    with pytest.raises(DataError, match=r"there is no file or folder .*tset\.csv"):
        load_source(DataConfig(source={"train": path, "test": str(tmp_path / "tset.csv")}))


def test_a_folder_in_a_mapping_is_not_said_to_be_missing(tmp_path: Path) -> None:
    write_csv(tmp_path / "train" / "part.csv", PAIRS)
    with pytest.raises(DataError, match="train") as caught:
        load_source(DataConfig(source={"train": str(tmp_path / "train")}))
    assert "there is no file or folder" not in str(caught.value)


def test_notes_of_all_files_are_kept(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.tsv").write_text('label\ttext\nneg\t"Open\npos\tfine\n', encoding="utf-8")
    raw = load_source(DataConfig(source={"train": str(tmp_path / "a.tsv"), "test": str(tmp_path / "b.tsv")}))
    assert [note.partition(":")[0] for note in raw.notes] == ["a.tsv", "b.tsv"]

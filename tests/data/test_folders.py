from pathlib import Path

import pytest
from written_files import ROWS, WRITERS, pairs, write_csv, write_jsonl, write_parquet

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.files import SUFFIXES, read_folder, split_of
from imdb_sentiment.errors import DataError

DATA = DataConfig()


def write_tree(folder: Path, reviews: dict[str, str]) -> None:
    for name, text in reviews.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("imdb_train", "train"),
        ("TRAINING", "train"),
        ("train-00000-of-00002", "train"),
        ("validation", "validation"),
        ("valid", "validation"),
        ("val2", "validation"),
        ("my.dev.set", "validation"),
        ("Test", "test"),
        ("testing_2024", "test"),
        ("reviews", None),
        ("trainer", None),
        ("latest", None),
        ("contest", None),
        ("device", None),
        ("train_test", None),
        ("unsupervised", None),
        ("", None),
    ],
)
def test_a_name_tells_its_split(name: str, split: str | None) -> None:
    assert split_of(name) == split


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_tells_splits_by_the_names_of_its_files(suffix: str, tmp_path: Path) -> None:
    for i, name in enumerate(["imdb_train", "imdb_dev", "imdb_test"]):
        WRITERS[suffix](tmp_path / f"{name}{suffix}", [(f"text {i}", "pos")])
    splits, notes = read_folder(tmp_path, DATA)
    assert {split: pairs(rows) for split, rows in splits.items()} == {
        "train": [("text 0", "pos")],
        "validation": [("text 1", "pos")],
        "test": [("text 2", "pos")],
    }
    assert notes == ()


def test_a_folder_tells_splits_by_the_names_of_its_folders(tmp_path: Path) -> None:
    for name in ("train", "valid", "test"):
        (tmp_path / name).mkdir()
        write_csv(tmp_path / name / "part-0.csv", [(f"{name} 0", "pos")])
        write_csv(tmp_path / name / "part-1.csv", [(f"{name} 1", "neg")])
    splits, _ = read_folder(tmp_path, DATA)
    assert {split: pairs(rows) for split, rows in splits.items()} == {
        "train": [("train 0", "pos"), ("train 1", "neg")],
        "validation": [("valid 0", "pos"), ("valid 1", "neg")],
        "test": [("test 0", "pos"), ("test 1", "neg")],
    }


def test_the_name_of_the_folder_itself_tells_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "test"
    folder.mkdir()
    write_csv(folder / "reviews.csv", ROWS)
    assert list(read_folder(folder, DATA)[0]) == ["train"]


def test_a_file_name_counts_more_than_its_folders(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    write_csv(tmp_path / "training" / "test.csv", [("a", "pos")])
    write_csv(tmp_path / "training" / "reviews.csv", [("b", "pos")])
    splits, _ = read_folder(tmp_path, DATA)
    assert {split: pairs(rows) for split, rows in splits.items()} == {"test": [("a", "pos")], "train": [("b", "pos")]}


def test_files_that_tell_no_split_are_one_table(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ROWS[:2])
    write_csv(tmp_path / "b.csv", ROWS[2:])
    splits, notes = read_folder(tmp_path, DATA)
    assert list(splits) == ["train"]
    assert pairs(splits["train"]) == ROWS
    assert notes == ()


def test_a_file_that_tells_no_split_beside_some_that_do_is_left_out_and_noted(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", ROWS)
    write_csv(tmp_path / "extra.csv", ROWS)
    splits, notes = read_folder(tmp_path, DATA)
    assert {split: len(rows.texts) for split, rows in splits.items()} == {"train": len(ROWS)}
    assert notes == ("extra.csv was left out: its name tells no split",)


def test_hidden_and_other_files_are_not_read(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", ROWS)
    write_csv(tmp_path / ".train.csv", ROWS)
    (tmp_path / ".cache").mkdir()
    write_csv(tmp_path / ".cache" / "train.csv", ROWS)
    (tmp_path / "README.md").write_text("Read me.", encoding="utf-8")
    splits, notes = read_folder(tmp_path, DATA)
    assert len(splits["train"].texts) == len(ROWS)
    assert notes == ()


def test_a_folder_with_nothing_to_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    with pytest.raises(DataError, match="holds no data") as caught:
        read_folder(tmp_path, DATA)
    assert caught.value.expected == "files that end in .parquet, .csv, .tsv, .jsonl, or train/pos/*.txt"


def test_two_formats_for_one_split_are_refused(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", ROWS)
    write_jsonl(tmp_path / "train.jsonl", ROWS)
    with pytest.raises(DataError, match="holds the train rows in 2 formats") as caught:
        read_folder(tmp_path, DATA)
    assert (caught.value.found, caught.value.hint) == ("train.csv, train.jsonl", "keep one format")


def test_two_splits_may_come_in_two_formats(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", ROWS)
    write_parquet(tmp_path / "test.parquet", ROWS)
    splits, _ = read_folder(tmp_path, DATA)
    assert pairs(splits["train"]) == pairs(splits["test"]) == ROWS


def test_a_broken_file_in_a_folder_is_named(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", ROWS)
    (tmp_path / "test.csv").write_text("text,label\na,b,c\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"test\.csv is ragged"):
        read_folder(tmp_path, DATA)


def test_the_review_tree_is_read_with_pos_and_neg_as_labels(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "train/pos/1_9.txt": "Superb.",
            "train/neg/0_2.txt": "Dull.",
            "train/neg/2_1.txt": "Awful caf\u00e9 scenes.",
            "test/pos/0_10.txt": "None",
            "test/neg/0_3.txt": "A waste<br />of time.",
            "README": "The data set.",
            "train/labeledBow.feat": "0 1:2",
        },
    )
    splits, notes = read_folder(tmp_path, DATA)
    assert {split: pairs(rows) for split, rows in splits.items()} == {
        "train": [("Dull.", "neg"), ("Awful caf\u00e9 scenes.", "neg"), ("Superb.", "pos")],
        "test": [("A waste<br />of time.", "neg"), ("None", "pos")],
    }
    assert notes == ()


def test_unlabelled_reviews_of_the_tree_are_left_out_and_noted(tmp_path: Path) -> None:
    reviews = {"train/pos/0_9.txt": "Superb.", "train/neg/0_2.txt": "Dull.", "train/unsup/0_0.txt": "A film."}
    write_tree(tmp_path, reviews)
    splits, notes = read_folder(tmp_path, DATA)
    assert pairs(splits["train"]) == [("Dull.", "neg"), ("Superb.", "pos")]
    assert notes == ("train/unsup was left out: its reviews have no label",)


def test_a_review_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    write_tree(tmp_path, {"train/pos/0_9.txt": "Superb.", "train/neg/0_2.txt": "Dull."})
    (tmp_path / "train" / "pos" / "1_9.txt").write_bytes(b"na\xefve")
    with pytest.raises(DataError, match=r"1_9\.txt is not UTF-8"):
        read_folder(tmp_path, DATA)


def test_a_review_keeps_its_line_ends(tmp_path: Path) -> None:
    write_tree(tmp_path, {"train/pos/0_9.txt": "", "train/neg/0_2.txt": "Dull."})
    (tmp_path / "train" / "pos" / "0_9.txt").write_bytes(b"one\r\ntwo\rthree\n")
    assert pairs(read_folder(tmp_path, DATA)[0]["train"])[1] == ("one\r\ntwo\rthree\n", "pos")


def test_an_empty_review_tree_is_refused(tmp_path: Path) -> None:
    for name in ("pos", "neg"):
        (tmp_path / "train" / name).mkdir(parents=True)
    with pytest.raises(DataError, match="has no reviews"):
        read_folder(tmp_path, DATA)

from pathlib import Path

import pytest

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.file_sources import SUFFIXES, read_folder, split_of
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.errors import DataError
from written_files import ROWS, WRITERS, pairs, write, write_csv, write_jsonl, write_parquet

DATA = DataConfig()


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


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix != ".txt"])
def test_a_folder_tells_splits_by_the_names_of_its_files(suffix: str, tmp_path: Path) -> None:
    for i, name in enumerate(["imdb_train", "imdb_dev", "imdb_test"]):
        WRITERS[suffix](tmp_path / f"{name}{suffix}", [(f"text {i}", "pos")])
    _, splits, notes = read_folder(tmp_path, DATA)
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
    splits = read_folder(tmp_path, DATA).splits
    assert {split: pairs(rows) for split, rows in splits.items()} == {
        "train": [("train 0", "pos"), ("train 1", "neg")],
        "validation": [("valid 0", "pos"), ("valid 1", "neg")],
        "test": [("test 0", "pos"), ("test 1", "neg")],
    }


def test_the_name_of_the_folder_itself_tells_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "test"
    folder.mkdir()
    write_csv(folder / "reviews.csv", ROWS)
    assert list(read_folder(folder, DATA).splits) == ["train"]


def test_a_file_name_counts_more_than_its_folders(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    write_csv(tmp_path / "training" / "test.csv", [("a", "pos")])
    write_csv(tmp_path / "training" / "reviews.csv", [("b", "pos")])
    splits = read_folder(tmp_path, DATA).splits
    assert {split: pairs(rows) for split, rows in splits.items()} == {"test": [("a", "pos")], "train": [("b", "pos")]}


def test_files_that_tell_no_split_are_one_table(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ROWS[:2])
    write_csv(tmp_path / "b.csv", ROWS[2:])
    _, splits, notes = read_folder(tmp_path, DATA)
    assert list(splits) == ["train"]
    assert pairs(splits["train"]) == ROWS
    assert notes == ()


def test_a_file_that_tells_no_split_beside_some_that_do_is_left_out_and_noted(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", ROWS)
    write_csv(tmp_path / "extra.csv", ROWS)
    _, splits, notes = read_folder(tmp_path, DATA)
    assert {split: len(rows) for split, rows in splits.items()} == {"train": len(ROWS)}
    assert notes == ("extra.csv was left out: its name does not denote a split",)


def test_hidden_and_other_files_are_not_read(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", ROWS)
    write_csv(tmp_path / ".train.csv", ROWS)
    (tmp_path / ".cache").mkdir()
    write_csv(tmp_path / ".cache" / "train.csv", ROWS)
    (tmp_path / "README.md").write_text("Read me.", encoding="utf-8")
    _, splits, notes = read_folder(tmp_path, DATA)
    assert len(splits["train"]) == len(ROWS)
    assert notes == ()


def test_a_folder_with_nothing_to_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    with pytest.raises(DataError, match="holds no data") as caught:
        read_folder(tmp_path, DATA)
    assert caught.value.expected == (
        "files that end in .parquet, .csv, .tsv, .txt, .jsonl, .arrow, each also with .gz or .zst, or train/pos/*.txt"
    )


def test_two_formats_for_one_split_are_refused(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", ROWS)
    write_jsonl(tmp_path / "train.jsonl", ROWS)
    with pytest.raises(DataError, match=r"\(train\) is in 2 formats") as caught:
        read_folder(tmp_path, DATA)
    assert caught.value.found == f"{tmp_path / 'train.csv'}, {tmp_path / 'train.jsonl'}"
    assert caught.value.hint == "keep one format"


def test_two_splits_may_come_in_two_formats(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", ROWS)
    write_parquet(tmp_path / "test.parquet", ROWS)
    splits = read_folder(tmp_path, DATA).splits
    assert pairs(splits["train"]) == pairs(splits["test"]) == ROWS


def test_a_broken_file_in_a_folder_is_named(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", ROWS)
    (tmp_path / "test.csv").write_text("text,label\na,b,c\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"test\.csv is ragged"):
        read_folder(tmp_path, DATA)


def test_a_file_and_the_same_compressed_are_two_formats(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", ROWS)
    write(tmp_path / "train.csv.gz", ROWS)
    with pytest.raises(DataError, match="is in 2 formats"):
        read_folder(tmp_path, DATA)


def test_compressed_files_tell_their_splits_too(tmp_path: Path) -> None:
    write(tmp_path / "train.csv.gz", ROWS[:2])
    write(tmp_path / "test.jsonl.zst", ROWS[2:])
    splits = read_folder(tmp_path, DATA).splits
    assert {split: pairs(rows) for split, rows in splits.items()} == {"train": ROWS[:2], "test": ROWS[2:]}


def test_the_rows_of_several_files_are_known_by_their_file(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ROWS[:2])
    write_csv(tmp_path / "b.csv", ROWS[2:])
    rows = read_folder(tmp_path, DATA).splits["train"]
    assert rows.origin == f"{tmp_path} (train)"
    assert rows.locate([1, 3, 5]) == f"{tmp_path / 'a.csv'}: 1 row (1); {tmp_path / 'b.csv'}: 2 rows (1, 3)"


def test_a_later_file_without_rows_is_named(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ROWS)
    write_csv(tmp_path / "b.csv", [])
    with pytest.raises(DataError, match=r"b\.csv has no rows"):
        read_folder(tmp_path, DATA)


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("part-*.csv", ["0", "1", "2"]),
        ("part-?.csv", ["0", "1", "2"]),
        ("part-[01].csv", ["0", "1"]),
        ("**/*.csv", ["0", "1", "2", "deep"]),
        ("*/*/*.csv", ["deep"]),
        ("p*", ["0", "1", "2"]),
    ],
)
def test_the_files_that_match_a_pattern_are_one_table(pattern: str, texts: list[str], tmp_path: Path) -> None:
    for i in (2, 0, 1):
        write_csv(tmp_path / f"part-{i}.csv", [(str(i), "pos")])
    (tmp_path / "more" / "of").mkdir(parents=True)
    write_csv(tmp_path / "more" / "of" / "them.csv", [("deep", "pos")])
    write_csv(tmp_path / ".part-9.csv", [("hidden", "pos")])
    (tmp_path / "part.md").write_text("Read me.")
    source = f"{tmp_path}/{pattern}"
    raw = load_source(DataConfig(source=source))
    assert sorted(raw.splits["train"].table["text"].to_pylist()) == texts
    assert raw.origin == source
    said = f"{len(texts)} files match {source}" if len(texts) > 1 else f"1 file matches {source}"
    assert raw.notes == (said,)


def test_the_files_that_match_a_pattern_are_divided_like_those_of_a_folder(tmp_path: Path) -> None:
    for name in ("train-0", "train-1", "test-0"):
        write_csv(tmp_path / f"{name}.csv", [(name, "pos")])
    write_csv(tmp_path / "more.csv", [("more", "pos")])
    raw = load_source(DataConfig(source=f"{tmp_path}/*.csv"))
    assert {split: rows.table["text"].to_pylist() for split, rows in raw.splits.items()} == {
        "test": ["test-0"],
        "train": ["train-0", "train-1"],
    }
    assert raw.notes == (f"4 files match {tmp_path}/*.csv", "more.csv was left out: its name does not denote a split")


def test_a_folder_that_a_pattern_names_tells_no_split(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    write_csv(tmp_path / "test" / "part-0.csv", ROWS)
    assert list(load_source(DataConfig(source=f"{tmp_path}/test/*.csv")).splits) == ["train"]


def test_patterns_in_a_mapping_give_its_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("test-0", "test-1", "train-0"):
        write_csv(tmp_path / f"{name}.csv", [(name, "pos")])
    raw = load_source(DataConfig(source={"train": "test-*.csv", "test": "~/train-*.csv"}))
    assert {split: rows.table["text"].to_pylist() for split, rows in raw.splits.items()} == {
        "train": ["test-0", "test-1"],
        "test": ["train-0"],
    }
    assert raw.notes == ("2 files match test-*.csv", "1 file matches ~/train-*.csv")


def test_a_pattern_of_two_formats_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ROWS)
    write_jsonl(tmp_path / "b.jsonl", ROWS)
    for source in (f"{tmp_path}/*", {"train": f"{tmp_path}/*"}):
        with pytest.raises(DataError, match="is in 2 formats"):
            load_source(DataConfig(source=source))


def test_a_name_that_looks_like_a_pattern_is_a_name_where_it_exists(tmp_path: Path) -> None:
    write_csv(tmp_path / "part[1].csv", ROWS)
    write_csv(tmp_path / "part1.csv", ROWS[:1])
    raw = load_source(DataConfig(source=f"{tmp_path}/part[1].csv"))
    assert (pairs(raw.splits["train"]), raw.notes) == (ROWS, ())


@pytest.mark.parametrize(
    ("pattern", "found", "hint"),
    [
        ("reviews/prat-*.csv", "prat-*.csv", "reviews/part-0.csv"),
        ("reveiws/part-*.csv", "reveiws", "reviews"),
        ("reveiws/*/x/*.csv", "reveiws", "reviews"),
        ("reviews/zzz*", "zzz*", None),
        ("reviews/*/*.csv", "*", None),
    ],
)
def test_a_pattern_that_nothing_matches_is_refused_with_what_is_near(
    pattern: str, found: str, hint: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews").mkdir()
    write_csv(tmp_path / "reviews" / "part-0.csv", ROWS)
    with pytest.raises(DataError) as caught:
        load_source(DataConfig(source=pattern))
    assert caught.value.summary == f"no file matches {pattern}"
    assert f" {found} " in f" {caught.value.found} "
    assert caught.value.hint == hint


def test_a_pattern_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("")
    (tmp_path / "b").write_text("")
    with pytest.raises(DataError, match="have an unknown format") as caught:
        load_source(DataConfig(source=f"{tmp_path}/*"))
    assert caught.value.found == ".xlsx, no suffix"

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.columns import RawRows
from imdb_sentiment.data.files import SUFFIXES, missing_file, read_file, read_folder, split_of
from imdb_sentiment.errors import DataError

ROWS = [("A quiet masterpiece.", "pos"), ('Dull, dull, "dull".', "neg"), ("None", "neg"), ("NA", "pos"), ("123", "neg")]
DATA = DataConfig()


def write_delimited(path: Path, rows: list[tuple[str, str]], dialect: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, dialect).writerows([("text", "label"), *rows])


def write_csv(path: Path, rows: list[tuple[str, str]]) -> None:
    write_delimited(path, rows, "excel")


def write_tsv(path: Path, rows: list[tuple[str, str]]) -> None:
    write_delimited(path, rows, "excel-tab")


def write_jsonl(path: Path, rows: list[tuple[str, str]]) -> None:
    lines = [json.dumps({"id": i, "text": text, "label": label}) for i, (text, label) in enumerate(rows)]
    path.write_text("\n".join(lines), encoding="utf-8")


def write_parquet(path: Path, rows: list[tuple[str, str]]) -> None:
    texts, labels = zip(*rows, strict=True)
    pq.write_table(pa.table({"id": range(len(rows)), "text": list(texts), "label": list(labels)}), path)


Write = Callable[[Path, list[tuple[str, str]]], None]
WRITERS: dict[str, Write] = {".csv": write_csv, ".tsv": write_tsv, ".jsonl": write_jsonl, ".parquet": write_parquet}
every_format = pytest.mark.parametrize("suffix", SUFFIXES)


def pairs(rows: RawRows) -> list[tuple[str | None, str | None]]:
    return list(zip(rows.texts.to_pylist(), rows.labels.to_pylist(), strict=True))


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


@every_format
def test_a_file_of_each_format_is_read_the_same(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    WRITERS[suffix](path, ROWS)
    rows, notes = read_file(path, DATA)
    assert pairs(rows) == ROWS
    assert (rows.origin, rows.not_text, notes) == (str(path), (), ())


@every_format
def test_a_suffix_in_capitals_is_known(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"REVIEWS{suffix.upper()}"
    WRITERS[suffix](path, ROWS)
    assert pairs(read_file(path, DATA)[0]) == ROWS


@every_format
def test_a_missing_column_is_named_with_the_nearest_one(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    WRITERS[suffix](path, ROWS)
    with pytest.raises(DataError, match="column 'txet' is not in ") as caught:
        read_file(path, DataConfig(text_column="txet"))
    assert caught.value.hint == "--text-column text"
    assert caught.value.found is not None
    assert "text, label" in caught.value.found


def test_other_columns_may_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "sms.tsv"
    path.write_text("Label\tSMS\nspam\tWIN a prize\nham\tSee you at 5\n", encoding="utf-8")
    rows, _ = read_file(path, DataConfig(text_column="SMS", label_column="Label"))
    assert pairs(rows) == [("WIN a prize", "spam"), ("See you at 5", "ham")]


def test_a_missing_file_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    write_csv(tmp_path / "reviews.csv", ROWS)
    with pytest.raises(DataError, match=r"there is no file or folder .*reveiws\.csv") as caught:
        read_file(tmp_path / "reveiws.csv", DATA)
    assert caught.value.hint == str(tmp_path / "reviews.csv")
    assert caught.value.expected == "a folder or a file (.parquet, .csv, .tsv, .jsonl)"


def test_a_missing_file_in_a_missing_folder_is_named() -> None:
    error = missing_file(Path("nowhere/at/all.csv"))
    assert error.summary == "there is no file or folder nowhere/at/all.csv"
    assert error.hint is None


@pytest.mark.parametrize(
    ("name", "found"), [("reviews.xlsx", ".xlsx"), ("reviews.json", ".json"), ("reviews", "no suffix")]
)
def test_an_unknown_kind_of_file_is_refused(name: str, found: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("text,label", encoding="utf-8")
    with pytest.raises(DataError, match="is of no known kind") as caught:
        read_file(tmp_path / name, DATA)
    assert (caught.value.found, caught.value.expected) == (found, ".parquet, .csv, .tsv, .jsonl")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_an_empty_file_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    path.write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        read_file(path, DATA)


@pytest.mark.parametrize(("suffix", "content"), [(".csv", "text,label\n"), (".tsv", "text\tlabel\n")])
def test_a_header_without_rows_is_refused(suffix: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="has no rows") as caught:
        read_file(path, DATA)
    assert caught.value.expected == "at least one row below the header"


def test_a_parquet_file_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    pq.write_table(pa.table({"text": pa.array([], pa.string()), "label": pa.array([], pa.int64())}), path)
    with pytest.raises(DataError, match="has no rows"):
        read_file(path, DATA)


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".tsv", "\t")])
def test_a_column_that_stands_twice_is_refused(suffix: str, separator: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    lines = [["text", "label", "text"], ["good", "pos", "better"]]
    path.write_text("\n".join(map(separator.join, lines)), encoding="utf-8")
    with pytest.raises(DataError, match="column 'text' stands 2 times"):
        read_file(path, DATA)


def test_a_parquet_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    pq.write_table(
        pa.Table.from_arrays([pa.array(["a"]), pa.array([1]), pa.array([0])], ["text", "label", "label"]), path
    )
    with pytest.raises(DataError, match="column 'label' stands 2 times"):
        read_file(path, DATA)


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_an_empty_label_cell_is_a_missing_label(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    WRITERS[suffix](path, [("good", "pos"), ("", "neg"), ("bad", "")])
    assert pairs(read_file(path, DATA)[0]) == [("good", "pos"), ("", "neg"), ("bad", None)]


def test_how_quotes_were_read_is_handed_on_as_a_note(tmp_path: Path) -> None:
    path = tmp_path / "sms.tsv"
    path.write_text('label\ttext\nneg\t"Never again\npos\tLoved it\n', encoding="utf-8")
    assert read_file(path, DATA)[1] == ("sms.tsv: quote characters are read as ordinary text",)


def test_a_text_of_a_megabyte_in_a_csv_arrives_whole(tmp_path: Path) -> None:
    long = "It goes on, and on. " * 52_500
    write_csv(tmp_path / "reviews.csv", [(long, "neg"), ("short", "pos")])
    assert pairs(read_file(tmp_path / "reviews.csv", DATA)[0]) == [(long, "neg"), ("short", "pos")]


def test_jsonl_values_of_other_types_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    lines = [
        '{"text": "good", "label": 1}',
        '{"text": 5, "label": true}',
        "",
        '{"text": null, "label": null}',
        '{"label": 0.0}',
        '{"text": "\\ud83d", "label": NaN}',
        '{"text": ["a"], "label": "pos", "more": {}}',
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    rows, _ = read_file(path, DATA)
    assert pairs(rows) == [("good", "1"), (None, "true"), (None, None), (None, "0"), (None, None), (None, "pos")]
    assert rows.not_text == (2, 5, 6)


def test_jsonl_may_begin_with_a_byte_order_mark_and_end_lines_as_windows_does(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "a\\r\\nb", "label": 1}\r\n{"text": "c\xe2\x80\xa8d", "label": 0}\r\n')
    assert pairs(read_file(path, DATA)[0]) == [("a\r\nb", "1"), ("c\u2028d", "0")]


@pytest.mark.parametrize(
    "line", [b"{", b"text,label", b'{"text": "a"} {"text": "b"}', b"{'text': 'a'}", b'{"text": "\xff"}', b"[" * 100_000]
)
def test_a_jsonl_line_that_is_no_json_is_named(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_bytes(b'{"text": "good", "label": 1}\n\n' + line + b"\n")
    with pytest.raises(DataError, match=r"line 3 of .*reviews\.jsonl is not JSON in UTF-8") as caught:
        read_file(path, DATA)
    assert caught.value.rows == (3,)
    assert caught.value.found


@pytest.mark.parametrize(
    ("line", "found"), [("[1, 2]", "a list"), ('"text"', "a str"), ("5", "a int"), ("null", "a NoneType")]
)
def test_a_jsonl_line_that_is_no_object_is_named(line: str, found: str, tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_text('{"text": "good", "label": 1}\n' + line, encoding="utf-8")
    with pytest.raises(DataError, match=r"line 2 of .*reviews\.jsonl is no object") as caught:
        read_file(path, DATA)
    assert caught.value.rows == (2,)
    assert caught.value.found == found


@settings(deadline=None, max_examples=100)
@given(
    rows=st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.text("ab", min_size=1)), min_size=1)
)
def test_any_texts_in_jsonl_arrive_unchanged(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    write_jsonl(path, rows)
    assert pairs(read_file(path, DATA)[0]) == rows


@pytest.mark.parametrize("content", [b"", b"text,label\n", b"PAR1", b"PAR1 and nothing else PAR1"])
def test_a_parquet_file_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"reviews\.parquet cannot be read as Parquet") as caught:
        read_file(path, DATA)
    assert caught.value.found


@settings(deadline=None, max_examples=60, derandomize=True)
@given(data=st.data())
def test_a_damaged_parquet_file_gives_a_data_error_or_rows(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    write_parquet(path, [(f"review number {i} " * 3, "pos") for i in range(50)])
    content = bytearray(path.read_bytes())
    start = data.draw(st.integers(4, len(content) - 1))
    content[start : start + 8] = data.draw(st.sampled_from([b"\x00" * 8, b"\xff" * 8, b"", b"PARQUET!"]))
    path.write_bytes(content)
    try:
        rows, _ = read_file(path, DATA)
    except DataError as error:
        assert str(path) in str(error)
    else:
        assert len(rows.texts) == len(rows.labels) > 0


def test_a_parquet_file_with_a_damaged_page_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    pq.write_table(pa.table({"text": ["good", "bad"], "label": [1, 0]}), path)
    content = bytearray(path.read_bytes())
    content[4:20] = b"\xff" * 16  # the first page's header
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"reviews\.parquet cannot be read as Parquet"):
        read_file(path, DATA)


def test_parquet_columns_of_other_types_are_written_out(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    table = {"text": pa.array(["a", "b", "a"]).dictionary_encode(), "label": [True, False, None]}
    pq.write_table(pa.table(table), path)
    assert pairs(read_file(path, DATA)[0]) == [("a", "true"), ("b", "false"), ("a", None)]


@every_format
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

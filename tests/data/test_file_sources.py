from pathlib import Path

import pytest

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.file_sources import SUFFIXES, missing_file, read_file
from imdb_sentiment.errors import DataError
from written_files import ROWS, WRITERS, pairs, write_csv

DATA = DataConfig()
KINDS = ".parquet, .csv, .tsv, .txt, .jsonl, .arrow, each also with .gz or .zst"

every_format = pytest.mark.parametrize("suffix", SUFFIXES)


@every_format
def test_a_file_of_each_format_is_read_the_same(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    WRITERS[suffix](path, ROWS)
    rows = read_file(path, DATA)
    assert pairs(rows) == ROWS
    assert (rows.origin, rows.not_text, rows.notes) == (str(path), (), ())


@every_format
def test_a_suffix_in_capitals_is_known(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"REVIEWS{suffix.upper()}"
    WRITERS[suffix](path, ROWS)
    assert pairs(read_file(path, DATA)) == ROWS


@every_format
def test_a_missing_column_is_named_with_the_nearest_one(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    WRITERS[suffix](path, ROWS)
    with pytest.raises(DataError, match="column 'txet' is not in ") as caught:
        read_file(path, DataConfig(text_column="txet"))
    assert caught.value.hint == "DataConfig(text_column='text')"
    assert caught.value.found is not None
    assert "text, label" in caught.value.found


def test_other_columns_may_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "sms.tsv"
    path.write_text("Label\tSMS\nspam\tWIN a prize\nham\tSee you at 5\n", encoding="utf-8")
    rows = read_file(path, DataConfig(text_column="SMS", label_column="Label"))
    assert pairs(rows) == [("WIN a prize", "spam"), ("See you at 5", "ham")]


def test_a_missing_file_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    write_csv(tmp_path / "reviews.csv", ROWS)
    with pytest.raises(DataError, match=r"there is no file or folder .*reveiws\.csv") as caught:
        read_file(tmp_path / "reveiws.csv", DATA)
    assert caught.value.hint == str(tmp_path / "reviews.csv")
    assert (
        caught.value.expected
        == "a folder or a file (.parquet, .csv, .tsv, .txt, .jsonl, .arrow, each also with .gz or .zst)"
    )


def test_a_missing_file_in_a_missing_folder_is_named() -> None:
    error = missing_file(Path("nowhere/at/all.csv"))
    assert error.summary == "there is no file or folder nowhere/at/all.csv"
    assert error.hint is None


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("reviews.xlsx", ".xlsx"),
        ("reviews.json", ".json"),
        ("reviews", "no suffix"),
        ("reviews.gz", ".gz"),
        ("reviews.json.ZST", ".json.zst"),
    ],
)
def test_an_unknown_kind_of_file_is_refused(name: str, found: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("text,label", encoding="utf-8")
    with pytest.raises(DataError, match="has an unknown format") as caught:
        read_file(tmp_path / name, DATA)
    assert (caught.value.found, caught.value.expected) == (found, KINDS)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_a_file_that_the_system_refuses_is_named(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / f"reviews{suffix}"
    WRITERS[suffix](path, ROWS)
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=r"reviews\..* cannot be read") as caught:
        read_file(path, DATA)
    assert caught.value.found == "Permission denied"


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


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".tsv", "\t")])
def test_a_column_that_stands_twice_is_refused(suffix: str, separator: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    lines = [["text", "label", "text"], ["good", "pos", "better"]]
    path.write_text("\n".join(map(separator.join, lines)), encoding="utf-8")
    with pytest.raises(DataError, match="column 'text' occurs 2 times"):
        read_file(path, DATA)


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_an_empty_label_cell_is_a_missing_label(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    WRITERS[suffix](path, [("good", "pos"), ("", "neg"), ("bad", "")])
    assert pairs(read_file(path, DATA)) == [("good", "pos"), ("", "neg"), ("bad", None)]


def test_how_quotes_were_read_is_handed_on_as_a_note(tmp_path: Path) -> None:
    path = tmp_path / "sms.tsv"
    path.write_text('label\ttext\nneg\t"Never again\npos\tLoved it\n', encoding="utf-8")
    assert read_file(path, DATA).notes == ("sms.tsv: quote characters are read as ordinary text",)


def test_a_text_of_a_megabyte_in_a_csv_arrives_whole(tmp_path: Path) -> None:
    long = "It goes on, and on. " * 52_500
    write_csv(tmp_path / "reviews.csv", [(long, "neg"), ("short", "pos")])
    assert pairs(read_file(tmp_path / "reviews.csv", DATA)) == [(long, "neg"), ("short", "pos")]

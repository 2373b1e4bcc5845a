"""Files without a header: read by the positions of their columns, and recognised where a header was expected."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.file_sources import read_file, read_folder
from imdb_sentiment.data.formats.opening import open_table
from imdb_sentiment.errors import ConfigError, DataError
from written_files import pairs

LINES = [
    ("Bright, quick and never dull.", "1"),
    ('A "quick" one;\x85not\u2028more', "0"),
    ("It ends \x0b\x0c\x1c\x1d\x1e badly.  ", "1"),
]
BY_POSITION = DataConfig(header=False, text_column="1", label_column="2")


def written(path: Path, separator: str, end: str = "\n") -> Path:
    quote = '"' if separator != "\t" else ""
    rows = ((text.replace('"', '""') if quote else text, label) for text, label in LINES)
    content = "".join(f"{quote}{text}{quote}{separator}{label}{end}" for text, label in rows)
    path.write_bytes(content.encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt"])
def test_columns_are_counted_from_one(suffix: str, separator: str, end: str, tmp_path: Path) -> None:
    path = written(tmp_path / f"reviews{suffix}", separator, end)
    assert pairs(read_file(path, BY_POSITION)) == LINES
    if separator == "," and suffix != ".csv":
        return  # texts have commas, and three rows are few
    with open_table(path, ["1"], header=False) as table:
        assert (table.columns, table.rows) == (("1", "2"), 3)
        assert [item for chunk in table.chunks(2) for item in chunk.items] == [(text,) for text, _ in LINES]


def test_texts_with_the_suffixs_own_separator_do_not_mislead(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text("good, but long;1\ndull;0\nshort, sharp, and over;1\n")
    rows = read_file(path, BY_POSITION)
    assert pairs(rows) == [("good, but long", "1"), ("dull", "0"), ("short, sharp, and over", "1")]
    assert rows.notes == ("reviews.csv: the separator is ';'",)


def test_positions_may_be_numbers_and_name_any_column(tmp_path: Path) -> None:
    path = tmp_path / "reviews.tsv"
    path.write_text("7\tpos\tgood\tA\n8\tneg\tbad\tB\n")
    config = DataConfig(header=False, text_column=3, label_column=2, group_column=4)  # type: ignore[arg-type]
    rows = read_file(path, config)
    assert pairs(rows) == [("good", "pos"), ("bad", "neg")]
    assert rows.table["group"].to_pylist() == ["A", "B"]


def test_a_position_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "reviews.tsv", "\t")
    for name in ("0", "3", "text"):
        with pytest.raises(DataError, match=f"column '{name}' is not in .*, whose columns have no names") as caught:
            read_file(path, BY_POSITION.replace(text_column=name))
        assert caught.value.found == "1, 2"


def test_faults_are_counted_from_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes(b"good,1\nbad,0,x\n")
    with pytest.raises(DataError, match=r"is ragged in 1 row \(2\)"):
        read_file(path, BY_POSITION)
    path.write_bytes(b"good,1\nb\xe1\xe1d,0\n")
    with pytest.raises(DataError, match="is not UTF-8 in row 2"):
        read_file(path, BY_POSITION)
    path.write_bytes(b'good,1\n"bad"x,0\n')
    with pytest.raises(DataError, match="is not well-formed in row 2"):
        read_file(path, BY_POSITION)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".arrow"])
def test_formats_whose_columns_have_names_refuse_it(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    path.write_bytes(b"anything")
    with pytest.raises(ConfigError, match="a header can be missing from CSV, TSV and TXT files only"):
        read_file(path, BY_POSITION)
    if suffix != ".arrow":
        with pytest.raises(ConfigError, match="a header can be missing"), open_table(path, ["1"], header=False):
            pass


def test_text_files_in_a_folder_are_read_only_without_headers(tmp_path: Path) -> None:
    written(tmp_path / "train.txt", "\t")
    splits = read_folder(tmp_path, BY_POSITION).splits
    assert pairs(splits["train"]) == LINES
    with pytest.raises(DataError, match="holds no data"):
        read_folder(tmp_path, DataConfig())


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("A film that nobody needs.\t0\nFine.\t1\n", "header=False, text_column='1', label_column='2'"),
        ("1,Superb\n0,Dull\n1,Fine\n", "header=False, text_column='2', label_column='1'"),
        ("7;I left before it was over!;neg\n8;So good;pos\n", "header=False, text_column='2', label_column='N'"),
        ("7;I left early;neg\n8;So good;pos\n9;Dull;neg\n", "header=False, text_column='2', label_column='3'"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt"])
def test_a_first_line_that_is_a_row_is_recognised(content: str, hint: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    path.write_text(content)
    with pytest.raises(DataError, match="has no header: its first line is a row") as caught:
        read_file(path, DataConfig())
    assert caught.value.hint == hint
    shell = caught.value.for_shell(["--text-column", "--label-column"])
    assert f"--no-header --text-column {hint.split(chr(39))[1]} --label-column {hint.split(chr(39))[3]}" in shell


@pytest.mark.parametrize("content", ["review,stars\nfine,5\n", "0,1\ngood,pos\n", "Review of it;stars\nx;1\n", "a,b\n"])
def test_a_header_with_other_names_is_a_header(content: str, tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text(content)
    with pytest.raises(DataError, match="column 'text' is not in"):
        read_file(path, DataConfig())


def test_a_file_of_texts_alone_is_recognised_when_it_is_scored(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("I left before it was over.\nSo good\n")
    with pytest.raises(DataError, match="has no header") as caught, open_table(path, ["text"]):
        pass
    assert "--no-header --text-column 1" in caught.value.for_shell(["--text-column"])


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n\0"), min_size=1, max_size=12)


@settings(deadline=None, max_examples=examples(100))
@given(
    rows=st.lists(st.tuples(cells, st.sampled_from(["0", "1"])), min_size=1, max_size=8),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_lines_of_any_characters_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], end: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    first = ("Begin.", "1")  # a file may begin with a byte order mark, which is no text
    path.write_bytes("".join(f"{text}\t{label}{end}" for text, label in [first, *rows]).encode())
    found = pairs(read_file(path, BY_POSITION))
    assert [label for _, label in found] == ["1", *(label for _, label in rows)]
    quoted = any('"' in text for text, _ in rows)
    assert quoted or found == [first, *rows]

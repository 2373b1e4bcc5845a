from pathlib import Path
from typing import Any

import pytest

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.file_sources import read_file
from imdb_sentiment.data.formats.csv_records import RecordParser
from imdb_sentiment.errors import DataError
from written_files import pairs

DATA = DataConfig()


@pytest.mark.parametrize(
    ("name", "separator", "said"),
    [
        ("a.csv", ",", None),
        ("a.csv", ";", "';'"),
        ("a.csv", "\t", r"'\t'"),
        ("a.csv", "|", "'|'"),
        ("a.tsv", "\t", None),
        ("a.tsv", ",", "','"),
        ("a.tsv", ";", "';'"),
    ],
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_the_header_tells_the_separator(
    name: str, separator: str, said: str | None, quote: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    lines = [["text", "label"], ["fine", "pos"], ["dull", "neg"]]
    path.write_text("".join(separator.join(f"{quote}{field}{quote}" for field in line) + "\n" for line in lines))
    rows = read_file(path, DATA)
    assert pairs(rows) == [("fine", "pos"), ("dull", "neg")]
    assert rows.notes == ((f"{name}: the separator is {said}",) if said else ())


def test_texts_with_the_suffixs_own_separator_do_not_mislead(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text;label;a, b\nso, so, so;neg;1\n"fine; very";pos;2\n')
    assert pairs(read_file(path, DATA)) == [("so, so, so", "neg"), ("fine; very", "pos")]


def test_the_suffixs_own_separator_wins_where_it_fits(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label,a;text;label\nfine,pos,b;c;d\n")
    rows = read_file(path, DATA)
    assert (pairs(rows), rows.notes) == ([("fine", "pos")], ())


def test_a_file_of_tabs_keeps_its_ordinary_quotes_whatever_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text\tlabel\n"Never\tneg\n5" disk\tpos\n')
    rows = read_file(path, DATA)
    assert pairs(rows) == [('"Never', "neg"), ('5" disk', "pos")]
    assert rows.notes == (
        r"a.csv: the separator is '\t'",
        "a.csv: quote characters are read as ordinary text",
    )


@pytest.mark.parametrize(
    ("name", "header", "found"),
    [
        ("a.csv", "Text,label", "Text, label"),
        ("a.csv", "Text;label;stars", "Text, label, stars"),
        ("a.csv", "x,y;Text|label|stars", "x, y;Text|label|stars"),
        ("a.tsv", "Text|label,b,c", "Text|label, b, c"),
    ],
)
def test_a_missing_column_is_told_by_the_separator_that_fits_best(
    name: str, header: str, found: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(f"{header}\nfine,pos\n")
    with pytest.raises(DataError, match=r"column '\w+' is not in") as caught:
        read_file(path, DATA)
    assert caught.value.found == found


@pytest.mark.parametrize("name", ["texts.csv", "texts.tsv"])
def test_a_file_with_one_column_only_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("text\nfine\n", encoding="utf-8")
    with pytest.raises(DataError, match="has only one column") as caught:
        read_file(path, DATA)
    assert caught.value.found == "text"
    assert "a column of texts and a column of labels" in str(caught.value.expected)


def test_a_header_may_stretch_over_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text;"the\nlabel"\nfine;pos\n')
    assert pairs(read_file(path, DataConfig(label_column="the\nlabel"))) == [("fine", "pos")]


def test_a_header_longer_than_a_look_is_read_with_the_suffixs_own_separator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, read = [], RecordParser._any

    def read_and_count(*arguments: Any, **named: Any) -> Any:
        tries.append(1)
        return read(*arguments, **named)

    monkeypatch.setattr(RecordParser, "_any", read_and_count)
    path = tmp_path / "a.csv"
    names = [f"column\n{i}" for i in range(40_000)]
    path.write_text(",".join([f'"{name}"' for name in names] + ["text", "label"]) + "\n" + "," * 40_000 + "fine,pos\n")
    rows = read_file(path, DATA)
    assert (pairs(rows), rows.notes) == ([("fine", "pos")], ())
    assert len(tries) < 100  # not from the start again with each of its lines

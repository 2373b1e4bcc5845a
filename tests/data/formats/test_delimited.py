import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.formats.delimited import read_delimited
from imdb_sentiment.data.raw_rows import collect
from imdb_sentiment.errors import DataError
from written_files import pairs

Pair = tuple[str | None, str | None]

characters = st.characters(exclude_categories=["Cs"])
awkward = st.text(st.sampled_from("\"',;\t\n\r\x00\x1a\x1c\x85\u2028\ufeff\U0001f600 ab"))
cells = st.text(characters, max_size=12) | awkward
tables = st.lists(st.tuples(cells, cells), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("delimited")


def read(path: Path, config: DataConfig | None = None) -> tuple[list[Pair], list[str]]:
    """Read the pairs of text and label, and the notes."""
    rows = collect(read_delimited(path, config or DataConfig()), str(path))
    return pairs(rows), list(rows.notes)


def write_table(path: Path, rows: list[tuple[str, str]], dialect: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, dialect).writerows([("text", "label"), *rows])


def expected(rows: list[tuple[str, str]]) -> list[Pair]:
    return [(text, label or None) for text, label in rows]


@settings(deadline=None, max_examples=examples(100))
@given(rows=tables)
@example(rows=[('a\r\nb\n"c", "d"', ""), ("", "\x00"), ("\ufeff", "\r")])
def test_any_table_written_as_csv_is_read_back_the_same(folder: Path, rows: list[tuple[str, str]]) -> None:
    path = folder / "table.csv"
    write_table(path, rows, "excel")
    assert read(path) == (expected(rows), [])


@settings(deadline=None, max_examples=examples(100))
@given(rows=tables)
@example(rows=[("\x0b", "\x0c"), ("\x1c\x85\u2028", " "), ("'", '"""')])
def test_any_table_without_line_ends_written_as_tsv_is_read_back_the_same(
    folder: Path, rows: list[tuple[str, str]]
) -> None:
    rows = [
        (text.replace("\n", " ").replace("\r", " "), label.replace("\n", " ").replace("\r", " "))
        for text, label in rows
    ]
    path = folder / "table.tsv"
    write_table(path, rows, "excel-tab")
    assert read(path)[0] == expected(rows)


@settings(deadline=None, max_examples=examples(100))
@given(rows=st.lists(st.tuples(st.text(st.sampled_from('"\n ab')), st.text("ab", min_size=1)), min_size=1, max_size=6))
def test_a_quoted_tsv_with_texts_over_several_lines_is_read_back_the_same(
    folder: Path, rows: list[tuple[str, str]]
) -> None:
    path = folder / "lines.tsv"
    write_table(path, rows, "excel-tab")
    assert read(path) == (expected(rows), [])


lone_quotes = st.text(st.sampled_from("\"'ab, \U0001f600"), max_size=8)


@settings(deadline=None, max_examples=examples(200))
@given(rows=st.lists(st.tuples(st.sampled_from(["neg", "pos"]), lone_quotes), min_size=1, max_size=8))
@example(rows=[("neg", '"what'), ("pos", 'ever"')])
@example(rows=[("neg", '"'), ("pos", '5" disk'), ("pos", '"')])
def test_a_tsv_with_quotes_as_ordinary_text_keeps_all_its_rows(folder: Path, rows: list[tuple[str, str]]) -> None:
    path = folder / "quotes.tsv"
    path.write_text("label\ttext\n" + "".join(f"{label}\t{text}\n" for label, text in rows), encoding="utf-8")
    found, notes = read(path)
    assert [label for _, label in found] == [label for label, _ in rows]
    if notes:
        assert [text for text, _ in found] == [text for _, text in rows]


def test_quotes_read_as_ordinary_text_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "sms.tsv"
    path.write_text('label\ttext\nneg\t"Never again\npos\tLoved it"\n', encoding="utf-8")
    found, notes = read(path)
    assert found == [('"Never again', "neg"), ('Loved it"', "pos")]
    assert notes == ["sms.tsv: quote characters are read as ordinary text"]


def test_quotes_that_would_merge_fields_are_ordinary_text(tmp_path: Path) -> None:
    path = tmp_path / "sms.tsv"
    path.write_text('text\tlabel\n"Never\tagain"\nfine\tpos\n', encoding="utf-8")
    assert read(path)[0] == [('"Never', 'again"'), ("fine", "pos")]


def test_a_properly_quoted_tsv_needs_no_note(tmp_path: Path) -> None:
    path = tmp_path / "sms.tsv"
    path.write_text('label\ttext\nneg\t"Never ""ever"" again"\npos\tLoved it\n', encoding="utf-8")
    assert read(path) == ([('Never "ever" again', "neg"), ("Loved it", "pos")], [])


lines = st.lists(st.text(st.sampled_from('",\r\n ab'), max_size=12), max_size=6)


@settings(deadline=None, max_examples=examples(300))
@given(lines=lines)
@example(lines=['5" disk,a', '"b', '",c'])
@example(lines=['a,"b"'])
@example(lines=["", "a,b\r", "", '"c\n\n"",d'])
def test_what_the_csv_module_makes_of_a_file_is_what_is_read(folder: Path, lines: list[str]) -> None:
    path = folder / "any.csv"
    content = "\n".join(["text,label", *lines])
    path.write_text(content, encoding="utf-8", newline="")
    try:
        records = [tuple(record) for record in csv.reader(io.StringIO(content, newline="\n"), strict=True) if record][
            1:
        ]
    except csv.Error:
        records = None
    if records is None or any(len(record) != 2 for record in records):
        with pytest.raises(DataError, match=r"is not well-formed|is ragged"):
            read(path)
    else:
        assert read(path)[0] == [(text, label or None) for text, label in records]


contents = st.binary(max_size=60) | st.text(st.sampled_from('",\t\n\r\x00 ab\ufeff\u00e9'), max_size=60).map(str.encode)


@settings(deadline=None, max_examples=examples(200))
@given(content=contents, suffix=st.sampled_from([".csv", ".tsv"]))
@example(content=b"\xef\xbb\xbf\n", suffix=".csv")
@example(content=b"\n\n,\n", suffix=".csv")
@example(content=b'"', suffix=".csv")
@example(content=b'""\n', suffix=".tsv")
@example(content=b"\r\r\n\ta", suffix=".tsv")
@example(content=b"text\tlabel\n\xff", suffix=".tsv")
def test_any_file_gives_rows_or_a_data_error(folder: Path, content: bytes, suffix: str) -> None:
    path = folder / f"any{suffix}"
    for header in (b"", b"text,label\n", b"text\tlabel\n"):
        path.write_bytes(header + content)
        found: list[Pair] | None = None
        message = ""
        try:
            found, _ = read(path)
        except DataError as error:
            message = error.summary
        assert str(path) in message if found is None else all(text is not None for text, _ in found)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".CSV"])
@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is empty") as caught:
        read(path)
    assert caught.value.expected == "a header line and at least one row"


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".tsv", "\t")])
def test_ragged_rows_are_counted_and_listed(suffix: str, separator: str, tmp_path: Path) -> None:
    lines = [["text", "label"], ["fine", "pos"], ["one", "too", "many"], ["fine", "neg"], ["too few"]]
    path = tmp_path / f"reviews{suffix}"
    path.write_text("".join(separator.join(line) + "\n" for line in lines), encoding="utf-8")
    with pytest.raises(DataError, match=r"is ragged in 2 rows \(2, 4\)") as caught:
        read(path)
    assert caught.value.rows == (2, 4)
    assert caught.value.found == "3 fields in row 2"
    assert caught.value.expected == "2: text, label"
    assert "double quotes" in str(caught.value.hint)


def test_ragged_rows_of_a_long_file_are_counted_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text("text,label\n" + "fine,pos\n" * 30_000 + "oops\n" + "fine,pos\n" * 30_000 + "oops\n")
    with pytest.raises(DataError, match=r"is ragged in 2 rows \(30001, 60002\)"):
        read(path)


@pytest.mark.parametrize("rows", [0, 40_000])
def test_a_quote_that_is_never_closed_is_found_at_its_row(rows: int, tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    content = "text,label\n" + "fine,pos\n" * rows + '"two\nlines",pos\n\n"never closed,neg\nfine,pos\n'
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="not well-formed") as caught:
        read(path)
    assert caught.value.summary == f"{path} is not well-formed in row {rows + 2:,} (line {rows + 5:,})"
    assert caught.value.rows == (rows + 2,)
    assert 'doubled ("")' in str(caught.value.expected)


def test_a_quote_that_is_never_closed_does_not_swallow_a_large_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imdb_sentiment.data.formats.text._MAX_ROW_BYTES", 5_000_000)
    path = tmp_path / "reviews.csv"
    path.write_text('text,label\nfine,pos\n"open,neg\n' + "fine,pos\n" * 1_000_000)
    with pytest.raises(DataError, match=r"has an overlong text in row 2") as caught:
        read(path)
    assert "quoted fields that are closed" in str(caught.value.expected)


def test_text_after_a_closing_quote_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text('text,label\n"so" bad,neg\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"not well-formed in row 1 \(line 2\)"):
        read(path)


def test_a_header_with_an_open_quote_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text('text,"label\nfine,pos\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"not well-formed in its header \(line 1\)") as caught:
        read(path)
    assert caught.value.rows == ()


def test_a_quote_inside_an_unquoted_field_is_text_and_so_is_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text('text,label\n"a ""b"" c",pos\na 5" disk,neg\n"d ""e""\nf",pos\n', encoding="utf-8")
    assert read(path)[0] == [('a "b" c', "pos"), ('a 5" disk', "neg"), ('d "e"\nf', "pos")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_blank_lines_make_no_difference(end: str, tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes(end.join(["text,label", "", "good,pos", "", "bad,neg", ""]).encode())
    assert read(path) == ([("good", "pos"), ("bad", "neg")], [])


@pytest.mark.parametrize("text", ["None", "NA", "123", "null", "nan", "1e5", "true", " padded ", "007", "a\x00b", "\0"])
def test_a_text_that_looks_like_something_else_stays_text(text: str, tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    write_table(path, [(text, "pos")], "excel")
    assert read(path)[0] == [(text, "pos")]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@pytest.mark.parametrize("repeats", [50_000, 200_000])
def test_a_text_of_a_megabyte_or_four_arrives_whole(repeats: int, suffix: str, tmp_path: Path) -> None:
    long = 'It goes on, "and on". ' * repeats
    path = tmp_path / f"reviews{suffix}"
    write_table(path, [(long, "neg"), ("short", "pos")], "excel" if suffix == ".csv" else "excel-tab")
    assert read(path)[0] == [(long, "neg"), ("short", "pos")]


def test_two_texts_a_label_and_a_group_are_read_by_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text("label,body,film,title\npos,good,A,yes\n,bad,,\nneg,,B,no\n", encoding="utf-8")
    config = DataConfig(text_columns=("title", "body"), group_column="film")
    rows = collect(read_delimited(path, config), "reviews.csv")
    assert rows.table.to_pydict() == {
        "text": ["yes", "", "no"],
        "text_pair": ["good", "bad", ""],
        "label": ["pos", None, "neg"],
        "group": ["A", None, "B"],
    }

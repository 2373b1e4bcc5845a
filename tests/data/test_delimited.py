import csv
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imdb_sentiment.data.delimited import read_delimited
from imdb_sentiment.errors import DataError

characters = st.characters(exclude_categories=["Cs"])
awkward = st.text(st.sampled_from("\"',;\t\n\r\x00\x1a\x1c\x85\u2028\ufeff\U0001f600 ab"))
cells = st.text(characters, max_size=12) | awkward
tables = st.lists(st.tuples(cells, cells), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("delimited")


def write_table(path: Path, rows: list[tuple[str, str]], dialect: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, dialect).writerows([("text", "label"), *rows])


def as_lists(rows: list[tuple[str, str]]) -> list[list[str]]:
    return [list(row) for row in rows]


@settings(deadline=None, max_examples=100)
@given(rows=tables)
@example(rows=[('a\r\nb\n"c", "d"', ""), ("", "\x00"), ("\ufeff", "\r")])
def test_any_table_written_as_csv_is_read_back_the_same(folder: Path, rows: list[tuple[str, str]]) -> None:
    path = folder / "table.csv"
    write_table(path, rows, "excel")
    assert read_delimited(path) == (["text", "label"], as_lists(rows), None)


@settings(deadline=None, max_examples=100)
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
    assert read_delimited(path)[:2] == (["text", "label"], as_lists(rows))


@settings(deadline=None, max_examples=100)
@given(rows=st.lists(st.tuples(st.text(st.sampled_from('"\n ab')), st.text("ab", min_size=1)), min_size=1, max_size=6))
def test_a_quoted_tsv_with_texts_over_several_lines_is_read_back_the_same(
    folder: Path, rows: list[tuple[str, str]]
) -> None:
    path = folder / "lines.tsv"
    write_table(path, rows, "excel-tab")
    assert read_delimited(path) == (["text", "label"], as_lists(rows), None)


lone_quotes = st.text(st.sampled_from("\"'ab, \U0001f600"), max_size=8)


@settings(deadline=None, max_examples=200)
@given(rows=st.lists(st.tuples(st.sampled_from(["neg", "pos"]), lone_quotes), min_size=1, max_size=8))
@example(rows=[("neg", '"what'), ("pos", 'ever"')])
@example(rows=[("neg", '"'), ("pos", '5" disk'), ("pos", '"')])
def test_a_tsv_with_quotes_as_ordinary_text_keeps_all_its_rows(folder: Path, rows: list[tuple[str, str]]) -> None:
    path = folder / "quotes.tsv"
    path.write_text("label\ttext\n" + "".join(f"{label}\t{text}\n" for label, text in rows), encoding="utf-8")
    header, records, note = read_delimited(path)
    assert header == ["label", "text"]
    assert [record[0] for record in records] == [label for label, _ in rows]
    if note is not None:
        assert [record[1] for record in records] == [text for _, text in rows]


def test_quotes_read_as_ordinary_text_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "sms.tsv"
    path.write_text('label\ttext\nneg\t"Never again\npos\tLoved it"\n', encoding="utf-8")
    _, records, note = read_delimited(path)
    assert records == [["neg", '"Never again'], ["pos", 'Loved it"']]
    assert note == "sms.tsv: quote characters are read as ordinary text"


def test_a_properly_quoted_tsv_needs_no_note(tmp_path: Path) -> None:
    path = tmp_path / "sms.tsv"
    path.write_text('label\ttext\nneg\t"Never ""ever"" again"\npos\tLoved it\n', encoding="utf-8")
    assert read_delimited(path)[1:] == ([["neg", 'Never "ever" again'], ["pos", "Loved it"]], None)


contents = st.binary(max_size=60) | st.text(st.sampled_from('",\t\n\r\x00 ab\ufeff\u00e9'), max_size=60).map(str.encode)


@settings(deadline=None, max_examples=200)
@given(content=contents, suffix=st.sampled_from([".csv", ".tsv"]))
@example(content=b"\xef\xbb\xbf\n", suffix=".csv")
@example(content=b"\n\n,\n", suffix=".csv")
@example(content=b'"', suffix=".csv")
@example(content=b'""\n', suffix=".tsv")
@example(content=b"\r\r\n\ta", suffix=".tsv")
def test_any_file_is_read_as_a_rectangle_or_gives_a_data_error(folder: Path, content: bytes, suffix: str) -> None:
    path = folder / f"any{suffix}"
    path.write_bytes(content)
    message = ""
    header: list[str] = []
    records: list[list[str]] = []
    try:
        header, records, _ = read_delimited(path)
    except DataError as error:
        message = error.summary
    assert header or str(path) in message
    assert {len(record) for record in records} <= {len(header)}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".CSV"])
@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is empty") as caught:
        read_delimited(path)
    assert caught.value.expected == "a header line and at least one row"


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text("text,label\n", encoding="utf-8")
    assert read_delimited(path) == (["text", "label"], [], None)


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".tsv", "\t")])
def test_ragged_rows_are_counted_and_listed(suffix: str, separator: str, tmp_path: Path) -> None:
    lines = [["text", "label"], ["fine", "pos"], ["one", "too", "many"], ["fine", "neg"], ["too few"]]
    path = tmp_path / f"reviews{suffix}"
    path.write_text("".join(separator.join(line) + "\n" for line in lines), encoding="utf-8")
    with pytest.raises(DataError, match=r"is ragged in 2 rows \(2, 4\)") as caught:
        read_delimited(path)
    assert caught.value.rows == (2, 4)
    assert caught.value.found == "3 fields in row 2"
    assert caught.value.expected == "2: text, label"
    assert "double quotes" in str(caught.value.hint)


def test_bytes_that_are_not_utf8_are_found_on_their_line(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes("text,label\ngut,pos\nna\u00efve,neg\n".encode("windows-1252"))
    with pytest.raises(DataError, match=r"reviews\.csv is not UTF-8") as caught:
        read_delimited(path)
    assert caught.value.found == "byte 0xef at position 21, on line 3"
    assert "iconv" in str(caught.value.hint)


def test_a_utf16_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes("text,label\ngut,pos\n".encode("utf-16"))
    with pytest.raises(DataError, match="is not UTF-8"):
        read_delimited(path)


def test_a_quote_that_is_never_closed_is_found_at_its_row(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text('text,label\n"two\nlines",pos\n"never closed,neg\nfine,pos\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"not well-formed in row 2 \(line 4\)") as caught:
        read_delimited(path)
    assert caught.value.rows == (2,)
    assert 'doubled ("")' in str(caught.value.expected)


def test_text_after_a_closing_quote_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text('text,label\n"so" bad,neg\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"not well-formed in row 1 \(line 2\)"):
        read_delimited(path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_blank_lines_make_no_difference(end: str, tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes(end.join(["text,label", "", "good,pos", "", "bad,neg", ""]).encode())
    assert read_delimited(path) == (["text", "label"], [["good", "pos"], ["bad", "neg"]], None)


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_byte_order_mark_is_not_part_of_the_first_column(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}"
    separator = "," if suffix == ".csv" else "\t"
    path.write_text(f"text{separator}label\nfine{separator}pos\n", encoding="utf-8-sig")
    assert read_delimited(path)[0] == ["text", "label"]


@pytest.mark.parametrize("text", ["None", "NA", "123", "null", "nan", "1e5", "true", " padded ", "007"])
def test_a_text_that_looks_like_something_else_stays_text(text: str, tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    write_table(path, [(text, "pos")], "excel")
    assert read_delimited(path)[1] == [[text, "pos"]]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_text_of_a_megabyte_arrives_whole(suffix: str, tmp_path: Path) -> None:
    long = 'It goes on, "and on". ' * 50_000
    path = tmp_path / f"reviews{suffix}"
    write_table(path, [(long, "neg"), ("short", "pos")], "excel" if suffix == ".csv" else "excel-tab")
    assert read_delimited(path)[1] == [[long, "neg"], ["short", "pos"]]


def test_the_csv_modules_own_limit_is_left_as_it_was(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    write_table(tmp_path / "good.csv", [("fine", "pos")], "excel")
    (tmp_path / "bad.csv").write_text('text,label\n"open', encoding="utf-8")
    read_delimited(tmp_path / "good.csv")
    with pytest.raises(DataError):
        read_delimited(tmp_path / "bad.csv")
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("name", "content", "hint"),
    [
        ("semicolons.csv", "text;label\nfine;pos\n", "the separator seems to be ';'"),
        ("commas.tsv", "text,label\nfine,pos\n", "the separator seems to be ','"),
        ("tabs.csv", "text\tlabel\nfine\tpos\n", r"the separator seems to be '\t'"),
        ("texts.csv", "text\nfine\n", None),
    ],
)
def test_a_file_with_another_separator_is_told_apart(name: str, content: str, hint: str | None, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="has one column only") as caught:
        read_delimited(path)
    assert (caught.value.hint or "").startswith(hint or "no hint") is (hint is not None)

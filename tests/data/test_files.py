from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_files import ROWS, WRITERS, pairs, write_csv, write_jsonl, write_parquet

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.files import SUFFIXES, missing_file, read_file
from imdb_sentiment.errors import DataError

DATA = DataConfig()

every_format = pytest.mark.parametrize("suffix", SUFFIXES)


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
    rows, message = None, ""
    try:
        rows, _ = read_file(path, DATA)
    except DataError as error:
        message = error.summary
    assert str(path) in message if rows is None else len(rows.texts) == len(rows.labels) > 0


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

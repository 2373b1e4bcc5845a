import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.file_sources import read_file
from imdb_sentiment.errors import DataError
from written_files import pairs, write_jsonl

DATA = DataConfig()


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
    rows = read_file(path, DATA)
    assert pairs(rows) == [("good", "1"), (None, "true"), (None, None), (None, "0"), (None, None), (None, "pos")]
    assert rows.not_text == (2, 5, 6)


def test_jsonl_may_begin_with_a_byte_order_mark_and_end_lines_as_windows_does(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "a\\r\\nb", "label": 1}\r\n{"text": "c\xe2\x80\xa8d", "label": 0}\r\n')
    assert pairs(read_file(path, DATA)) == [("a\r\nb", "1"), ("c\u2028d", "0")]


@pytest.mark.parametrize(
    "line", [b"{", b"text,label", b'{"text": "a"} {"text": "b"}', b"{'text': 'a'}", b"[" * 100_000, b"9" * 5000]
)
def test_a_jsonl_line_that_is_no_json_is_named(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_bytes(b'{"text": "good", "label": 1}\n\n' + line + b"\n")
    with pytest.raises(DataError, match=r"reviews\.jsonl is not JSON in row 2 \(line 3\)") as caught:
        read_file(path, DATA)
    assert caught.value.rows == (2,)
    assert caught.value.found


@pytest.mark.parametrize(
    ("line", "found"), [("[1, 2]", "a list"), ('"text"', "a str"), ("5", "a int"), ("null", "a NoneType")]
)
def test_a_jsonl_line_that_is_no_object_is_named(line: str, found: str, tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_text('{"text": "good", "label": 1}\n' + line, encoding="utf-8")
    with pytest.raises(DataError, match=r"reviews\.jsonl is not a JSON object in row 2 \(line 2\)") as caught:
        read_file(path, DATA)
    assert caught.value.rows == (2,)
    assert caught.value.found == found


@settings(deadline=None, max_examples=examples(100))
@given(
    rows=st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.text("ab", min_size=1)), min_size=1)
)
def test_any_texts_in_jsonl_arrive_unchanged(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    write_jsonl(path, rows)
    assert pairs(read_file(path, DATA)) == rows


def write_lines(path: Path, *records: object) -> Path:
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    return path


def test_columns_may_lie_in_objects(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "reviews.jsonl",
        {"review": {"body": "good", "title": {"en": "yes"}}, "label": 1},
        {"review": {"title": None}, "label": 0},
        {"review": None, "label": 0},
        {"review": "none", "label": "a"},
        {"label": 1},
        {"review": {"body": 5, "title": {"en": "no"}}, "label": 1, "author": {"id": 7}},
    )
    config = DataConfig(text_columns=("review.title.en", "review.body"), group_column="author.id")
    rows = read_file(path, config)
    assert rows.table.to_pydict() == {
        "text": ["yes", None, None, None, None, "no"],
        "text_pair": ["good", None, None, None, None, ""],
        "label": ["1", "0", "0", "a", "1", "1"],
        "group": [None, None, None, None, None, "7"],
    }
    assert rows.not_text == (6,)


def test_a_field_that_is_called_so_wins_over_one_in_an_object(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "reviews.jsonl",
        {"review.body": "this", "review": {"body": "that"}, "label": 1},
        {"review": {"body": "that"}, "label": 0},
    )
    assert pairs(read_file(path, DataConfig(text_column="review.body"))) == [("this", "1"), ("that", "0")]


def test_a_column_that_no_row_has_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "reviews.jsonl",
        {"review": {"body": "good", "tags": {}}, "label": 1},
        {"review": {"title": "bad", "scores": {"a": 1, "b": 2}}, "stars": 5},
    )
    with pytest.raises(DataError, match=r"column 'review\.text' is not in ") as caught:
        read_file(path, DataConfig(text_column="review.text"))
    assert (
        caught.value.found == "review.body, review.tags, label, review.title, review.scores.a, review.scores.b, stars"
    )
    assert caught.value.hint == "DataConfig(text_column='review.title')"


def test_a_column_may_first_come_in_a_late_row(tmp_path: Path) -> None:
    records = [{"text": f"text {i}"} for i in range(25_000)]
    path = write_lines(tmp_path / "reviews.jsonl", *records, {"label": 1})
    rows = read_file(path, DATA)
    assert pairs(rows)[-2:] == [("text 24999", None), (None, "1")]


def test_of_very_many_columns_the_first_are_listed(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "reviews.jsonl", *({"text": "a", f"field {i}": 1} for i in range(5000)))
    with pytest.raises(DataError, match="column 'label' is not in") as caught:
        read_file(path, DATA)
    assert str(caught.value.found).startswith("text, field 0, field 1, ")
    assert "field 30" not in str(caught.value.found)


def test_a_blank_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_text("\n  \n")
    with pytest.raises(DataError, match="is empty") as caught:
        read_file(path, DATA)
    assert caught.value.expected == "one JSON object per line"


@pytest.mark.parametrize(
    "line",
    ['{"text": "fine", "label": 0, "label": 1}', '{"text": "fine", "label": 1, "more": {"label": 1, "label": 1}}'],
)
def test_two_fields_of_one_name_are_refused_as_two_columns_are(line: str, tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_text('{"text": "good", "label": 1}\n' + line, encoding="utf-8")
    with pytest.raises(DataError, match=r"reviews\.jsonl is not JSON in row 2 \(line 2\)") as caught:
        read_file(path, DATA)
    assert caught.value.rows == (2,)
    assert caught.value.found == "two fields with the name 'label'"

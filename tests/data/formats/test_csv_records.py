"""Records out of text in blocks of any size: what the csv module makes of the whole text."""

import csv
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.data.formats import csv_records, text
from imdb_sentiment.data.formats.csv_records import RecordParser
from imdb_sentiment.data.formats.text import LongText, TextError, TooLongError


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let records of some characters count as long, and be put aside on disk."""
    monkeypatch.setattr(csv_records, "_LONG", 3)
    monkeypatch.setattr(text, "_MAX_IN_MEMORY", 5)


def by_csv(text: str, separator: str, newline: str) -> list[list[str]] | None:
    lines = [line + newline for line in text.split(newline)]
    lines = [*lines[:-1], lines[-1].removesuffix(newline)]
    try:
        return list(csv.reader(filter(None, lines), delimiter=separator, strict=True))
    except csv.Error:
        return None


@settings(max_examples=examples(500))
@given(
    text=st.text(st.sampled_from('"",;\n\r ab\U0001f600'), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    separator=st.sampled_from(",;"),
    newline=st.sampled_from("\n\r"),
    width=st.integers(0, 3),
)
@example(text='a,"b""\n', cuts=[6], separator=",", newline="\n", width=2)
@example(text='"a\nb""",c\n', cuts=[5, 6, 7], separator=",", newline="\n", width=2)
@example(text="a\r\r\n\r", cuts=[2], separator=",", newline="\n", width=0)
def test_records_are_those_of_the_csv_module(
    text: str, cuts: list[int], separator: str, newline: str, width: int
) -> None:
    places = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    blocks = [text[start:end] for start, end in pairwise(places)]
    try:
        found = list(RecordParser(separator, newline, width).records(blocks))
    except TextError:
        found = None
    assert found == by_csv(text, separator, newline)


def test_a_record_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_MAX_ROW_BYTES", 1000)
    for unit in ("a", "a,", '"a",', "\U0001f600"):
        with pytest.raises(TooLongError):
            list(RecordParser(",").records(unit for _ in range(10_000)))
    with pytest.raises(TooLongError):
        list(RecordParser(",").records(["a,b\n", '"', *(["lines\n"] * 10_000)]))
    assert len(list(RecordParser(",").records(["a,b\n"] * 10_000))) == 10_000


@given(parts=st.lists(st.lists(st.text(max_size=8), max_size=5), max_size=4))
def test_a_long_text_comes_back_and_begins_anew(parts: list[list[str]]) -> None:
    with LongText() as held:
        for some in parts:
            for part in some:
                held.add(part)
            assert held.characters == sum(map(len, some))
            assert held.take() == "".join(some)
        assert held.take() == ""

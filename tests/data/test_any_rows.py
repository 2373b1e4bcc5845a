"""Whatever the rows hold: each one ends in a split or is counted, in its order, or one of our errors says why not."""

from typing import Any

import pandas as pd
import pytest
from dividing import SPLITS, review
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.cleaning import normalise
from imdb_sentiment.data.splits import load_splits
from imdb_sentiment.errors import DataError

WEIRD = st.sampled_from(
    [
        "",
        " \t\n",
        "\x00",
        "a\x00b",
        "\u200b\ufeff",
        "😀",
        "👩\u200d👩\u200d👧",
        "\u05d0\u05d1\u05d2 \u202e\u05d3\u05d4\u202c",
        "مرحبا",
        '"',
        '""quoted"", and\r\nbroken',
        "<br /><br>",
        "�",
        "ÃƒÂ©",
        "NaN",
        "None",
        "\ud83d",
        "a\u0301" * 50,
    ]
)
TEXTS = WEIRD | st.text(max_size=40) | st.none() | st.integers() | st.floats() | st.booleans() | st.binary(max_size=5)
LABELS = st.sampled_from([0, 1, "0", "1", 0.0, 1.0, True, False]) | st.sampled_from([None, float("nan")])


@settings(deadline=None, max_examples=examples(40))
@given(rows=st.lists(st.tuples(TEXTS, LABELS), max_size=25), as_frame=st.booleans(), pairs=st.booleans())
def test_each_row_is_in_one_split_or_counted(rows: list[tuple[Any, Any]], as_frame: bool, pairs: bool) -> None:
    rows = [*rows, *[(review(i), i % 2) for i in range(16)]]
    texts, labels = ([row[i] for row in rows] for i in (0, 1))
    config = DataConfig(invalid_rows="drop", text_columns=("title", "text") if pairs else None)
    if as_frame or pairs:
        columns = {"text": texts, "label": labels, **({"title": texts[::-1]} if pairs else {})}
        data: object = pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in columns.items()})
    else:
        data = (texts, labels)
    try:
        splits = load_splits(config, data).splits
    except DataError:
        return  # such as a split without rows of one label
    counted = sum(part.rows for part in splits.summary.left_out)
    assert counted + sum(len(getattr(splits, split)) for split in SPLITS) == len(rows)
    for split in SPLITS:
        # the texts of a split stand in the source in the same order
        places = iter(texts[::-1] if pairs else texts)
        assert all(any(text == place for place in places) for text in getattr(splits, split)["text"] if text)


@settings(deadline=None, max_examples=examples(40))
@given(rows=st.lists(st.tuples(TEXTS, LABELS), min_size=1, max_size=25))
def test_rows_that_cannot_be_used_are_refused_by_their_numbers(rows: list[tuple[Any, Any]]) -> None:
    rows = [*rows, *[(review(i), i % 2) for i in range(16)]]
    bad = tuple(number for number, row in enumerate(rows, start=1) if not is_usable(*row))
    config = DataConfig(test_fraction=0.4, validation_fraction=0.4)
    try:
        load_splits(config, ([text for text, _ in rows], [label for _, label in rows]))
        refused: tuple[int, ...] = ()
    except DataError as error:
        refused = error.rows if "cannot be used" in error.summary else ()
    assert refused == bad


def is_usable(text: object, label: object) -> bool:
    if not isinstance(text, str) or label is None or label != label:
        return False
    halves = any("\ud800" <= character <= "\udfff" for character in text)
    return not halves and bool(normalise(text))


def test_a_megabyte_of_text_is_a_text_like_any_other() -> None:
    long = "wonderful " * 100_000
    rows = [(long, 1), (long.upper(), 1), *[(review(i), i % 2) for i in range(20)]]
    splits = load_splits(DataConfig(), ([text for text, _ in rows], [label for _, label in rows])).splits
    sides = [[len(text) for text in getattr(splits, split)["text"] if len(text) > 1000] for split in SPLITS]
    assert sorted(map(len, sides)) == [0, 0, 2]


def test_the_error_names_the_file_and_the_row_in_it(tmp_path: Any) -> None:
    for name, bad in (("a", 2), ("b", 3)):
        lines = [f"{review(i)},{i % 2}" for i in range(6)]
        lines[bad - 1] = ",1"
        (tmp_path / f"{name}.csv").write_text("\n".join(["text,label", *lines]))
    with pytest.raises(DataError) as caught:
        load_splits(DataConfig(source=f"{tmp_path}/*.csv"))
    assert caught.value.found == (f"text is blank in {tmp_path / 'a.csv'}: 1 row (2); {tmp_path / 'b.csv'}: 1 row (3)")
    assert caught.value.rows == (2, 9)

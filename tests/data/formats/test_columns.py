import pytest

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.formats.columns import ColumnSpec, check_columns, column_specs
from imdb_sentiment.errors import DataError

WANTED = (ColumnSpec("text", "text_column", "text"), ColumnSpec("label", "label_column", "label"))


def test_a_text_and_a_label_are_wanted() -> None:
    assert column_specs(DataConfig()) == WANTED


def test_two_texts_and_a_group_are_wanted_where_they_are_set() -> None:
    config = DataConfig(text_columns=("title", "body"), label_column="stars", group_column="author")
    assert column_specs(config) == (
        ColumnSpec("title", "text_columns", "text"),
        ColumnSpec("body", "text_columns", "text_pair"),
        ColumnSpec("stars", "label_column", "label"),
        ColumnSpec("author", "group_column", "group"),
    )


def test_other_columns_may_stand_anywhere_and_even_twice() -> None:
    names = ["id", "label", "stars", "text", "stars"]
    check_columns(names, WANTED, "reviews.csv")
    with pytest.raises(DataError, match="column 'stars' occurs 2 times"):
        check_columns(names, [*WANTED, ColumnSpec("stars", "text_column", "text")], "reviews.csv")


def test_a_missing_text_column_is_named_with_the_nearest_one() -> None:
    with pytest.raises(DataError) as caught:
        check_columns(["id", "Texts", "label"], WANTED, "reviews.csv")
    assert str(caught.value).splitlines() == [
        "column 'text' is not in reviews.csv",
        "  found:    id, Texts, label",
        "  expected: the column that holds the text to classify",
        "  try:      DataConfig(text_column='Texts')",
    ]


def test_a_missing_label_column_is_named_with_the_nearest_one() -> None:
    with pytest.raises(DataError, match=r"column 'label' is not in reviews\.csv") as caught:
        check_columns(["text", "lable"], WANTED, "reviews.csv")
    assert caught.value.expected == "the column that holds the label"
    assert caught.value.hint == "DataConfig(label_column='lable')"


def test_without_a_near_name_the_hint_tells_the_option() -> None:
    with pytest.raises(DataError) as caught:
        check_columns(["text", "zzz"], WANTED, "reviews.csv")
    assert caught.value.hint == "DataConfig(label_column='NAME')"


def test_a_table_without_columns_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        check_columns([], WANTED, "reviews.csv")
    assert caught.value.found == "no columns"


@pytest.mark.parametrize("twice", ["text", "label"])
def test_a_wanted_column_that_stands_twice_is_refused(twice: str) -> None:
    with pytest.raises(DataError, match=f"column '{twice}' occurs 2 times in reviews.csv") as caught:
        check_columns(["text", "label", twice], WANTED, "reviews.csv")
    assert caught.value.found == f"text, label, {twice}"


@pytest.mark.parametrize(
    ("missing", "expected", "hint"),
    [
        (
            ColumnSpec("boby", "text_columns", "text_pair"),
            "the column that holds the second text to classify",
            "['body']",
        ),
        (ColumnSpec("flim", "group_column", "group"), "the column that holds rows together", "'film'"),
    ],
)
def test_the_hint_for_other_columns_sets_their_field(missing: ColumnSpec, expected: str, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        check_columns(["text", "label", "body", "film"], [missing], "reviews.csv")
    assert (caught.value.expected, caught.value.hint) == (expected, f"DataConfig({missing.field}={hint})")


def test_of_many_columns_the_first_are_listed() -> None:
    with pytest.raises(DataError) as caught:
        check_columns([f"column {i}" for i in range(25)], WANTED, "reviews.csv")
    assert str(caught.value.found).endswith("column 18, column 19, and 5 more")


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (("titel", "body"), "--set text_columns=title,body"),
        (("title", "boby"), "--set text_columns=title,body"),
        (("title", "zzz"), "--set text_columns=title,NAME"),
    ],
)
def test_the_hint_for_one_of_two_text_columns_names_both(given: tuple[str, str], hint: str) -> None:
    with pytest.raises(DataError) as caught:
        check_columns(["title", "body", "label"], column_specs(DataConfig(text_columns=given)), "reviews.csv")
    assert f"try:      {hint}" in caught.value.for_shell(["--text-column"])

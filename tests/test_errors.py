import inspect
from pathlib import Path

import pytest

from imdb_sentiment import errors
from imdb_sentiment.errors import (
    ConfigError,
    DataError,
    DiskFullError,
    HubUnavailableError,
    ImdbSentimentError,
    InputError,
    MissingExtraError,
    ModelError,
    NotFittedError,
    OutputExistsError,
    TrainingDivergedError,
    list_rows,
    nearest,
)


def test_every_error_class_is_exported_and_has_the_one_root() -> None:
    classes = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)}
    assert classes == set(errors.__all__)
    assert all(issubclass(getattr(errors, name), ImdbSentimentError) for name in classes)


def test_the_tree_in_the_module_docstring_names_every_error() -> None:
    assert errors.__doc__ is not None
    assert [name for name in errors.__all__ if name not in errors.__doc__] == []


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (ConfigError, ValueError),
        (DataError, ValueError),
        (ModelError, ValueError),
        (OutputExistsError, ValueError),
        (TrainingDivergedError, ArithmeticError),
        (DiskFullError, OSError),
        (NotFittedError, RuntimeError),
        (HubUnavailableError, OSError),
        (MissingExtraError, ImportError),
    ],
)
def test_an_error_is_also_the_builtin_one_that_callers_expect(
    kind: type[ImdbSentimentError], builtin: type[Exception]
) -> None:
    assert issubclass(kind, builtin)
    assert issubclass(kind, InputError) is (builtin is ValueError)


def test_a_message_says_what_was_found_what_was_expected_and_how_to_go_on() -> None:
    error = InputError("the box is shut", found="a lock", expected="a lid", hint="the key")
    assert str(error) == "the box is shut\n  found:    a lock\n  expected: a lid\n  try:      the key"
    assert (error.summary, error.found, error.expected, error.hint) == ("the box is shut", "a lock", "a lid", "the key")


def test_a_message_leaves_out_the_parts_that_are_not_known() -> None:
    assert str(ConfigError("no such field", hint="seed")) == "no such field\n  try:      seed"
    assert str(NotFittedError("call fit first")) == "call fit first"


@pytest.mark.parametrize("kind", [DiskFullError, HubUnavailableError, MissingExtraError])
def test_errors_with_special_builtin_bases_print_the_same_message(kind: type[ImdbSentimentError]) -> None:
    assert str(kind("nobody answers", hint="a local folder")) == "nobody answers\n  try:      a local folder"


def test_a_data_error_carries_the_rows_at_fault() -> None:
    assert DataError("three rows are blank", rows=[2, 5, 9]).rows == (2, 5, 9)
    assert DataError("the file is empty").rows == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("txet", "text"), ("TEXT", "text"), ("labels", "Label"), ("qqqq", None), ("", None)],
)
def test_nearest_finds_the_name_that_was_meant(name: str, expected: str | None) -> None:
    assert nearest(name, ["text", "Label", "stars"]) == expected


def test_nearest_of_no_candidates_is_none() -> None:
    assert nearest("text", []) is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([7], "1 row (7)"),
        ([2, 5, 9], "3 rows (2, 5, 9)"),
        ([1, 2, 3, 4, 5], "5 rows (1, 2, 3, 4, 5)"),
        (range(1, 82), "81 rows (1, 2, 3, 4, 5, ...)"),
        (range(1, 1235), "1,234 rows (1, 2, 3, 4, 5, ...)"),
    ],
)
def test_list_rows_shows_the_first_five(rows: list[int], expected: str) -> None:
    assert list_rows(rows) == expected


def test_one_except_clause_catches_what_the_library_raises(tmp_path: Path) -> None:
    from imdb_sentiment.config import DataConfig
    from imdb_sentiment.data.sources import load_source

    with pytest.raises(ImdbSentimentError):
        load_source(DataConfig(source=str(tmp_path / "nowhere.csv")))

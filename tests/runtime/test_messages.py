import copy
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conftest import examples, split_by_a_shell
from imdb_sentiment.errors import DataError
from imdb_sentiment.runtime.messages import Advice, Either, Setting, cut, list_counts, list_values, quote, visible_cell

LONG = "A long text that nobody wants to read whole in a message. " * 200

# what a shell can hand over: no NUL, and of surrogates only those that stand for a byte that is not UTF-8
ARGUMENTS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    | st.sampled_from("'\"$`;\\&| -=\n\x1b\x85\u202e"),
    min_size=1,
    max_size=90,
)


@settings(max_examples=examples(100), deadline=None)
@given(ARGUMENTS)
@example("-x")
@example("$(touch pasted); 'quoted' \"twice\"")
@example("caf\udce9")
def test_a_shell_gives_the_command_what_was_meant(value: str) -> None:
    setting = Setting("positive_label", value, "DataConfig")
    assert split_by_a_shell(setting.for_shell([])) == ["--set", f"positive_label={value}"]
    flagged = setting.for_shell(["--positive-label"])
    assert split_by_a_shell(flagged) in (["--positive-label", value], [f"--positive-label={value}"])
    assert flagged.isprintable()
    assert str(setting) == f"DataConfig(positive_label={value!r})"


@pytest.mark.parametrize(
    ("setting", "flags", "python", "shell"),
    [
        (Setting("overwrite", True), ["--overwrite"], "overwrite=True", "--overwrite"),
        (Setting("clean_text", True, "FineTuneConfig"), [], "FineTuneConfig(clean_text=True)", "--set clean_text=true"),
        (Setting("dropout", None, "FineTuneConfig"), [], "FineTuneConfig(dropout=None)", "--set dropout="),
        (Setting("columns", ["a", "b c"]), ["--columns"], "columns=['a', 'b c']", "--columns 'a,b c'"),
        (Setting("model_name", "x", flag="--model"), ["--model"], "model_name='x'", "--model x"),
        (Setting("model_name", "x", flag="--model"), ["--data"], "model_name='x'", "--set model_name=x"),
    ],
)
def test_a_setting_is_written_for_python_and_for_a_shell(
    setting: Setting, flags: list[str], python: str, shell: str
) -> None:
    assert (str(setting), setting.for_shell(flags)) == (python, shell)


def test_an_error_says_in_python_what_python_takes_and_in_a_shell_what_a_shell_takes() -> None:
    advice = Advice("wait, or ", Setting("overwrite", True), ", ", Either("in a loop", "again"))
    error = DataError("the folder is taken", expected=advice, hint=advice)
    sent = ForkingPickler.loads(ForkingPickler.dumps(error))
    for same in (error, copy.deepcopy(error), sent, DataError("", hint=error.hint)):
        assert same.hint == "wait, or overwrite=True, in a loop"
        assert "try:      wait, or overwrite=True, in a loop" in str(same)
        assert "try:      wait, or --overwrite, again" in same.for_shell(["--overwrite"])
    assert "expected: wait, or --overwrite, again" in error.for_shell(["--overwrite"])


@given(st.text(max_size=300))
def test_a_value_in_a_message_is_short_printable_and_on_one_line(value: str) -> None:
    for shown in (cut(value), quote(value), list_values([value]), list_values([value], quoted=True)):
        assert visible_cell(shown) == shown
    if len(value) <= 40 and value.isprintable():
        assert cut(value) == value
    if len(value) > 40:
        assert value not in cut(value)
        assert value not in quote(value)


@pytest.mark.parametrize(
    "value", [LONG, LONG.encode(), [LONG] * 9, {LONG: LONG}, Path(LONG), {LONG}, 10**4000, object()]
)
def test_a_value_of_any_type_is_cut(value: object) -> None:
    assert len(quote(value)) <= 80
    assert len(cut(value)) <= 40


def test_of_many_values_the_first_are_listed() -> None:
    assert list_values(range(20)).endswith("17, 18, 19")
    assert list_values(range(1_523)).endswith("17, 18, 19, and 1,503 more")
    assert len(list_values([LONG] * 1_000)) < 1_000
    assert list_values([]) == ""
    assert list_counts({"ham": 1_200, LONG: 5}) == f"1,200 ham, 5 {cut(LONG)}"


def test_no_part_of_an_error_prints_what_another_program_said_without_end() -> None:
    error = DataError(LONG, found=LONG, expected=LONG, hint=LONG)
    assert len(str(error)) < 10_000
    assert error.found == LONG

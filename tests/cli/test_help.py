"""Help of every command: headings, whole sentences, eighty columns."""

import re

import pytest
from command import spawn

from imdb_sentiment.cli.app import PANELS, app

NAMES = [command.__name__.replace("_", "-") for commands in PANELS.values() for command in commands]


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def help_of(*command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        app([*command, "--help"], prog_name="imdb-sentiment")
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["", *NAMES])
def test_nothing_is_cut_off_in_eighty_columns(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(*filter(None, [command]), capsys=capsys)
    assert max(map(len, text.splitlines())) <= 80
    assert "..." not in text.replace("[ARGS]...", "").replace("[TEXT]...", "")
    assert "…" not in text


@pytest.mark.parametrize("command", NAMES)
def test_the_last_heading_is_that_of_the_rest(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    headings = re.findall(r"^(\w[\w ]*):$", help_of(command, capsys=capsys), re.MULTILINE)
    assert headings[-1] == "Options"
    assert len(headings) == len(set(headings))


def test_options_stand_below_headings_and_in_one_column(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of("train", capsys=capsys)
    output, data, training = (text.index(f"\n{heading}:\n") for heading in ("Output", "Data", "Model and training"))
    assert output < text.index("--overwrite") < data < text.index("--text-column") < training < text.index("--preset")
    assert {line.index(re.split(r"  +", line)[2]) for line in text.splitlines() if line.startswith("  --")} == {26}
    assert "  MODEL  " in help_of("evaluate", capsys=capsys)  # without the name of a type


def test_commands_stand_below_headings_with_their_whole_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys=capsys)
    for panel in PANELS:
        assert f"\n{panel}:\n" in text
    assert re.findall(r"^  ([a-z][a-z-]+)  ", text, re.MULTILINE) == NAMES
    assert "split, training, test, saved model, predictions." in " ".join(text.split())


def test_a_pipe_gets_the_same_as_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert spawn("train", "--help", env={"COLUMNS": "80"}).out == help_of("train", capsys=capsys)

"""The command as a whole: help, exit codes, and what reaches which stream."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from command import Outcome, run, spawn
from typer.testing import CliRunner

import imdb_sentiment
from imdb_sentiment import (
    ConfigError,
    HubUnavailableError,
    ImdbSentimentError,
    MissingExtraError,
    NotFittedError,
    TrainingInterruptedError,
)
from imdb_sentiment.cli.app import main
from imdb_sentiment.cli.console import print_json, reports_errors, say

COMMANDS = ("demo", "audit", "train", "evaluate", "predict")
SHARED = ("--text-column", "--label-column", "--positive-label", "--negative-label", "--set KEY=VALUE", "--json")


@pytest.mark.parametrize("command", [[], ["train"]], ids=str)
def test_help_of_a_process_of_its_own(command: list[str]) -> None:
    outcome = spawn(*command, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("Usage: imdb-sentiment")


def test_the_version_is_shown_whatever_else_is_asked() -> None:
    expected = Outcome(0, f"imdb-sentiment {imdb_sentiment.__version__}\n", "")
    assert run("--version") == run("--version", "train") == spawn("--version") == expected
    assert run("train", "--version").code == 2


def test_help_names_the_commands() -> None:
    outcome = run("--help")
    for command in COMMANDS:
        assert f"\n  {command} " in outcome.out


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("demo", ["--output DIR"]),
        ("audit", ["[SOURCE]", "--model NAME", "--config FILE", *SHARED]),
        ("train", ["--output DIR", "--data SOURCE", "--model NAME", "--config FILE", "--preset NAME"]),
        (
            "train",
            ["--max-train-samples N", "--resume ", "--overwrite ", "tutorial, fast, balanced or accurate", *SHARED],
        ),
        ("evaluate", ["MODEL", "--data SOURCE", *SHARED]),
        ("predict", ["MODEL", "[TEXT]...", "standard input", "--json"]),
    ],
)
def test_help_of_a_command_names_its_options(command: str, named: list[str]) -> None:
    outcome = run(command, "--help")
    assert outcome.code == 0
    assert [name for name in named if name not in outcome.out] == []


def test_the_installed_command_is_the_module() -> None:
    script = Path(sys.executable).with_name("imdb-sentiment")
    installed = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert installed.stdout == spawn("--help").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Usage: imdb-sentiment"),
        (["tarin"], "Did you mean 'train'?"),
        (["train"], "Missing option '--output'"),
        (["train", "--output", "model", "--max-train-samples", "many"], "Invalid value for '--max-train-samples'"),
        (["train", "--output", "model", "--outptu", "x"], "No such option: --outptu"),
        (["evaluate", "model"], "Missing option '--data'"),
        (["predict"], "Missing argument 'MODEL'"),
    ],
)
def test_a_wrong_command_line_exits_with_2(arguments: list[str], said: str) -> None:
    outcome = run(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("train --lr 1", "try:      --set learning_rate=..."),
        ("train --epochs 3", "try:      --set num_train_epochs=..."),
        ("train --num-train-epochs 3", "try:      --set num_train_epochs=..."),
        ("train --num-labels 2", "try:      leave it out: there are always two labels"),
        ("train --pretrained-model-name-or-path x", "try:      --model ..."),
        ("audit --dropna", "try:      --set invalid_rows=..."),
        ("evaluate --target y", "try:      --label-column ..."),
        ("train --ouput x", "--output"),
    ],
)
def test_an_option_is_known_by_what_other_programs_call_it(
    line: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["imdb-sentiment", *line.split()])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("line", ["train --zzz x", "evaluate --lr 1", "predict --lr 1"])
def test_no_option_is_proposed_that_a_command_does_not_have(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["imdb-sentiment", *line.split()])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr().err
    assert "No such option" in told
    assert "try: " not in told


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("no", hint="yes"), 2),
        (HubUnavailableError("no", hint="yes"), 1),
        (MissingExtraError("no", hint="yes"), 1),
        (NotFittedError("no", hint="yes"), 1),
        (ImdbSentimentError("no", hint="yes"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_of_the_library_become_a_message_and_an_exit_code(error: ImdbSentimentError, code: int) -> None:
    expected = Outcome(code, "", f"{type(error).__name__}: no\n  try:      yes\n")
    assert run_raising(error) == expected


def test_an_interruption_exits_with_130() -> None:
    assert run_raising(KeyboardInterrupt()) == Outcome(130, "", "interrupted\n")


def test_an_interruption_that_can_be_gone_on_from_says_how() -> None:
    error = TrainingInterruptedError("interrupted", found="a checkpoint", hint="train --resume")
    said = "interrupted\n  found:    a checkpoint\n  try:      train --resume\n"
    assert run_raising(error) == Outcome(130, "", said)


@pytest.mark.parametrize(
    "error", [ConfigError("no"), TrainingInterruptedError("interrupted"), KeyboardInterrupt()], ids=str
)
def test_of_several_processes_one_speaks(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("imdb_sentiment.cli.console._ERROR_SECONDS", 0)
    outcomes = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        outcomes.append(run_raising(error))
    main, other = outcomes
    assert main.err
    assert other == Outcome(main.code, "", "")


def test_of_several_processes_one_prints(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        say(f"from {rank}")
        print_json({"from": rank})
    assert capsys.readouterr() == ('from 0\n{\n  "from": "0"\n}\n', "")


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run_raising(ZeroDivisionError())
    script = "from imdb_sentiment.cli import app, train; train.fine_tune_and_save = None; app.main()"
    line = [sys.executable, "-c", script, "train", "--output", "model", "--data", "x", "--model", "minilm"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "TypeError: 'NoneType' object is not callable" in done.stderr


def test_an_interruption_before_the_command_starts_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("imdb_sentiment.cli.training_options.TrainingOptions.read", interrupted)
    assert run("train", "--output", "model") == Outcome(130, "", "interrupted\n")


def run_raising(error: BaseException) -> Outcome:
    """Run a command that fails in a given way."""

    @reports_errors
    def fail() -> None:
        raise error

    failing = typer.Typer(pretty_exceptions_enable=False)
    failing.command()(fail)
    result = CliRunner().invoke(failing, [], catch_exceptions=False)
    return Outcome(result.exit_code, result.stdout, result.stderr)

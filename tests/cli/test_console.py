"""What reaches a terminal, a pipe or a page: nothing that acts on it, whatever the streams are."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import COMMAND, options, run, spawn, write_reviews
from hypothesis import given
from hypothesis import strategies as st

from conftest import make_reviews
from forked import ForkedCommand
from imdb_sentiment import (
    DataConfig,
    FineTuneConfig,
    SentimentClassifier,
    SentimentFineTuner,
    audit_dataset,
    load_config,
    save_config,
)
from imdb_sentiment.cli import console
from imdb_sentiment.cli.console import show
from imdb_sentiment.results import Explanation, WordContribution
from imdb_sentiment.runtime.files import as_path
from imdb_sentiment.runtime.messages import visible

CONTROL_CHARACTERS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
EVIL = "\x1b[31m\x9b2J\u202e\u2066\x7f\r"
"""Colours, a cleared screen, text from right to left, a line that is written over."""


def assert_harmless(*texts: str) -> None:
    for text in texts:
        assert text
        assert CONTROL_CHARACTERS.search(text) is None


def write_evil_reviews(path: Path) -> Path:
    texts, labels = make_reviews(160)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, quoting=csv.QUOTE_ALL)
        table.writerow([f"text{EVIL}", f"label{EVIL}", f"place{EVIL}s"])
        for i, (text, label) in enumerate(zip(texts, labels, strict=True)):
            wrong = i in (7, 30, 88)
            table.writerow([f"{EVIL}{text}", f"{'no' if label == wrong else 'yes'}{EVIL}", f"{EVIL}{i % 2}"])
    return path


@pytest.mark.integration
def test_no_command_shows_what_acts_on_a_terminal(tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    data, model = write_evil_reviews(tmp_path / f"reviews{EVIL}.csv"), tmp_path / f"model{EVIL}"
    columns = ("--text-column", f"text{EVIL}", "--label-column", f"label{EVIL}", "--positive-label", f"yes{EVIL}")
    source = ("--data", data, "--set", f"slice_columns=place{EVIL}s", *columns)
    plain = ("--set", "near_duplicates=ignore")
    page = tmp_path / f"page{EVIL}.html"
    commands: list[tuple[object, ...]] = [
        ("audit", data, *columns, *plain),
        ("train", "--output", model, *source, *plain, *options(tiny_config)),
        ("train", "--output", model, *source, *plain, *options(tiny_config)),  # is there already
        ("evaluate", model, *source),
        ("evaluate", model, "--data", data),  # no such column
        ("predict", model, f"dull{EVIL}", "superb"),
        ("predict", model, "--input", data, "--output", tmp_path / "out.csv", *columns[:2], "--prefix", f"our{EVIL}_"),
        ("predict", model, "--input", data, "--output", tmp_path / f"out{EVIL}.txt"),  # another kind
        ("label-issues", *source[:2], *columns, *plain, "--output", tmp_path / f"suspects{EVIL}.csv"),
        ("report", model, *source, *plain, "--output", page),
        ("report", model, *source, *plain, "--output", page),  # is there already
        ("audit", tmp_path / f"absent{EVIL}.csv"),
    ]
    codes = []
    for command in commands:
        outcome = run(*command)
        codes.append(outcome.code)
        assert_harmless(outcome.out + outcome.err)
    assert codes == [0, 0, 2, 0, 2, 0, 0, 2, 0, 0, 2, 2]
    card, html = (model / "README.md").read_text(encoding="utf-8"), page.read_text(encoding="utf-8")
    assert_harmless(card, html)
    assert r"yes\x1b\[31m" in card
    assert r"\x1b[31m\x9b2J\u202e\u2066\x7f\rSeen" in html
    classifier = SentimentClassifier.from_pretrained(model, device="cpu")
    assert classifier.labels[1] == f"yes{EVIL}"
    markdown = classifier.evaluate([f"dull{EVIL}", "superb"], [0, 1]).to_markdown()
    assert_harmless(markdown)


def test_colours_of_an_explanation_are_all_that_reaches_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"{EVIL}dull {EVIL}story{EVIL}"
    words = [
        WordContribution(word=text[start:end], start=start, end=end, part=0, score=score)
        for start, end, score in ((0, len(EVIL) + 4, -1.0), (len(EVIL) + 5, len(text) - 2, 0.01))
    ]
    explanation = Explanation(
        texts=(text,),
        labels=("no", f"yes{EVIL}"),
        label=f"yes{EVIL}",
        score=0.9,
        words=tuple(words),
        completeness_error=0,
        steps=1,
    )
    show(explanation)
    plain = capsys.readouterr().out
    for name, value in {"FORCE_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    show(explanation)
    coloured = capsys.readouterr().out
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == f"{visible(text)}\n" != coloured
    assert_harmless(plain, re.sub(r"\x1b\[[0-9;]*m", "", coloured), explanation.to_html(), str(explanation))


@pytest.mark.parametrize("no_colour", [False, True])
def test_an_audit_is_in_colour_on_a_terminal_that_may_have_it(
    no_colour: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = audit_dataset((["good film", "good film", "dull film", ""], [1, 0, 0, 1]))
    for name, value in {"FORCE_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    if not no_colour:
        monkeypatch.delenv("NO_COLOR", raising=False)
    show(audit)
    shown = capsys.readouterr().out
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown) == f"{audit}\n"
    coloured = [line for line in shown.splitlines() if "\x1b" in line]
    assert coloured == [] if no_colour else "\x1b[1;31merrors: training rejects the data as they are\x1b[0m" in coloured
    assert no_colour or "\x1b[31m  text_blank\x1b[0m" in coloured


@given(
    text=st.text(st.characters(), max_size=20) | st.text("".join(map(chr, range(0xA0))) + EVIL + '\ud800\U0001f600\\"n')
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_json_is_exact_and_harmless(encoding: str, text: str) -> None:
    content = {"text": text, text: [text]}
    written: list[str] = []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console, "_write", lambda _, told: written.append(told))
        patch.setattr(sys, "stdout", open(os.devnull, "w", encoding=encoding))  # noqa: PTH123, SIM115
        console.print_json(content)
        sys.stdout.close()
    (told,) = written
    assert json.loads(told.encode(encoding)) == content
    assert_harmless(told)


@pytest.mark.integration
def test_a_model_outlives_whoever_reads_about_its_training(tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    data = write_reviews(tmp_path / "reviews.csv")
    plain = ["--set", "near_duplicates=ignore"]
    command = ["train", "--data", data, *plain, *options(tiny_config, num_train_epochs=1)]
    with ForkedCommand(*command, "--output", tmp_path / "model") as process:
        assert process.stdout.readline().startswith(b"split")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0
    assert SentimentClassifier.from_pretrained(tmp_path / "model").labels == ("negative", "positive")
    with (
        open("/dev/full", "w") as full,  # noqa: PTH123
        ForkedCommand(*command, "--output", tmp_path / "full", stdout=full.fileno()) as process,
    ):
        told = process.stderr.read()
        assert process.wait() == 2
    assert told.startswith(b"DiskFullError: standard output is full\n  found:    No space left on device\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "reviews.csv"]


@pytest.mark.integration
def test_predictions_for_nobody_end_quietly(saved_model: Path) -> None:
    text = json.dumps({"text": "dull"}).encode() + b"\n"
    for arguments in (["--json-lines"], ["dull", "superb"]):
        with ForkedCommand("predict", saved_model, *arguments) as process:
            process.stdout.close()
            process.stdin.write(text)
            process.stdin.flush()  # and stays open: nobody waits for more
            assert process.stderr.read() == b""
            assert process.wait() == 1


def assert_told(code: int, errors: bytes) -> None:
    assert code == 2
    assert errors.startswith(b"DiskFullError: standard output is full\n")
    assert b"Traceback" not in errors
    assert b"Exception ignored" not in errors


@pytest.mark.integration
def test_a_full_standard_output_is_told(tmp_path: Path) -> None:
    data = write_reviews(tmp_path / "reviews.csv")
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
        assert_told(done.returncode, done.stderr)
        for arguments in (["audit", data], ["audit", data, "--json"]):
            with ForkedCommand(*arguments, stdout=full.fileno()) as process:
                errors = process.stderr.read()
                assert_told(process.wait(), errors)


def test_a_report_for_nobody_ends_quietly(tmp_path: Path) -> None:
    with ForkedCommand("audit", write_reviews(tmp_path / "reviews.csv")) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


@pytest.mark.integration
@pytest.mark.parametrize(("redirection", "code"), [("2>&1 | true", 1), ("<&- >&- 2>&-", 0)])
def test_streams_that_are_closed(redirection: str, code: int, tmp_path: Path) -> None:
    write_reviews(tmp_path / "reviews.csv")
    line = f"set -o pipefail; {sys.executable} -m imdb_sentiment audit reviews.csv {redirection}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=tmp_path, check=False)  # noqa: S607
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.integration
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_streams_of_any_encoding(encoding: str, tmp_path: Path) -> None:
    data = write_reviews(tmp_path / "\u2192.csv", names="schlecht\u2192 \U0001f600gut")
    shown = spawn("audit", data, env={"PYTHONIOENCODING": encoding})
    assert (shown.code, shown.err) == (0, "")
    assert "schlecht?" in shown.out
    told = spawn("audit", "absent\u2192.csv", env={"PYTHONIOENCODING": encoding})
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("DataError: there is no file or folder absent\\u2192.csv\n")


@pytest.mark.integration
def test_what_was_typed_is_shown_harmlessly() -> None:
    for arguments in ([f"--absent{EVIL}"], ["audit", "reviews.csv", EVIL], [f"absent{EVIL}"]):
        outcome = spawn(*arguments)
        assert (outcome.code, outcome.out) == (2, "")
        assert "\\x1b[31m" in outcome.err
        assert_harmless(outcome.err)


@pytest.mark.integration
def test_a_tilde_is_the_home_folder_wherever_something_is_written(
    tiny_config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    data = DataConfig(near_duplicates="ignore")
    tuner = SentimentFineTuner(data, tiny_config.replace(num_train_epochs=1), output_dir="~/run")
    tuner.fit(make_reviews(60))
    classifier = SentimentClassifier.from_pretrained(tuner.save("~/model"))
    tuner.evaluate().save_html("~/page.html")
    save_config("~/config.yaml", data, tiny_config)
    assert load_config("~/config.yaml") == (data, tiny_config)
    (home / "texts.csv").write_text("text\nA lovely film.\n", encoding="utf-8")
    classifier.predict_file("~/texts.csv", "~/predicted.csv")
    assert run("predict", "~/model", "--input=~/texts.csv", "--output=~/again.csv").code == 0
    assert (home / "again.csv").read_bytes() == (home / "predicted.csv").read_bytes()
    assert {"run", "model", "page.html", "config.yaml"} < {path.name for path in home.iterdir()}
    assert list(here.iterdir()) == []
    assert as_path("~nobody-has-this-name/run", "path") == Path("~nobody-has-this-name/run")

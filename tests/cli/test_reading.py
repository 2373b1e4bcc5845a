"""Files and streams as people have them, through the command: read, or refused before anything is made."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import COMMAND, options, run, snapshot, write_reviews

from conftest import make_reviews
from imdb_sentiment import FineTuneConfig

GOOD, BAD = "Seen at home: superb.", "Seen at home: dull."


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_standard_input_with_any_mark_and_line_end_is_read(saved_model: Path, encoding: str, newline: str) -> None:
    texts = [f"{GOOD} \x85\u2028\x0b é", BAD]
    objects = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    answered = run("predict", saved_model, "--json-lines", stdin=newline.join([*objects, ""]).encode(encoding))
    assert (answered.code, answered.err) == (0, "")
    rows = [json.loads(line) for line in answered.out.split("\n") if line]
    assert [(row["text"], row["label"]) for row in rows] == [(texts[0], "positive"), (texts[1], "negative")]
    told = run(
        "predict",
        saved_model,
        "--json",
        stdin=newline.join([*texts, ""] if newline != "\r" else texts).encode(encoding),
    )
    assert [part["label"] for part in told.read_json()["predictions"]] == ["positive", "negative"]


@pytest.mark.parametrize("options", [(), ("--json-lines",)])
@pytest.mark.parametrize(
    ("content", "found"),
    [
        (gzip.compress(b"superb\n", mtime=0), "gzip"),
        (b"PK\x03\x04\0\0xl/workbook.xml", "a spreadsheet"),
        (b"%PDF-1.4\n", "a PDF"),
    ],
)
def test_standard_input_that_is_no_text_is_told(
    saved_model: Path, content: bytes, found: str, options: tuple[str, ...]
) -> None:
    outcome = run("predict", saved_model, *options, stdin=content)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("DataError: standard input is not text")
    assert found in outcome.err


@pytest.mark.integration
def test_a_file_without_a_header_goes_through_all_commands(
    tiny_config: FineTuneConfig, saved_model: Path, tmp_path: Path
) -> None:
    source = tmp_path / "reviews.txt"
    texts, labels = make_reviews(60)
    source.write_bytes("".join(f"{text}\x85\t{label}\r\n" for text, label in zip(texts, labels, strict=True)).encode())
    data = ("--no-header", "--text-column", "1", "--label-column", "2", "--set", "near_duplicates=ignore")
    trained = run("train", "--data", source, "--output", tmp_path / "new", *data, *options(tiny_config), "--json")
    assert trained.code == 0, trained.err
    assert run("audit", source, *data).code == 0
    assert run("evaluate", saved_model, "--data", source, *data, "--json").read_json()["test"]["rows"] == 60
    assert run("report", saved_model, "--data", source, *data, "--output", tmp_path / "report.html").code == 0
    assert run("label-issues", "--data", source, *data).code == 0
    for model, column in ((saved_model, ("--text-column", "1")), (tmp_path / "new", ())):
        target = tmp_path / f"{model.name}.txt"
        scored = run("predict", model, "--input", source, "--output", target, "--no-header", *column)
        assert scored.code == 0, scored.err
        lines = target.read_bytes().decode().split("\n")
        assert len(lines) == 61
        assert lines[0].split("\t")[:3] == [f"{texts[0]}\x85", "0", "negative"]


@pytest.mark.parametrize("command", ["audit", "train", "evaluate", "predict"])
def test_the_way_on_for_a_file_without_a_header_is_exact(
    command: str, saved_model: Path, tiny_config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    texts, labels = make_reviews(60)
    source = tmp_path / "reviews.tsv"
    source.write_text("".join(f"{label}\t{text}\n" for text, label in zip(texts, labels, strict=True)))
    arguments = {
        "audit": ["audit", source],
        "train": [
            "train",
            "--data",
            source,
            "--output",
            "new",
            *options(tiny_config),
            "--set",
            "near_duplicates=ignore",
        ],
        "evaluate": ["evaluate", saved_model, "--data", source],
        "predict": ["predict", saved_model, "--input", source, "--output", "out.tsv"],
    }[command]
    refused = run(*arguments)
    assert refused.code == 2
    assert "reviews.tsv has no header: its first line is a row" in refused.err
    assert [path.name for path in tmp_path.iterdir()] == ["reviews.tsv"]
    hint = refused.err.rpartition("try:")[2].split()
    assert hint == ["--no-header", "--text-column", "2", *([] if command == "predict" else ["--label-column", "1"])]
    assert run(*arguments, *hint).code == 0


@pytest.mark.integration
def test_parquet_with_two_columns_of_one_name_is_scored_and_learnt_from(
    tiny_config: FineTuneConfig, saved_model: Path, tmp_path: Path
) -> None:
    texts, labels = make_reviews(60)
    numbers = list(range(60))
    table = pa.Table.from_arrays(
        [pa.array(numbers), pa.array(texts), pa.array([str(n) for n in numbers]), pa.array(labels)],
        ["id", "text", "id", "stars"],
    )
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(table, source)
    assert run("predict", saved_model, "--input", source, "--output", target).code == 0
    found = pq.ParquetFile(target).read()
    assert found.column_names == ["id", "text", "id", "stars", "label", "score", "reason"]
    assert found.select([0, 1, 2, 3]).equals(table)
    data = ("--data", source, "--label-column", "stars")
    assert run("evaluate", saved_model, *data, "--json").read_json()["test"]["rows"] == 60
    more = ("--set", "near_duplicates=ignore", *options(tiny_config))
    assert run("train", *data, "--output", tmp_path / "new", *more).code == 0


def test_a_file_that_is_something_else_is_refused_before_anything_is_made(
    tiny_config: FineTuneConfig, saved_model: Path, tmp_path: Path
) -> None:
    source = tmp_path / "reviews.csv"
    source.write_bytes(gzip.compress(write_reviews(tmp_path / "plain.csv").read_bytes()))
    before = snapshot(tmp_path)
    for arguments in (
        ("train", "--data", source, "--output", tmp_path / "new", *options(tiny_config)),
        ("audit", source),
        ("evaluate", saved_model, "--data", source),
        ("predict", saved_model, "--input", source, "--output", tmp_path / "out.csv"),
    ):
        outcome = run(*arguments)
        assert outcome.code == 2
        assert "reviews.csv is not CSV, despite its name" in outcome.err
        assert "call it reviews.csv.gz" in outcome.err
        assert snapshot(tmp_path) == before


PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=sys.stdin, capture_output=True, text=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, done.returncode, done.stderr)
"""


def peak_of(*arguments: object, stdin: Path) -> tuple[int, int, str]:
    """Run the command in a process of its own; return the most memory it took, in MB, its exit code, and its errors."""
    with stdin.open("rb") as source:
        line = [sys.executable, "-c", PEAK, *COMMAND, *map(str, arguments)]
        told = subprocess.run(line, stdin=source, capture_output=True, text=True, check=True).stdout
    peak, code, errors = told.split(" ", 2)
    return int(peak) * 1024 // 10**6, int(code), errors


ONE_AFTER_THE_OTHER = """
import json, re, sys
from typer.testing import CliRunner
from imdb_sentiment.cli.app import app
for arguments in json.loads(sys.argv[1]):
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    with open("/proc/self/status") as status:  # getrusage knows the process that this one was forked from, too
        peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1])
    print(json.dumps([peak * 1024 // 10**6, done.exit_code, done.stderr]))
"""


def peaks_of(*commands: Sequence[object]) -> list[tuple[int, int, str]]:
    """Run commands one after the other in a process of their own.

    Returns:
        The most memory that the process has taken up to then, in MB, the exit code, and the errors of each.
    """
    line = [sys.executable, "-c", ONE_AFTER_THE_OTHER, json.dumps(commands, default=str)]
    told = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    return [(peak, code, errors) for peak, code, errors in map(json.loads, told.splitlines())]


BOMBS = {
    ".csv": b'text,label\n"',
    ".tsv": b"text\tlabel\n",
    ".jsonl": b'{"text": "',
}


def gzipped(path: Path, head: bytes, unit: bytes) -> Path:
    with gzip.open(path, "wb", compresslevel=1) as file:
        write_endless(file, head, unit)
    return path


def zstandard(path: Path, head: bytes, unit: bytes) -> Path:
    with pa.OSFile(str(path), "wb") as plain, pa.CompressedOutputStream(plain, "zstd") as file:
        write_endless(file, head, unit)
    return path


def write_endless(file: Any, head: bytes, unit: bytes) -> None:
    file.write(head)
    for _ in range(400):
        file.write(unit * (10**6 // len(unit)))


@pytest.mark.integration
@pytest.mark.parametrize("compress", [gzipped, zstandard])
def test_a_row_of_hundreds_of_megabytes_is_refused_in_little_memory(
    compress: Callable[[Path, bytes, bytes], Path], saved_model: Path, tmp_path: Path
) -> None:
    end = ".gz" if compress is gzipped else ".zst"
    bombs = {suffix: compress(tmp_path / f"bomb{suffix}{end}", head, b"good film ") for suffix, head in BOMBS.items()}
    before = sorted(tmp_path.iterdir())
    commands: list[Sequence[object]] = []
    for suffix, bomb in bombs.items():
        commands += [
            ("audit", bomb),
            ("train", "--data", bomb, "--output", tmp_path / "new"),
            ("predict", saved_model, "--input", bomb, "--output", tmp_path / f"out{suffix}"),
        ]
    for command, (peak, code, errors) in zip(commands, peaks_of(*commands), strict=True):
        assert (code, "has an overlong text" in errors) == (2, True), (command, errors)
        assert peak < 300, command
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.integration
@pytest.mark.parametrize("options", [(), ("--json-lines",)])
def test_a_line_of_gigabytes_on_standard_input_is_refused_in_little_memory(
    options: tuple[str, ...], saved_model: Path, tmp_path: Path
) -> None:
    endless = tmp_path / "endless"
    with endless.open("wb") as file:
        file.truncate(1_500_000_000)  # a hole: it takes no room on the disk
    peak, code, errors = peak_of("predict", saved_model, *options, stdin=endless)
    assert (code, "standard input has an overlong text" in errors) == (2, True), errors
    assert peak < 300


SUFFIXES = (".csv", ".jsonl")


def write_with_long_text(path: Path, size: int) -> Path:
    """Write a few reviews, and one of so many MB."""
    long = "the film was superb and nobody left before its end. " * (size * 10**6 // 52)
    with path.open("w", newline="") as file:
        if path.suffix == ".csv":
            file.write("text,mark\n")
        for text, label in [*zip(*make_reviews(20), strict=True), (long, 1)]:
            fields = f'"{text}",{label}' if path.suffix == ".csv" else json.dumps({"text": text, "mark": label})
            file.write(f"{fields}\n")
    return path


@pytest.mark.integration
@pytest.mark.parametrize(
    ("small", "large", "suffixes"),
    # at the smaller ones all has been imported, and what is looked at in part is as large as ever
    [(4, 12, SUFFIXES[-1:]), pytest.param(8, 24, SUFFIXES, marks=pytest.mark.simulation)],
)
def test_each_megabyte_of_a_text_takes_less_than_seven(
    small: int, large: int, suffixes: tuple[str, ...], saved_model: Path, tmp_path: Path
) -> None:
    """With what a command takes for any text, a text of 95 MB, which may be read, takes less than 950."""
    lines: list[Sequence[object]] = []
    for size in (small, large):
        for source in [write_with_long_text(tmp_path / f"{size}{end}", size) for end in suffixes]:
            lines += [
                ("audit", source, "--label-column", "mark"),
                ("predict", saved_model, "--input", source, "--output", source.with_stem(f"out-{source.stem}")),
            ]
    told = peaks_of(*lines)
    assert {code for _, code, _ in told} == {0}, told
    peaks = [peak for peak, _, _ in told]
    assert peaks[-1] - peaks[len(peaks) // 2 - 1] < 7 * (large - small), dict(zip(lines, peaks, strict=True))

"""`imdb-sentiment predict` with files and in a pipe."""

import csv
import json
import re
from pathlib import Path

import pytest
from command import run, write_reviews

from conftest import make_reviews
from forked import ForkedCommand

GOOD, BAD = "Seen at home: superb.", "Seen at home: dull."


def test_a_file_is_scored(saved_model: Path, tmp_path: Path) -> None:
    write_reviews(tmp_path / "in.csv", 30)
    target = tmp_path / "out.csv"
    outcome = run("predict", saved_model, "--input", tmp_path / "in.csv", "--output", target, "--prefix", "our_")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("30 rows: 15 negative, 15 positive\n")
    assert outcome.out.endswith(f"The file is {target}.\n")
    assert target.read_text().splitlines()[0].endswith(",our_label,our_score,our_reason")
    again = run("predict", saved_model, "--input", tmp_path / "in.csv", "--output", target, "--prefix", "our_")
    assert (again.code, again.err.partition(":")[0]) == (2, "OutputExistsError")
    shared = run(
        "predict",
        saved_model,
        *(
            "--input",
            tmp_path / "in.csv",
            "--output",
            tmp_path / "2.csv",
            "--prefix",
            "our_",
            "--shard",
            "2/2",
            "--json",
        ),
    )
    assert shared.read_json()["file"]["rows"] == 0  # thirty rows are one part, and the first share has it


def test_a_cascade(saved_model: Path, saved_pair_model: Path, tmp_path: Path) -> None:
    source = write_reviews(tmp_path / "in.csv", 30)
    outcome = run(
        "predict", saved_model, "--cascade", "--input", source, "--output", tmp_path / "out.csv", "--prefix", "our_"
    )
    share = re.search(
        r"^(\d+)% of the labels were predicted by the TF-IDF model, the rest by the encoder$", outcome.out, re.MULTILINE
    )
    assert share
    said = run("predict", saved_model, "--cascade", *make_reviews(30)[0], "Zzyzx qwrtp.")
    counts = re.fullmatch(r"answered by the TF-IDF model: (\d+) of 31\n", said.err)
    assert counts
    assert int(counts[1]) > 0
    assert f"{int(counts[1]) / 30:.0%}" == f"{share[1]}%"  # of the same thirty; the last one has no word that it knows
    assert "answered by" in run("evaluate", saved_model, "--cascade", "--data", source, "--json").out
    lines = run("predict", saved_model, "--cascade", "--json-lines", stdin=json.dumps({"text": BAD}) + "\n")
    assert json.loads(lines.out)["label"] == "negative"
    refused = run("predict", saved_pair_model, "--cascade", "A\tB")
    assert (refused.code, refused.err.partition("\n")[0]) == (2, "ModelError: the model has no cascade")


def test_an_ensemble(saved_model: Path, saved_pair_model: Path, tmp_path: Path) -> None:
    source = write_reviews(tmp_path / "in.csv", 30)
    outcome = run(
        "predict", saved_model, "--ensemble", "--input", source, "--output", tmp_path / "out.csv", "--prefix", "our_"
    )
    assert (outcome.code, outcome.err) == (0, "")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        written = [float(row["our_score"]) for row in csv.DictReader(file)]
    said = run("predict", saved_model, "--ensemble", "--json", *make_reviews(30)[0]).read_json()["predictions"]
    assert written == pytest.approx([one["score"] for one in said], abs=1e-5)
    report = run("evaluate", saved_model, "--ensemble", "--data", source, "--json").read_json()["test"]
    assert report["encoder_alone"]["name"] == "the encoder alone"
    assert report["encoder_alone"]["comparison"]["rows"] == 30
    lines = run("predict", saved_model, "--ensemble", "--json-lines", stdin=json.dumps({"text": BAD}) + "\n")
    assert json.loads(lines.out)["label"] == "negative"
    refused = run("predict", saved_pair_model, "--ensemble", "A\tB")
    assert refused.code == 2
    assert refused.err.splitlines()[0] == "ModelError: the model has no ensemble"
    assert refused.err.splitlines()[-1] == "  expected: a model trained with train --cascade"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--input", "in.csv"), "--input and --output must be used together"),
        (("--input", "in.csv", "--output", "out.csv", "A text."), "without texts"),
        (("--input", "in.csv", "--output", "out.csv", "--explain"), "without texts, --explain"),
        (("--input", "in.csv", "--output", "out.csv", "--shard", "2"), "invalid shard 2"),
        (("--input", "in.csv", "--output", "out.csv", "--shard", "3/2"), "invalid shard 3/2"),
        (("--input", "absent.csv", "--output", "out.csv"), "there is no file absent.csv"),
        (("--input", "in.csv", "--output", "out", "--engine", "dask"), "unknown engine dask"),
        (("--input", "in.csv", "--output", "out", "--workers", "2"), "--workers requires an engine"),
        (
            ("--input", "in.csv", "--output", "out", "--engine", "ray", "--shard", "1/2"),
            "--shard and --engine exclude each other",
        ),
        (("--input", "in.csv", "--output", "out", "--engine", "ray", "--workers", "0"), "workers must be at least 1"),
        (("--input", "*.tsv", "--output", "out", "--engine", "ray"), "no file matches *.tsv"),
        (("--engine", "ray", "A text."), "--engine and --workers are for files"),
        (("--cascade", "--explain", "A text."), "--explain cannot be combined with --cascade"),
        (("--ensemble", "--explain", "A text."), "--explain cannot be combined with --ensemble"),
        (("--ensemble", "--cascade", "A text."), "the cascade and the ensemble exclude each other"),
        (("--ensemble", "--abstain", "error<=0.5", "A text."), "does not go with an ensemble"),
        (
            ("--input", "in.csv", "--output", "out.csv", "--ensemble", "--cascade"),
            "the cascade and the ensemble exclude each other",
        ),
        (("--json-lines", "A text."), "--json-lines reads standard input"),
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together(
    arguments: tuple[str, ...], message: str, saved_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_reviews(tmp_path / "in.csv", 4)
    outcome = run("predict", saved_model, *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.integration
def test_each_line_of_a_pipe_is_answered_when_it_comes(saved_model: Path) -> None:
    with ForkedCommand("predict", saved_model, "--json-lines") as process:
        for text, label in ((GOOD, "positive"), (BAD, "negative"), (None, None)):
            process.stdin.write(json.dumps({"text": text, "é": 1}).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())  # before the next line is sent
            assert (answer["text"], answer["label"], answer["é"]) == (text, label, 1)
        process.stdin.write(b'{"text": "superb"}\n\n["no object"]\n')
        process.stdin.close()
        assert json.loads(process.stdout.readline())["text"] == "superb"
        assert process.stdout.readline() == b""
        assert b"standard input is not a JSON object in line 6" in process.stderr.read()
        assert process.wait() == 2

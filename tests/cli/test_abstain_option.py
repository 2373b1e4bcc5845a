"""Covers cli/predict_texts.py: `--abstain`, also for files and pipes."""

import json
from pathlib import Path

import pytest
from command import run, write_reviews

UNSURE = ["dull and superb", "superb, dull", "moving and boring", "a film"]


def test_the_promise_is_printed_and_stands_in_the_json(abstaining_model: Path) -> None:
    done = run("predict", abstaining_model, "good", "--abstain", "error<=0.05")
    assert done.code == 0, done.err
    assert "error<=0.05 with 95% confidence: abstains below" in done.err
    as_json = run("predict", abstaining_model, "good", "--abstain", "error<=0.05", "--json").read_json()
    assert as_json["abstention"]["promise"] == "error<=0.05"


def test_files_and_pipes_get_no_label_where_the_model_abstains(abstaining_model: Path, tmp_path: Path) -> None:
    texts = run("predict", abstaining_model, *UNSURE, "--abstain", "error<=0.01", "--json").read_json()["predictions"]
    assert {one["abstained"] for one in texts} == {False, True}
    scores = [pytest.approx(one["score"], abs=1e-6) for one in texts]  # written with six digits
    expected = [
        (None, score, f"abstained (perhaps {one['label']})") if one["abstained"] else (one["label"], score, None)
        for one, score in zip(texts, scores, strict=True)
    ]
    rows = "".join(json.dumps({"text": text}) + "\n" for text in UNSURE)
    (tmp_path / "in.jsonl").write_text(rows)
    paths = ("--input", tmp_path / "in.jsonl", "--output", tmp_path / "out.jsonl")
    filed = run("predict", abstaining_model, *paths, "--abstain", "error<=0.01", "--json").read_json()
    assert filed["abstention"]["promise"] == "error<=0.01"
    assert sum(filed["file"]["not_scored"].values()) == sum(one["abstained"] for one in texts)
    piped = run("predict", abstaining_model, "--json-lines", "--abstain", "error<=0.01", stdin=rows)
    assert "error<=0.01 with 95% confidence: abstains below" in piped.err
    for lines in ((tmp_path / "out.jsonl").read_text(), piped.out):
        answers = [json.loads(line) for line in lines.splitlines()]
        assert [(one["label"], one["score"], one["reason"]) for one in answers] == expected
    said = run("predict", abstaining_model, *paths, "--overwrite", "--abstain", "error<=0.01")
    assert "without a label: abstained (perhaps" in said.out
    assert "error<=0.01 with 95% confidence: abstains below" in said.err


def test_what_is_no_promise_exits_with_2(saved_model: Path, tmp_path: Path) -> None:
    source = write_reviews(tmp_path / "in.csv", 4)
    for more in (
        ("good",),
        ("--input", source, "--output", tmp_path / "out.csv", "--prefix", "our_"),
        ("--json-lines",),
    ):
        refused = run("predict", saved_model, *more, "--abstain", "error<=0")
        assert (refused.code, refused.out, "is not a promise" in refused.err) == (2, "", True)
        too_few = run("predict", saved_model, *more, "--abstain", "error<=0.0001")
        assert (too_few.code, too_few.out, "cannot be promised" in too_few.err) == (2, "", True)
        both = run("predict", saved_model, *more, "--abstain", "error<=0.5", "--cascade")
        assert (both.code, both.out, "try:      --abstain-below 0.9" in both.err) == (2, "", True)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]

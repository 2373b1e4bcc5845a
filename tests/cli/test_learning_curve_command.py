"""`imdb-sentiment learning-curve`, as a user meets it. Covers cli/learning_curve.py."""

import csv
from pathlib import Path

import pytest
from command import run

from conftest import make_reviews

QUICK = ("--set", "method=probe", "--set", "near_duplicates=ignore", "--set", "max_length=32")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        table.writerows(zip(*make_reviews(48), strict=True))
    return path


@pytest.mark.integration
def test_the_curve_is_printed_and_resumed_as_json(data: Path, tiny_model: Path, tmp_path: Path) -> None:
    output = tmp_path / "curve"
    command = ("learning-curve", "--data", data, "--model", tiny_model, "--output", output, "--sizes", "12,24", *QUICK)
    outcome = run(*command)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["12", "24"]
    assert "with twice as many, 96," in " ".join(lines)
    again = run(*command, "--resume", "--json")
    assert [point["rows"] for point in again.read_json()["points"]] == [12, 24]
    refused = run(*command)
    assert refused.code == 2
    assert "--resume to resume the run in it, or another --output" in refused.err


@pytest.mark.parametrize("sizes", ["ten,20", "", "12;24"])
def test_sizes_that_are_no_numbers_are_refused(sizes: str, data: Path, tmp_path: Path) -> None:
    outcome = run("learning-curve", "--data", data, "--output", tmp_path / "curve", "--sizes", sizes)
    assert outcome.code == 2
    assert "invalid --sizes" in outcome.err
    assert not (tmp_path / "curve").exists()

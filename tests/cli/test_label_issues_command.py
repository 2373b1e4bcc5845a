"""`imdb-sentiment label-issues`, as a user meets it. Covers cli/label_issues.py."""

import csv
from pathlib import Path

import numpy as np
import pytest
from command import run

from conftest import make_reviews

FLIPPED = (7, 30, 88)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    texts, labels = make_reviews(160)
    path = tmp_path / "reviews.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        for i, (text, label) in enumerate(zip(texts, labels, strict=True)):
            table.writerow([text, 1 - label if i in FLIPPED else label])
    return path


def test_a_table_is_printed_and_all_of_it_written(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "suspects.csv"
    outcome = run("label-issues", "--data", data, "--output", output, "--set", "near_duplicates=ignore")
    assert (outcome.code, outcome.err) == (0, "")
    assert " of 160 suspected (" in outcome.out.splitlines()[0]
    assert f"All of them are in {output}." in outcome.out
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {int(row["row"]) - 1 for row in rows[:3]} == set(FLIPPED)
    assert list(rows[0]) == ["row", "label", "suggested", "probability", "text"]


@pytest.mark.parametrize(("name", "separator"), [("suspects.csv", ","), ("suspects.tsv", "\t")])
def test_any_text_comes_back_and_no_formula_is_opened(tmp_path: Path, name: str, separator: str) -> None:
    texts, labels = make_reviews(160)
    marks = ["\r=1+2 ", "\n=1 ", '"=1", ', "\uff1d1 ", "  =1\t", "\x00@ ", "two\r\nlines "]
    given = [marks[i % len(marks)] + text for i, text in enumerate(texts)]
    data = tmp_path / "reviews.csv"
    with data.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, quoting=csv.QUOTE_ALL)
        table.writerow(["text", "label"])
        table.writerows(
            (text, 1 - label if i in FLIPPED else label)
            for i, (text, label) in enumerate(zip(given, labels, strict=True))
        )
    command = ("label-issues", "--data", data, "--set", "near_duplicates=ignore", "--output", tmp_path / name)
    for safe, options in ((False, ()), (True, ("--spreadsheet-safe", "--overwrite"))):
        assert run(*command, *options).code == 0
        with (tmp_path / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter=separator, strict=True))
        assert {int(row["row"]) - 1 for row in rows[:3]} == set(FLIPPED)
        for row in rows:
            place = int(row["row"]) - 1
            formula = marks[place % len(marks)] not in ('"=1", ', "two\r\nlines ")
            assert row["text"] == ("'" if safe and formula else "") + given[place]


def test_models_that_cannot_tell_list_nothing(tmp_path: Path) -> None:
    texts, labels = make_reviews(160)
    path = tmp_path / "noise.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        table.writerows(zip(texts, np.random.default_rng(0).permutation(labels), strict=True))
    outcome = run("label-issues", "--data", path, "--set", "near_duplicates=ignore")
    assert (outcome.code, outcome.err) == (0, "")
    assert "cannot tell which of 160 rows have a wrong label" in " ".join(outcome.out.split())
    content = run("label-issues", "--data", path, "--set", "near_duplicates=ignore", "--json").read_json()
    assert content["issues"] == []
    assert "not better than the more frequent label" in content["undecided"]
    assert content["accuracy"] < 0.6


def test_a_method_is_that_of_an_encoder(data: Path) -> None:
    outcome = run("label-issues", "--data", data, "--method", "probe")
    assert outcome.code == 2
    assert "--method is for an encoder" in outcome.err


@pytest.mark.parametrize("name", ["suspects.csv.gz", "suspects.jsonl", "suspects"])
def test_another_kind_of_file_is_refused(data: Path, tmp_path: Path, name: str) -> None:
    outcome = run("label-issues", "--data", data, "--output", tmp_path / name)
    assert outcome.code == 2
    assert "a name that ends in .csv or .tsv" in outcome.err
    assert not (tmp_path / name).exists()


def test_one_json_object_is_printed(data: Path) -> None:
    content = run("label-issues", "--data", data, "--set", "near_duplicates=ignore", "--json").read_json()
    assert set(content) == {"rows", "model", "accuracy", "undecided", "issues", "notes"}
    assert {suspect["row"] - 1 for suspect in content["issues"][:3]} == set(FLIPPED)


def test_a_file_that_is_there_is_left_alone(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "suspects.csv"
    output.write_text("mine")
    outcome = run("label-issues", "--data", data, "--output", output)
    assert outcome.code == 2
    assert "already exists and was not changed" in outcome.err
    assert output.read_text() == "mine"
    again = run("label-issues", "--data", data, "--output", output, "--set", "near_duplicates=ignore", "--overwrite")
    assert again.code == 0
    assert output.read_text(encoding="utf-8").startswith("row,label,")


def test_a_place_that_cannot_be_written_is_said(data: Path, tmp_path: Path) -> None:
    outcome = run(
        "label-issues", "--data", data, "--output", tmp_path / "absent" / "s.csv", "--set", "near_duplicates=ignore"
    )
    assert outcome.code == 2
    assert "cannot be written" in outcome.err

"""Data that `train` and `evaluate` cannot use: one clear message, exit 2, and nothing written."""

from pathlib import Path
from typing import NamedTuple

import pytest
from command import options, read_metadata, run, snapshot, write_reviews

from imdb_sentiment import FineTuneConfig


class Case(NamedTuple):
    """A file, the options that a user gives with it, and what the message must say."""

    name: str
    content: str | bytes | None
    arguments: str
    said: tuple[str, ...]


NULL, BLANK, NUMBER = '{"text": null, "label": 1}', '{"text": " ", "label": 1}', '{"text": 5, "label": 0}'
FINE = '{"text": "superb", "label": 1}\n{"text": "dull", "label": 0}'
ONE_EACH = "text,label\nsuperb,1\ndull,0\n"

CASES = {
    "missing file": Case("no.csv", None, "", ("there is no file or folder no.csv", "expected: a folder or a file")),
    "misspelt file": Case("reveiws.csv", None, "", ("there is no file or folder reveiws.csv", "try:      reviews.csv")),
    "missing text column": Case(
        "a.csv",
        "txet,label\na,1\n",
        "",
        ("column 'text' is not in a.csv", "found:    txet, label", "--text-column txet"),
    ),
    "missing label column": Case(
        "a.csv", ONE_EACH, "--label-column lable", ("column 'lable' is not in a.csv", "--label-column label")
    ),
    "missing column, none near": Case(
        "a.csv", "x,y\na,1\n", "", ("found:    x, y", "expected: the column that holds the text", "--text-column NAME")
    ),
    "empty file": Case("a.csv", "", "", ("a.csv is empty",)),
    "empty JSONL": Case("a.jsonl", "\n", "", ("a.jsonl is empty",)),
    "header alone": Case("a.csv", "text,label\n", "", ("a.csv has no rows",)),
    "empty folder": Case("folder/", None, "", ("folder holds no data",)),
    "unknown kind": Case("a.xlsx", "text", "", ("a.xlsx has an unknown format", ".parquet, .csv, .tsv, .txt, .jsonl")),
    "one class": Case("a.csv", "text,label\na,1\nb,1\n", "", ("a.csv has only one class", "'1' (2 rows)")),
    "three classes": Case(
        "a.csv", "text,label\na,1\nb,0\nc,2\nd,2\n", "", ("not understood", "'2' (2 rows), '0' (1 row), '1' (1 row)")
    ),
    "three classes, one named": Case(
        "a.csv", "text,label\na,x\nb,y\nc,z\n", "--positive-label x", ("has 3 different labels", "one of them 'x'")
    ),
    "unlabelled rows": Case("a.csv", f"{ONE_EACH}c,-1\nd,-1\n", "", ("'-1' (2 rows)", "leave those 2 rows out")),
    "unknown names": Case(
        "a.csv",
        "text,label\na,ham\nb,spam\nc,ham\n",
        "",
        ("labels of a.csv are not understood", "--positive-label spam"),
    ),
    "absent positive label": Case(
        "a.csv", "text,label\na,ham\nb,spam\n", "--positive-label Spam", ("'Spam'", "--positive-label spam")
    ),
    "null text": Case("a.jsonl", f"{FINE}\n{NULL}\n{NULL}", "", ("text is null in 2 rows (3, 4)", "invalid_rows=drop")),
    "blank text": Case("a.csv", f"{ONE_EACH}  ,1\n<br />,0\n", "", ("text is blank in 2 rows (3, 4)",)),
    "number for a text": Case("a.jsonl", f"{FINE}\n{NUMBER}", "", ("text is not a string in 1 row (3)",)),
    "several faults": Case(
        "a.jsonl",
        f"{FINE}\n{NULL}\n{BLANK}\n{NUMBER}",
        "",
        ("text is null in 1 row (3); text is blank in 1 row (4); ",),
    ),
    "many faults": Case("a.csv", ONE_EACH + " ,1\n" * 9, "", ("text is blank in 9 rows (3, 4, 5, 6, 7, ...)",)),
    "missing label": Case("a.csv", f"{ONE_EACH}fine,\n", "", ("label is null in 1 row (3)",)),
    "ragged": Case("a.csv", f"{ONE_EACH}a, b,1\n", "", ("a.csv is ragged in 1 row (3)", "found:    3 fields in row 3")),
    "open quote": Case("a.csv", f'{ONE_EACH}"a,1\n', "", ("a.csv is not well-formed in row 3 (line 4)",)),
    "not UTF-8": Case(
        "a.csv",
        b"text,label\ncaf\xe9,1\n",
        "",
        ("a.csv is not UTF-8 in row 1 (line 2)", "byte 0xe9 at offset 14", "--set encoding=cp1252"),
    ),
    "UTF-16 without its mark": Case(
        "a.csv", ONE_EACH.encode("utf-16-le"), "", ("a.csv seems to be UTF-16", "--set encoding=utf-16-le")
    ),
    "not JSON": Case("a.jsonl", f"{FINE}\n{{", "", ("a.jsonl is not JSON in row 3 (line 3)",)),
    "not gzip": Case("a.csv.gz", ONE_EACH, "", ("a.csv.gz is not gzip", "call it a.csv")),
    "nothing matches": Case("review*.tsv", None, "", ("no file matches review*.tsv", "reviews.csv")),
    "one column only": Case("a.csv", "text\nfine\n", "", ("a.csv has only one column",)),
    "other separator, missing column": Case("a.csv", "txet;label\na;1\n", "", ("found:    txet, label",)),
    "not Parquet": Case("a.parquet", "text", "", ("a.parquet is not Parquet",)),
    "too few rows": Case("a.csv", ONE_EACH, "", ("too few rows to hold out a test split", "1 negative, 1 positive")),
    "too few for the limit": Case(
        "reviews.csv", None, "--max-train-samples 2", ("too few rows to hold out a validation split",)
    ),
    "limit above the rows": Case(
        "reviews.csv", None, "--max-train-samples 500", ("48 training rows", "--max-train-samples 48")
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a good file in it."""
    monkeypatch.chdir(tmp_path)
    write_reviews(tmp_path / "reviews.csv")
    return tmp_path


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_data_that_cannot_be_learnt_from(case: Case, folder: Path, tiny_config: FineTuneConfig) -> None:
    if case.name.endswith("/"):
        (folder / case.name).mkdir()
    elif case.content is not None:
        content = case.content.encode() if isinstance(case.content, str) else case.content
        (folder / case.name).write_bytes(content)
    before = snapshot(folder)
    outcome = run("train", "--data", case.name, "--output", "new/model", *options(tiny_config), *case.arguments.split())
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("DataError: ")
    assert [part for part in case.said if part not in outcome.err] == []
    assert snapshot(folder) == before


def test_invalid_rows_are_left_out_and_counted_on_request(folder: Path, tiny_config: FineTuneConfig) -> None:
    data = write_reviews(folder / "more.csv")
    with data.open("a") as file:
        file.write(" ,1\n<br />,0\nfine,\n")
    outcome = run(
        *("train", "--data", data, "--output", "model", "--set", "invalid_rows=drop"),
        *options(tiny_config, num_train_epochs=1),
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert "left out of train: 2 rows, text is blank\nleft out of train: 1 row, label is null\n" in outcome.out
    splits = read_metadata(folder / "model")["splits"]
    assert sum(sum(by_label.values()) for by_label in splits["rows"].values()) == 60
    assert sum(part["rows"] for part in splits["left_out"]) == 3


EVALUATED = {
    "missing file": Case("no.csv", None, "", ("there is no file or folder no.csv",)),
    "missing column": Case("a.csv", "Text,label\na,1\n", "", ("column 'text' is not in a.csv", "--text-column Text")),
    "other label names": Case(
        "a.csv", "text,label\na,ham\nb,spam\n", "", ("labels of a.csv are not understood", "'ham' (1 row), 'spam'")
    ),
    "three classes": Case("a.csv", f"{ONE_EACH}c,2\n", "", ("not understood", "'2' (1 row)")),
    "blank text": Case("a.csv", f"{ONE_EACH} ,1\n", "", ("text is blank in 1 row (3)", "invalid_rows=drop")),
    "ragged": Case("a.csv", f"{ONE_EACH}a, b,1\n", "", ("a.csv is ragged",)),
}


@pytest.mark.parametrize("case", EVALUATED.values(), ids=EVALUATED.keys())
def test_data_that_cannot_be_measured_on(case: Case, folder: Path, saved_model: Path) -> None:
    if isinstance(case.content, str):
        (folder / case.name).write_text(case.content)
    before = snapshot(folder)
    outcome = run("evaluate", saved_model, "--data", case.name, "--json", *case.arguments.split())
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("DataError: ")
    assert [part for part in case.said if part not in outcome.err] == []
    assert snapshot(folder) == before

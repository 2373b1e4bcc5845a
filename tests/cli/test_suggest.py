"""Suggested rows are written to a file that is ready to be labelled and trained on."""

from pathlib import Path

import pandas as pd
import pytest
from command import run

from imdb_sentiment import DataConfig
from imdb_sentiment.data.sources import load_source

ROWS = [f"{word} but number {i}" for i, word in enumerate(["dull", "funny", "moving", "awful"] * 5)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    pd.DataFrame({"body": ROWS, "year": 1990}).to_csv(tmp_path / "new.csv", index=False)
    return tmp_path / "new.csv"


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_the_file_has_the_rows_with_an_empty_label(
    suffix: str, source: Path, saved_model: Path, tmp_path: Path
) -> None:
    target = tmp_path / f"to_label{suffix}"
    arguments = ("suggest", saved_model, "--input", source, "--output", target, "-n", 6, "--text-column", "body")
    done = run(*arguments)
    assert done.code == 0, done.err
    assert done.out.startswith("6 rows to label of 20")
    assert max(map(len, done.out.splitlines()[:-1])) <= 80
    rows = load_source(DataConfig(source=str(target), text_column="body", group_column="row")).splits["train"].table
    assert rows["text"].to_pylist() == [ROWS[int(number) - 1] for number in rows["group"].to_pylist()]
    assert rows["label"].to_pylist() == [None] * 6
    refused = run(*arguments)
    assert (refused.code, "already exists" in refused.err) == (2, True)
    assert run(*arguments, "--overwrite", "--json").read_json()["output"] == str(target)


def test_labelled_rows_are_trained_on_with_the_others(source: Path, saved_model: Path, tmp_path: Path) -> None:
    target = tmp_path / "to_label.csv"
    run("suggest", saved_model, "--input", source, "--output", target, "--text-column", "body")
    frame = pd.read_csv(target)
    assert frame.columns.tolist() == ["row", "body", "probability", "label"]
    frame["label"] = ["neg", "pos"] * 10
    frame.to_csv(target, index=False)
    rows = load_source(DataConfig(source=str(target), text_column="body")).splits["train"].table
    assert rows["label"].to_pylist() == ["neg", "pos"] * 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--output", "rows.xlsx"), "a name that ends in .csv, .tsv, .jsonl, .parquet"),
        (("--output", "rows.jsonl", "--spreadsheet-safe"), "spreadsheet_safe is for CSV and TSV"),
        (("--output", "rows.csv", "--number", "0"), "n=0 is not a number of rows"),
        (("--output", "rows.csv", "--text-column", "row"), "the text column has the name row"),
        (("--output", "rows.csv", "--text-column", "nothing"), "--text-column"),
    ],
)
def test_wrong_options_exit_with_2_before_anything_is_written(
    options: tuple[str, ...],
    message: str,
    source: Path,
    saved_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = run("suggest", saved_model, "--input", source, *options)
    assert (refused.code, refused.out) == (2, "")
    assert message in refused.err
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]


def test_of_a_folder_one_file_is_proposed(saved_model: Path, tmp_path: Path) -> None:
    refused = run("suggest", saved_model, "--input", tmp_path, "--output", tmp_path / "out.csv")
    assert (refused.code, refused.out) == (2, "")
    assert "one of its files; to classify all: predict --engine ray" in refused.err
    assert not (tmp_path / "out.csv").exists()

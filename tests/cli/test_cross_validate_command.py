"""`imdb-sentiment cross-validate`, as a user meets it. Covers cli/cross_validate.py."""

from pathlib import Path

import pytest
from command import run, write_reviews

QUICK = ("--set", "method=probe", "--set", "near_duplicates=ignore", "--set", "max_length=32")


@pytest.mark.integration
def test_the_folds_are_printed_and_resumed_as_json(tiny_model: Path, tmp_path: Path) -> None:
    data, output = write_reviews(tmp_path / "reviews.csv", 48), tmp_path / "folds"
    command = ("cross-validate", "--data", data, "--model", tiny_model, "--output", output, "--folds", 2, *QUICK)
    outcome = run(*command)
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["metric", "mean", "std", "fold", "1", "fold", "2"]
    assert "48 rows held out once each" in outcome.out
    again = run(*command, "--resume", "--json").read_json()
    assert [fold["fold"] for fold in again["folds"]] == [1, 2]
    refused = run(*command)
    assert refused.code == 2
    assert "--resume to resume the run in it, or another --output" in refused.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--folds", "1"), "folds=1 holds nothing out"),
        (("--folds", "60"), "too few rows for 60 folds"),
        (("--set", "epochs=3"), "--set num_train_epochs=..."),
    ],
)
def test_what_cannot_be_divided_is_refused(options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    data = write_reviews(tmp_path / "reviews.csv", 48)
    outcome = run("cross-validate", "--data", data, "--output", tmp_path / "folds", *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert not (tmp_path / "folds").exists()

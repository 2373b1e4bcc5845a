"""Covers cli/drift.py."""

from pathlib import Path

import pytest
from command import run, write_reviews


def test_it_prints_the_report_and_exits_with_0_whatever_it_finds(saved_model: Path, tmp_path: Path) -> None:
    write_reviews(tmp_path / "same.csv", 100)
    done = run("drift", saved_model, "--data", tmp_path / "same.csv", "--label-column", "label", "--fail-on-drift")
    assert done.code == 0, done.err
    assert "no change beyond chance" in done.out
    assert "by 100 labels" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    other = tmp_path / "other.csv"
    other.write_text("body\n" + "".join(f"toaster {i} is broken\n" for i in range(60)), encoding="utf-8")
    arguments = ("drift", saved_model, "--data", other, "--text-column", "body")
    assert run(*arguments, "--json").read_json()["drifted"] is True
    failed = run(*arguments, "--fail-on-drift")
    assert (failed.code, "toaster" in failed.out, failed.err) == (1, True, "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text\n" + "good\n" * 10, "too few new texts"),
        ("review\n" + "good\n" * 60, "--text-column NAME"),
        ("", "is empty"),
    ],
)
def test_a_file_that_cannot_be_compared_exits_with_2(
    content: str, message: str, saved_model: Path, tmp_path: Path
) -> None:
    file = tmp_path / "new.csv"
    file.write_text(content, encoding="utf-8")
    refused = run("drift", saved_model, "--data", file)
    assert (refused.code, refused.out) == (2, "")
    assert message in refused.err


def test_of_a_missing_label_its_own_option_is_proposed(saved_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("text\n" + "good\n" * 60, encoding="utf-8")
    refused = run("drift", saved_model, "--data", file, "--label-column", "stars")
    assert (refused.code, refused.out) == (2, "")
    assert "--label-column NAME" in refused.err

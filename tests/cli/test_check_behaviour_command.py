"""Covers cli/check_behaviour.py."""

from pathlib import Path

from command import run, write_reviews


def test_the_rates_are_printed(saved_model: Path) -> None:
    done = run("check-behaviour", saved_model)
    assert done.code == 0, done.err
    assert "denied praise" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_texts_of_a_file_are_changed(saved_model: Path, tmp_path: Path) -> None:
    write_reviews(tmp_path / "rows.csv", 40)
    found = run("check-behaviour", saved_model, "--data", tmp_path / "rows.csv", "--json").read_json()
    assert found["texts"] <= 40
    assert {check["name"] for check in found["checks"]} >= {"misspelled word", "other place"}


def test_settings_of_data_need_data(saved_model: Path) -> None:
    refused = run("check-behaviour", saved_model, "--text-column", "body")
    assert (refused.code, "without the data" in refused.err) == (2, True)
    refused = run("check-behaviour", saved_model, "--language", "de")
    assert (refused.code, "is not known" in refused.err) == (2, True)

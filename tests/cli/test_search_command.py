"""`imdb-sentiment search`, as a user meets it. Covers cli/search.py."""

from pathlib import Path

import pytest
from command import run, write_reviews

from imdb_sentiment.cli.search import _read_space

QUICK = ("--set", "near_duplicates=ignore", "--set", "max_length=32", "--set", "precision=fp32")


@pytest.mark.integration
def test_the_trials_are_printed_as_they_end_and_then_the_report(one_layer_model: Path, tmp_path: Path) -> None:
    data, output = write_reviews(tmp_path / "reviews.csv", 60), tmp_path / "search"
    command = ("search", "--data", data, "--model", one_layer_model, "--output", output, *QUICK)
    space = ("--space", "method=probe", "--space", "pooling=mean,first")
    outcome = run(*command, *space)
    assert outcome.code == 0, outcome.err
    first, *rest = outcome.out.splitlines()
    assert first == "trial     value  settings"
    assert [line.split()[0] for line in rest[:2]] == ["1", "2"]
    assert max(map(len, outcome.out.splitlines())) <= 80 or str(tmp_path) in outcome.out
    assert "corrected for choosing the best" in outcome.out
    assert f"The best model is in {output / 'model'}" in outcome.out
    assert "label more rows" in outcome.out
    again = run(*command, *space, "--resume", "--json").read_json()
    assert [trial["number"] for trial in again["trials"]] == [1, 2]
    refused = run(*command, *space)
    assert refused.code == 2
    assert "--resume to resume the run in it, or another --output" in refused.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--space", "learning_rate"), "invalid --space 'learning_rate'"),
        (("--space", "learning_rate="), "invalid --space"),
        (("--space", "learning_rate=1e-5,x"), "FineTuneConfig.learning_rate = 'x'"),
        (("--space", "lr=1e-5,1e-4"), "no field 'lr'"),
        (("--space", "max_length=64,128", "--space", "max_length=64"), "invalid --space"),
        (("--metric", "auc"), "no metric 'auc'"),
        (("--trials", "0"), "trials must be a number"),
        (("--set", "epochs=3"), "--set num_train_epochs=..."),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    data = write_reviews(tmp_path / "reviews.csv", 48)
    outcome = run("search", "--data", data, "--output", tmp_path / "search", *options)
    assert outcome.code == 2
    assert said in outcome.err
    assert not (tmp_path / "search").exists()


def test_ranges_and_choices() -> None:
    assert _read_space(None) is None
    assert _read_space(["learning_rate=1e-5..1e-4", "dropout=,0.1", "max_length=64, 128"]) == {
        "learning_rate": ("1e-5", "1e-4"),
        "dropout": [None, "0.1"],
        "max_length": ["64", "128"],
    }

"""What a message proposes is pasted into a shell as it is, and does what it says."""

import csv
import re
from pathlib import Path

import pytest
from command import Outcome, run, write_reviews

from conftest import make_reviews, split_by_a_shell

NAMES = ["not spam", "it's", 'say "no"', "$HOME", "`id`", "a;b", "-x", "--help", "*", "ünïcode", "a\\b", "#1", "a&b|c"]


def written(path: Path, names: tuple[str, str], columns: tuple[str, str] = ("text", "label")) -> Path:
    """Write reviews with labels and columns of the given names."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([text, names[i]] for text, i in zip(*make_reviews(60), strict=True))
    return path


def proposed(message: str) -> str:
    """Return what a message says to try."""
    found = re.search(r"try: +(.*)", message)
    assert found, message
    return found[1]


def pasted(command: str) -> Outcome:
    """Run what a shell makes of a command line."""
    return run(*split_by_a_shell(command))


@pytest.mark.parametrize("name", NAMES)
def test_a_proposed_label_is_understood(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(Path("data.csv"), (name, "other"))
    refused = run("train", "--data", "data.csv", "--output", "model")
    assert refused.code == 2
    first, second = proposed(refused.err).split(" or --positive-label")
    for option in (first, f"--positive-label{second}"):
        audit = pasted(f"audit data.csv {option}")
        assert audit.code == 0, audit.err
        assert "labels_not_understood" not in audit.out
    assert list(tmp_path.iterdir()) == [tmp_path / "data.csv"]


@pytest.mark.parametrize("name", ["my text", "it's text", "$text", "te;xt", "--text"])
def test_a_proposed_column_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(Path("data.csv"), ("0", "1"), (name, "label"))
    refused = run("audit", "data.csv")
    assert refused.code == 2
    audit = pasted(f"audit data.csv {proposed(refused.err)}")
    assert audit.code == 0, audit.err


@pytest.mark.parametrize("name", ["my data.csv", "it's.csv", "$data.csv"])
def test_a_proposed_file_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_reviews(Path(name))
    refused = run("audit", f"{name[:-5]}.csv")
    assert refused.code == 2
    audit = pasted(f"audit {proposed(refused.err)}")
    assert audit.code == 0, audit.err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lr", "--set learning_rate=..."),
        ("batch_size", "--set per_device_train_batch_size=..."),
        ("test_size", "--set test_fraction=..."),
        ("output_dir", "--output DIR"),
        ("num_labels", "leave it out: there are always two labels"),
    ],
)
@pytest.mark.parametrize("way", ["--set", "YAML"])
def test_settings_are_known_by_their_other_names(name: str, said: str, way: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(f"fine_tune:\n  {name}: 1\n")
    given = ("--set", f"{name}=1") if way == "--set" else ("--config", path)
    outcome = run("train", "--output", tmp_path / "model", *given)
    assert outcome.code == 2
    assert f"no field '{name}'" in outcome.err
    meant = said.removeprefix("--set ").removesuffix("=...")
    assert (said if way == "--set" else meant) in proposed(outcome.err)


def test_what_is_not_trained_has_no_settings_of_training(tmp_path: Path) -> None:
    path = write_reviews(tmp_path / "reviews.csv")
    outcome = run("audit", path, "--set", "batch_size=1")
    assert outcome.code == 2
    assert "expected: a field of DataConfig" in outcome.err
    assert "per_device" not in outcome.err


def test_options_are_proposed_where_the_command_has_them(tmp_path: Path, saved_model: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes("text,label\nfine,1\n".encode("utf-16-le"))
    assert proposed(run("audit", path).err).startswith("--set encoding=utf-16-le")
    assert proposed(run("predict", saved_model, "--input", path, "--output", tmp_path / "out.csv").err).startswith(
        "--encoding utf-16-le"
    )


def test_another_encoder_is_proposed_as_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_reviews(tmp_path / "reviews.csv")
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "config.json").write_text('{"model_type": "no such"}')
    (tmp_path / "encoder" / "model.safetensors").write_bytes(b"")
    refused = run("train", "--data", "reviews.csv", "--model", "encoder", "--output", "model")
    assert refused.code == 2
    assert proposed(refused.err).startswith("a local folder, or --model minilm, which pip install")

"""Covers cli/options.py, cli/training_options.py.

Settings, folders, models and texts that cannot be used: one clear message, exit 2, and nothing written.
"""

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from command import options, run, snapshot, spawn, write_reviews

from imdb_sentiment import FineTuneConfig

SETTINGS = {
    "misspelt key": ("--set learning_rte=1", ("no field 'learning_rte'", "--set learning_rate=...")),
    "unknown key": ("--set zzz=1", ("no field 'zzz'", "source, encoding, ", "model_name")),
    "misspelt key of the data": ("--set test_fractoin=0.1", ("--set test_fraction=...",)),
    "no value": ("--set max_length", ("invalid --set 'max_length'", "--set KEY=VALUE")),
    "no key": ("--set =5", ("invalid --set '=5'",)),
    "not a number": ("--set learning_rate=fast", ("learning_rate = 'fast'", "valid number")),
    "not a choice": ("--set truncation=middle", ("truncation = 'middle'", "'head', 'tail' or 'head_tail'")),
    "two bad values": ("--set seed=-1 --set weight_decay=x", ("seed = '-1'", "weight_decay = 'x'")),
    "not positive": ("--max-train-samples 0", ("max_train_samples = 0", "greater than 0")),
    "unknown preset": (
        "--preset tutoral",
        ("unknown preset 'tutoral'", "one of tutorial, fast, balanced, accurate", "try:      tutorial"),
    ),
    "one label twice": ("--positive-label a --negative-label a", ("are both 'a'",)),
    "negative label alone": ("--negative-label a", ("set positive_label",)),
    "one column twice": ("--text-column label", ("text_column and label_column are both 'label'",)),
    "three text columns": ("--set text_columns=a,b,c", ("text_columns = 'a,b,c'", "two columns, such as title,body")),
    "text columns and a text column": (
        "--text-column a --set text_columns=a,b",
        ("text_columns replaces text_column, which is set to 'a' too",),
    ),
    "unknown tracker": (
        "--set report_to=tensorbord",
        ("report_to: unknown tracker 'tensorbord'", "tensorboard, trackio, wandb", "try:      tensorboard"),
    ),
    "missing file": ("--config no.yaml", ("cannot read the configuration file no.yaml: No such file",)),
    "not YAML": ("--config bad.yaml", ("bad.yaml is not a YAML file",)),
    "unknown section": ("--config section.yaml", ("has a section 'fine-tune'", "try:      fine_tune")),
    "unknown field in the file": ("--config field.yaml", ("no field 'text_colum'", "try:      text_column")),
    "too long": (
        "--set max_length=1000",
        ("max_length=1000 is above the limit of", "512 tokens at most", "--set max_length=512"),
    ),
}
MODELS = {
    "./nowhere": ("there is no model folder nowhere",),
    "reviews.csv": ("there is no model folder reviews.csv", "a file"),
    "folder": ("folder is not a model folder", "config.json"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a good file of data and some bad ones of settings in it."""
    monkeypatch.chdir(tmp_path)
    write_reviews(tmp_path / "reviews.csv")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").write_text("mine")
    (tmp_path / "bad.yaml").write_text("data: [")
    (tmp_path / "section.yaml").write_text("fine-tune:\n  seed: 1\n")
    (tmp_path / "field.yaml").write_text("data:\n  text_colum: body\n")
    return tmp_path


def check_refusal(folder: Path, error: str, said: tuple[str, ...], *arguments: object, stdin: str | bytes = "") -> None:
    """Check that a command ends with one message and exit code 2, and changes nothing below `folder`."""
    before = snapshot(folder)
    outcome = run(*arguments, "--json", stdin=stdin)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"{error}: ")
    assert [part for part in said if part not in outcome.err] == []
    assert "Traceback" not in outcome.err
    assert snapshot(folder) == before


@pytest.mark.parametrize(("arguments", "said"), SETTINGS.values(), ids=SETTINGS.keys())
def test_settings(arguments: str, said: tuple[str, ...], folder: Path, tiny_model: Path) -> None:
    command = ("train", "--data", "reviews.csv", "--model", tiny_model, "--output", "new/model")
    check_refusal(folder, "ConfigError", said, *command, *arguments.split())


@pytest.mark.parametrize("arguments", ["seed=1", "learning_rate=1"])
def test_settings_of_training_when_a_finished_model_is_measured(
    arguments: str, folder: Path, saved_model: Path
) -> None:
    command = ("evaluate", saved_model, "--data", "reviews.csv", "--set", arguments)
    check_refusal(folder, "ConfigError", ("no field", "a field of DataConfig"), *command)


@pytest.mark.parametrize(("name", "said"), MODELS.items(), ids=MODELS.keys())
def test_encoders_to_start_from(name: str, said: tuple[str, ...], folder: Path) -> None:
    command = ("train", "--data", "reviews.csv", "--model", name, "--output", "model")
    check_refusal(folder, "ModelError", said, *command)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("folder", ("folder is not empty and was not changed", "found:    mine.txt", "--overwrite")),
        ("folder --overwrite", ("folder is not a model of this library", "imdb_sentiment.json")),
        ("reviews.csv", ("reviews.csv is a file",)),
        ("reviews.csv --overwrite", ("reviews.csv is a file",)),
        ("reviews.csv/new/model", ("cannot be created", "reviews.csv is a file")),
    ],
)
@pytest.mark.parametrize("command", ["train --data reviews.csv", "train --data no.csv"])
def test_output_folders_in_use(
    command: str, output: str, said: tuple[str, ...], folder: Path, tiny_config: FineTuneConfig
) -> None:
    arguments = (*command.split(), *options(tiny_config), "--output", *output.split())
    check_refusal(folder, "OutputExistsError", said, *arguments)


def test_a_model_is_not_replaced_unasked(folder: Path, saved_model: Path, tiny_config: FineTuneConfig) -> None:
    shutil.copytree(saved_model, folder / "model")
    arguments = ("train", "--data", "reviews.csv", *options(tiny_config), "--output", "model")
    check_refusal(folder, "OutputExistsError", ("model is not empty", "--overwrite"), *arguments)


def test_a_failed_run_keeps_the_model_it_was_to_replace(
    folder: Path, saved_model: Path, tiny_config: FineTuneConfig
) -> None:
    shutil.copytree(saved_model, folder / "model")
    arguments = ("train", "--data", "reviews.csv", *options(tiny_config), "--output", "model", "--overwrite")
    check_refusal(folder, "DataError", ("too few rows",), *arguments, "--max-train-samples", 2)


def with_three_labels(model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    config["id2label"]["2"] = "neutral"
    (model / "config.json").write_text(json.dumps(config))


def without_settings(model: Path) -> None:
    (model / "imdb_sentiment.json").unlink()  # without this one alone it is a model made elsewhere
    (model / "config.json").unlink()


BROKEN: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "no model": (lambda model: shutil.rmtree(model), ("there is no model folder",)),
    "no settings": (without_settings, ("is not a complete model folder", "no config.json")),
    "no weights": (lambda model: (model / "model.safetensors").unlink(), ("has no safetensors weights",)),
    "cut weights": (lambda model: (model / "model.safetensors").write_bytes(b"half"), ("cannot be loaded",)),
    "three labels": (with_three_labels, ("does not have two labels", "3: negative, positive, neutral")),
}


@pytest.mark.parametrize(("damage", "said"), BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("command", ["predict {} Fine.", "predict {}", "evaluate {} --data reviews.csv"])
def test_saved_models(
    command: str, damage: Callable[[Path], object], said: tuple[str, ...], folder: Path, saved_model: Path
) -> None:
    shutil.copytree(saved_model, folder / "model")
    damage(folder / "model")
    check_refusal(folder, "ModelError", said, *command.format("./model").split(), stdin="Fine.\n")


@pytest.mark.parametrize(
    ("texts", "stdin", "said"),
    [
        ([], "", ("there is no text to classify", "lines on standard input")),
        (["fine", " "], "", ("blank text", "1 row (2)")),
        ([""], "", ("blank text", "1 row (1)")),
        (["fine", "caf\udce9"], "", ("valid Unicode", "1 row (2)")),
        ([], "fine\n\n<br />\n", ("blank text", "2 rows (2, 3)")),
        ([], b"fine\ncaf\xe9\n", ("standard input is not UTF-8", "byte 0xe9 on line 2")),
    ],
    ids=["none", "blank", "empty", "broken", "blank lines", "not UTF-8"],
)
def test_texts(texts: list[str], stdin: str | bytes, said: tuple[str, ...], folder: Path, saved_model: Path) -> None:
    check_refusal(folder, "DataError", said, "predict", saved_model, *texts, stdin=stdin)


@pytest.mark.integration
def test_a_hub_out_of_reach(folder: Path, tiny_model: Path) -> None:
    with socket.socket() as taken:  # bound, not listening: it refuses connections
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        before = snapshot(folder)
        env = {"HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "home")}
        outcome = spawn("train", "--model", tiny_model, "--output", "model", env=env)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("HubUnavailableError: the Hugging Face hub is unreachable, and data set 'stanfordnlp")
    assert outcome.err.count("\n") == 3
    assert "HF_ENDPOINT" in outcome.err
    assert "try:      a file or folder on disk: --data PATH" in outcome.err
    assert {path: content for path, content in snapshot(folder).items() if not path.startswith("home")} == before

"""Covers cli/run_folder.py.

A run that does not come to its end: what it leaves, and how `train` goes on with it, or does not.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from command import COMMAND, Outcome, options, read_metadata, run, snapshot, write_reviews

from imdb_sentiment import DiskFullError, FineTuneConfig, TrainingDivergedError
from imdb_sentiment.cli.run_folder import resume_command
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.training import contrastive, fold_trainer
from imdb_sentiment.training.checkpoints import complete_checkpoints, newest_checkpoint
from touches import environment, wait_for_stop

RUN = Path(".model.run")
STEPS = 3
"""Steps of an epoch."""

ALL_STEPS = 3 * STEPS


@pytest.fixture(scope="module")
def command(tiny_config: FineTuneConfig) -> list[str]:
    """A run of three epochs."""
    recipe = options(tiny_config, per_device_train_batch_size=16)
    return ["train", "--data", "reviews.csv", "--output", "model", *recipe]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with data in it."""
    monkeypatch.chdir(tmp_path)
    write_reviews(tmp_path / "reviews.csv")
    return tmp_path


@contextmanager
def at_second_evaluation(happens: Callable[[], object]) -> Iterator[None]:
    """Let something happen after the first checkpoint."""
    seen = []

    def measure_and_more(*args: Any, **kwargs: Any) -> Any:
        seen.append(1)
        if len(seen) == 2:
            happens()
        return measure(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imdb_sentiment.training.setup.measure", measure_and_more)
        yield


def signal_self(number: int = signal.SIGINT) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def fail_with(error: BaseException) -> Callable[[], None]:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    return fail


@pytest.fixture(scope="module")
def cut_off(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """A run that a signal ended in its second epoch; tests copy its folder."""
    folder = tmp_path_factory.mktemp("cut-off")
    write_reviews(folder / "reviews.csv")
    with pytest.MonkeyPatch.context() as patch, at_second_evaluation(fail_with(KeyboardInterrupt())):
        patch.chdir(folder)
        return folder, run(*command)


@pytest.fixture
def cut(cut_off: tuple[Path, Outcome], folder: Path) -> Path:
    """The working folder, with an unfinished run in it."""
    shutil.copytree(cut_off[0] / RUN, folder / RUN)
    return folder


@pytest.fixture(scope="module")
def whole(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an uninterrupted run prints as JSON."""
    folder = tmp_path_factory.mktemp("whole")
    write_reviews(folder / "reviews.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return run(*command, "--json").read_json()


def test_an_interrupted_run_says_what_is_kept_and_how_to_go_on(cut_off: tuple[Path, Outcome]) -> None:
    folder, outcome = cut_off
    assert outcome.code == 130
    assert "Fine-tuning" in outcome.out
    assert outcome.err == (
        "interrupted\n"
        f"  found:    a complete checkpoint in .model.run/checkpoint-{STEPS}\n"
        f"  try:      {shlex.join([*sys.argv, '--resume'])}\n"
    )
    assert sorted(path.name for path in folder.iterdir()) == [".model.run", "reviews.csv"]
    assert list(complete_checkpoints(folder / RUN)) == [STEPS]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_has_the_step_saved(number: signal.Signals, folder: Path, command: list[str]) -> None:
    with at_second_evaluation(signal_self(number)):
        outcome = run(*command)
    assert outcome.code == 130
    assert outcome.err.startswith(
        "\nstopping after this step; press again to stop at once\n"
        f"training was interrupted after step {2 * STEPS + 1} of {ALL_STEPS}\n"
        f"  found:    a complete checkpoint in .model.run/checkpoint-{2 * STEPS + 1}\n"
        "  try:      "
    )


def test_resuming_ends_as_an_uninterrupted_run_does(cut: Path, command: list[str], whole: dict[str, Any]) -> None:
    content = run(*command, "--resume", "--json").read_json()
    assert {name: content[name] for name in ("test", "validation", "kept_epoch")} == {
        name: whole[name] for name in ("test", "validation", "kept_epoch")
    }
    newest = f".model.run/checkpoint-{STEPS}, the newest complete checkpoint"
    note = f"resumed from {newest}, after step {STEPS} of {ALL_STEPS}"
    assert content["notes"] == [*whole["notes"], note]
    assert sorted(path.name for path in cut.iterdir()) == ["model", "reviews.csv"]


def test_it_is_said_before_training_which_checkpoint_is_gone_on_from(cut: Path, command: list[str]) -> None:
    outcome = run(*command, "--resume")
    assert (outcome.code, outcome.err) == (0, "")
    said = f" ...\nResuming from a complete checkpoint in .model.run/checkpoint-{STEPS}.\n"
    assert outcome.out.index("\nFine-tuning ") < outcome.out.index(said) < outcome.out.index("\nepoch ")


@pytest.mark.parametrize("left", [None, "an incomplete checkpoint"])
def test_without_a_complete_checkpoint_resuming_starts_anew_and_says_so(
    left: str | None, cut: Path, command: list[str], whole: dict[str, Any]
) -> None:
    if left:
        (cut / RUN / f"checkpoint-{STEPS}" / "complete.json").unlink()
    else:
        shutil.rmtree(cut / RUN)
    outcome = run(*command, "--resume")
    assert outcome.code == 0
    assert "There is nothing to resume in .model.run: starting a new run.\n" in outcome.out
    assert "resumed from" not in outcome.out
    assert read_metadata(cut / "model")["metrics"]["test"] == whole["test"]
    assert sorted(path.name for path in cut.iterdir()) == ["model", "reviews.csv"]


def test_an_unfinished_run_is_not_discarded_unasked(cut: Path, command: list[str]) -> None:
    before = snapshot(cut)
    outcome = run(*command)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "OutputExistsError: .model.run holds an interrupted run; nothing was changed\n"
        f"  found:    a complete checkpoint in .model.run/checkpoint-{STEPS}\n"
        "  try:      train --resume to resume it, or train --overwrite to discard it\n"
    )
    assert snapshot(cut) == before


def test_overwriting_discards_an_unfinished_run(cut: Path, command: list[str], whole: dict[str, Any]) -> None:
    content = run(*command, "--overwrite", "--json", "--set", "num_train_epochs=2").read_json()
    assert content["notes"] == whole["notes"]
    assert sorted(path.name for path in cut.iterdir()) == ["model", "reviews.csv"]


def test_a_run_that_is_to_replace_a_model_can_be_gone_on_with(
    cut: Path, command: list[str], saved_model: Path, whole: dict[str, Any]
) -> None:
    shutil.copytree(saved_model, cut / "model")
    refused = run(*command, "--resume")
    assert (refused.code, refused.err.partition("\n")[0]) == (
        2,
        "OutputExistsError: model is not empty and was not changed",
    )
    content = run(*command, "--resume", "--overwrite", "--json").read_json()
    assert content["notes"][-1].startswith("resumed from")
    assert read_metadata(cut / "model")["metrics"]["test"] == whole["test"]


def test_another_run_cannot_be_gone_on_with_and_stays(cut: Path, command: list[str]) -> None:
    before = snapshot(cut)
    outcome = run(*command, "--resume", "--set", "seed=7")
    assert outcome.code == 2
    assert f"ConfigError: .model.run/checkpoint-{STEPS} belongs to another run" in outcome.err
    assert "seed was 42" in outcome.err
    assert snapshot(cut) == before


@pytest.mark.parametrize("error", [TrainingDivergedError("diverged"), DiskFullError("full"), ZeroDivisionError()])
def test_a_complete_checkpoint_outlives_an_error(error: Exception, folder: Path, command: list[str]) -> None:
    with at_second_evaluation(fail_with(error)):
        if isinstance(error, ZeroDivisionError):
            with pytest.raises(ZeroDivisionError):
                run(*command)
        else:
            assert run(*command).code == 1
    assert list(complete_checkpoints(folder / RUN)) == [STEPS]


def test_a_finished_run_that_was_not_measured_is_not_trained_again(
    folder: Path, command: list[str], whole: dict[str, Any]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imdb_sentiment.finetuner.SentimentFineTuner.evaluate", fail_with(KeyboardInterrupt()))
        outcome = run(*command)
    assert outcome.code == 130
    last = f".model.run/checkpoint-{ALL_STEPS}"
    assert outcome.err.startswith(f"interrupted\n  found:    a complete checkpoint in {last}\n")
    with at_second_evaluation(fail_with(AssertionError("trained again"))):
        assert run(*command, "--resume", "--json").read_json()["test"] == whole["test"]


def test_ctrl_c_before_training_leaves_nothing(folder: Path, command: list[str]) -> None:
    before = snapshot(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imdb_sentiment.training.run_data.load_splits", fail_with(KeyboardInterrupt()))
        assert run(*command) == Outcome(130, "", "interrupted\n")
    assert snapshot(folder) == before


def test_a_folder_named_by_dots_has_its_run_beside_it(
    folder: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "here").mkdir()
    shutil.copy(folder / "reviews.csv", folder / "here.csv")
    monkeypatch.chdir(folder / "here")
    line = [{"reviews.csv": "../here.csv", "model": "."}.get(word, word) for word in command]
    with at_second_evaluation(signal_self()):
        assert run(*line).code == 130
    assert newest_checkpoint(folder / ".here.run")
    assert list((folder / "here").iterdir()) == []


@pytest.mark.parametrize(
    ("started", "printed"),
    [
        (["/bin/imdb-sentiment", "train", "--output", "my model"], "imdb-sentiment train --output 'my model' --resume"),
        (["./bin/imdb-sentiment", "train"], "./bin/imdb-sentiment train --resume"),
        (["/bin/imdb-sentiment", "train", "--resume", "--json"], "imdb-sentiment train --resume --json"),
        (["/src/__main__.py", "train"], "python3 -m imdb_sentiment train --resume"),
    ],
)
def test_the_command_to_go_on_is_the_one_that_was_typed(
    started: list[str], printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", started)
    monkeypatch.setattr(sys, "orig_argv", ["python3", "-m", "imdb_sentiment", "train"])
    monkeypatch.setattr(shutil, "which", {"imdb-sentiment": "/bin/imdb-sentiment"}.get)
    assert resume_command() == printed
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert resume_command() == "the same command with --resume"


def start(*words: str, **variables: str) -> "subprocess.Popen[str]":
    """Start a process that listens to SIGINT, even if the tests' own was told not to."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **variables}
        )
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.integration
def test_the_command_that_a_process_of_its_own_prints_goes_on(
    folder: Path, command: list[str], whole: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    command = [*command, "--json"]
    place = tmp_path_factory.mktemp("stopped")
    at_second_checkpoint = environment(place, RUN, [f"*/checkpoint-{2 * STEPS}/*"], kill=False)
    with start(*COMMAND, *command, **at_second_checkpoint) as process:
        wait_for_stop(place, process)
        second = run(*command)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate()
    assert (second.code, second.err.partition("\n")[0]) == (
        2,
        "OutputExistsError: another run is writing to .model.run",
    )
    assert (process.returncode, out) == (130, "")
    printed = err.partition("  try:      ")[2].rstrip("\n")
    assert printed == shlex.join([*COMMAND, *command, "--resume"])
    resumed = run(*shlex.split(printed)[len(COMMAND) :]).read_json()
    assert any(note.startswith("resumed from .model.run/checkpoint-") for note in resumed["notes"])
    assert [resumed[name] for name in ("test", "validation")] == [whole[name] for name in ("test", "validation")]


@pytest.mark.integration
def test_a_run_in_folds_is_resumed_after_the_last_finished_one(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_reviews(Path("reviews.csv"), 30)
    settings = ("max_length=16", "near_duplicates=ignore", "precision=fp32", "method=contrastive")
    command = ["train", "--data", "reviews.csv", "--model", str(tiny_model)]
    command += [word for setting in settings for word in ("--set", setting)]
    train, trained = contrastive.train_contrastively, list[int]()

    def stopped_in_the_third(model: Any, encoder: Any, rows: Any, **options: Any) -> None:
        trained.append(len(rows))
        if len(trained) == 3:
            signal.raise_signal(signal.SIGINT)
        train(model, encoder, rows, **options)

    monkeypatch.setattr(fold_trainer, "train_contrastively", stopped_in_the_third)
    outcome = run(*command, "--output", "model")
    assert outcome.code == 130
    assert outcome.err.endswith(
        "training was interrupted in fold 3 of 5\n"
        "  found:    finished folds up to .model.run/contrastive-fold-2.json\n"
        f"  try:      {shlex.join([*sys.argv, '--resume'])}\n"
    )
    again = run(*command, "--output", "model", "--resume", "--json")
    assert (again.code, len(trained)) == (0, 3 + 4)
    whole = run(*command, "--output", "whole", "--json").read_json()
    assert again.read_json()["validation"] == whole["validation"]
    assert again.read_json()["test"] == whole["test"]

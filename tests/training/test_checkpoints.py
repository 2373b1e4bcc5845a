"""The folder of a run: who writes to it, which checkpoint is complete, which a run resumes from, which are kept."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment import ConfigError, DiskFullError, OutputExistsError
from imdb_sentiment.training.checkpoints import (
    Keep,
    check_same_run,
    checkpoint_bytes,
    complete_checkpoints,
    finish,
    locked,
    newest_checkpoint,
    prepare_folder,
    prune,
    recorded_precision,
)

RUN = {"learning_rate": 2e-5, "labels": ["ham", "spam"], "model_revision": None}
KEEP, SMALL = Keep(1, best=False), torch.nn.Linear(1, 1)


def write_checkpoint(folder: Path, run: dict[str, object] | None = None, *, done: bool = True) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "empty").write_bytes(b"")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "more.bin").write_bytes(b"more")
    state = {"global_step": 1, "stateful_callbacks": {"RunRecord": {"args": RUN if run is None else run}}}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    if done:
        finish(folder)
    return folder


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def clear(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "whole": lambda folder: None,
    "not finished": lambda folder: (folder / "complete.json").unlink(),
    "a file is gone": lambda folder: (folder / "deeper" / "more.bin").unlink(),
    "a file is cut off": lambda folder: cut(folder / "model.safetensors"),
    "a file grew": lambda folder: (folder / "empty").write_bytes(b"x"),
    "the list is cut off": lambda folder: (folder / "complete.json").write_text('{"model.safetensors": 7'),
    "the list is empty": lambda folder: (folder / "complete.json").write_text(""),
    "the list is of nothing": lambda folder: (folder / "complete.json").write_text("{}"),
    "the list is no list": lambda folder: (folder / "complete.json").write_text("[1]"),
    "the list is no text": lambda folder: (folder / "complete.json").write_bytes(b"\xff\xfe"),
    "all is gone": clear,
}


@settings(deadline=None, max_examples=examples(25))
@given(kinds=st.dictionaries(st.integers(0, 10**6), st.sampled_from(sorted(DAMAGE)), max_size=4))
def test_the_highest_number_among_the_complete_ones(kinds: dict[int, str]) -> None:
    with TemporaryDirectory() as name:
        for number, kind in kinds.items():
            DAMAGE[kind](write_checkpoint(Path(name) / f"checkpoint-{number}"))
        complete = sorted(number for number, kind in kinds.items() if kind == "whole")
        assert list(complete_checkpoints(Path(name))) == complete
        assert newest_checkpoint(Path(name)) == (Path(name) / f"checkpoint-{complete[-1]}" if complete else None)


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_checkpoint_is_complete_if_each_file_has_the_size_it_had(kind: str, tmp_path: Path) -> None:
    DAMAGE[kind](write_checkpoint(tmp_path / "checkpoint-7"))
    assert (newest_checkpoint(tmp_path) is not None) == (kind == "whole")


def test_what_is_added_later_does_not_matter(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "checkpoint-7")
    (checkpoint / "notes.txt").write_text("mine")
    assert newest_checkpoint(tmp_path) == checkpoint


def test_a_checkpoint_that_moves_stays_complete(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "here" / "checkpoint-7")
    (tmp_path / "here").rename(tmp_path / "there")
    assert newest_checkpoint(tmp_path / "there") == tmp_path / "there" / "checkpoint-7"


def test_the_list_names_each_file_with_its_size(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "checkpoint-7")
    state = (checkpoint / "trainer_state.json").stat().st_size
    assert json.loads((checkpoint / "complete.json").read_text()) == {
        "deeper/more.bin": 4,
        "empty": 0,
        "model.safetensors": 7,
        "trainer_state.json": state,
    }
    assert not list(checkpoint.glob("*.partial"))


def test_numbers_are_compared_as_numbers(tmp_path: Path) -> None:
    for number in (9, 10, 100, 99):
        write_checkpoint(tmp_path / f"checkpoint-{number}")
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-100"


@pytest.mark.parametrize(
    "name", ["checkpoint-", "checkpoint-x", "checkpoint-3.old", "my-checkpoint-3", "checkpoint-3 "]
)
def test_other_names_are_no_checkpoints(name: str, tmp_path: Path) -> None:
    other = write_checkpoint(tmp_path / name, done=False)
    prepare_folder(tmp_path, SMALL, KEEP)
    finish(other)
    assert newest_checkpoint(tmp_path) is None
    prune(tmp_path, Keep(1, best=False), best_step=None)
    assert (other / "model.safetensors").exists()


def test_a_file_or_a_deeper_folder_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-7").write_text("a file")
    write_checkpoint(tmp_path / "run" / "checkpoint-8")
    assert newest_checkpoint(tmp_path) is None


def test_there_may_be_no_folder(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "nowhere") is None


def steps_left(folder: Path) -> list[int]:
    return sorted(int(path.name.rpartition("-")[2]) for path in folder.iterdir())


@pytest.mark.parametrize(
    ("keep", "best", "left"),
    [
        (Keep(1, best=True), 20, [20, 50]),
        (Keep(1, best=True), 50, [50]),
        (Keep(1, best=True), None, [50]),
        (Keep(1, best=True), 25, [50]),  # gone before
        (Keep(1, best=False), 20, [50]),
        (Keep(3, best=True), 10, [10, 30, 40, 50]),
        (Keep(9, best=True), 10, [10, 20, 30, 40, 50]),
    ],
)
def test_the_newest_and_the_best_are_kept(keep: Keep, best: int | None, left: list[int], tmp_path: Path) -> None:
    for step in (10, 20, 30, 40, 50):
        write_checkpoint(tmp_path / f"checkpoint-{step}")
    prune(tmp_path, keep, best_step=best)
    assert steps_left(tmp_path) == left
    assert list(complete_checkpoints(tmp_path)) == left


def test_an_unfinished_checkpoint_does_not_count_among_the_newest(tmp_path: Path) -> None:
    for step in (10, 20):
        write_checkpoint(tmp_path / f"checkpoint-{step}")
    write_checkpoint(tmp_path / "checkpoint-30", done=False)
    prune(tmp_path, Keep(1, best=False), best_step=None)
    assert list(complete_checkpoints(tmp_path)) == [20]


@pytest.mark.parametrize("kind", sorted(set(DAMAGE) - {"whole"}))
def test_what_a_killed_run_left_unfinished_is_removed(kind: str, tmp_path: Path) -> None:
    whole = write_checkpoint(tmp_path / "checkpoint-10")
    DAMAGE[kind](write_checkpoint(tmp_path / "checkpoint-20"))
    (tmp_path / "notes.txt").write_text("mine")
    prepare_folder(tmp_path, SMALL, KEEP)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint-10", "notes.txt"}
    assert newest_checkpoint(tmp_path) == whole


def test_the_checkpoint_of_another_program_is_not_touched(tmp_path: Path) -> None:
    ours = write_checkpoint(tmp_path / "checkpoint-10", done=False)
    (write_checkpoint(tmp_path / "checkpoint-20", done=False) / "trainer_state.json").write_text("{")  # cut off
    theirs = write_checkpoint(tmp_path / "checkpoint-30", done=False)
    (theirs / "trainer_state.json").write_text('{"global_step": 1, "stateful_callbacks": {}}')
    with pytest.raises(OutputExistsError, match="checkpoint-30 was not written by this library"):
        prepare_folder(tmp_path, SMALL, KEEP)
    assert ours.exists()
    assert theirs.exists()


def test_a_checkpoint_of_the_same_run_is_taken(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "checkpoint-3", RUN)
    check_same_run(checkpoint, RUN)
    with pytest.raises(ConfigError):
        check_same_run(checkpoint, RUN | {"labels": ["spam", "ham"]})


def test_a_checkpoint_of_another_run_is_refused_by_what_differs(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "checkpoint-3", RUN | {"learning_rate": 0.5})
    with pytest.raises(ConfigError, match="belongs to another run") as caught:
        check_same_run(checkpoint, RUN)
    assert caught.value.found == "learning_rate was 0.5"
    assert caught.value.expected == "learning_rate is 2e-05"


def test_a_checkpoint_of_other_making_is_refused(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "checkpoint-3")
    (checkpoint / "trainer_state.json").write_text('{"global_step": 1}')
    with pytest.raises(ConfigError, match="belongs to another run"):
        check_same_run(checkpoint, RUN)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_precision_of_a_run_is_recorded_beside_what_it_is_made_of(precision: str, tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "checkpoint-3", RUN | {"precision_used": precision})
    assert recorded_precision(checkpoint) == precision
    check_same_run(checkpoint, RUN)


def test_without_a_record_there_is_no_precision(tmp_path: Path) -> None:
    assert recorded_precision(write_checkpoint(tmp_path / "checkpoint-3")) is None


TRY = """
import sys
from pathlib import Path
from imdb_sentiment import OutputExistsError
from imdb_sentiment.training.checkpoints import locked
try:
    with locked(Path(sys.argv[1])):
        print("mine")
except OutputExistsError as error:
    print(error.summary)
"""


def another_process_gets(folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", TRY, str(folder)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_another_process_must_wait(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with locked(folder):
        assert another_process_gets(folder) == f"another run is writing to {folder}"
        (folder / "checkpoint-1").mkdir()
    assert another_process_gets(folder) == "mine"


def test_one_process_may_claim_a_folder_twice(tmp_path: Path) -> None:
    """As a cross-validation does, which holds the folder of all folds."""
    with locked(tmp_path):
        with locked(tmp_path):
            pass
        assert another_process_gets(tmp_path).startswith("another run")


def test_a_folder_to_which_nothing_was_written_goes_again(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no rows"), locked(tmp_path / "deep" / "run"):
        raise ValueError("no rows")
    assert not (tmp_path / "deep" / "run").exists()
    with locked(tmp_path / "run"):
        (tmp_path / "run" / "result.json").write_text("{}")
    assert (tmp_path / "run" / "result.json").exists()
    (tmp_path / "empty").mkdir()
    with locked(tmp_path / "empty"):
        pass
    assert (tmp_path / "empty").is_dir()  # it was there before


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputExistsError, match="cannot be created"), locked(tmp_path / "file" / "run"):
        pass


def test_a_checkpoint_holds_the_weights_and_two_moments_of_those_that_are_learnt() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(10, 20, bias=False), torch.nn.Linear(20, 5, bias=False))
    assert checkpoint_bytes(model) == 4 * 3 * (200 + 100)
    model[0].requires_grad_(False)
    assert checkpoint_bytes(model) == 4 * (200 + 3 * 100)


def test_too_little_room_is_said_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = torch.nn.Linear(100, 100, bias=False)  # 120 kB a checkpoint
    usage = type("Usage", (), {"free": 300_000})
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    prepare_folder(tmp_path, model, Keep(1, best=False))
    with pytest.raises(DiskFullError, match="not enough disk space") as caught:
        prepare_folder(tmp_path, model, Keep(1, best=True))
    assert caught.value.found == "0.3 MB free"
    assert caught.value.expected == "0.36 MB, for 3 checkpoints at a time"

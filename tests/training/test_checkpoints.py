"""Which checkpoint a run goes on from, and which it refuses."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imdb_sentiment import ConfigError
from imdb_sentiment.training.checkpoints import check_same_run, newest_checkpoint

WHOLE = '{"global_step": 1}'
STATES = {"whole": WHOLE, "cut off": WHOLE[:9], "empty": "", "not an object": "[]", "not UTF-8": "\udcff", "none": None}


def write_checkpoint(folder: Path, state: str | None = WHOLE) -> None:
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    if state is not None:
        (folder / "trainer_state.json").write_text(state, encoding="utf-8", errors="surrogateescape")


@settings(deadline=None, max_examples=60)
@given(kinds=st.dictionaries(st.integers(0, 10**6), st.sampled_from(sorted(STATES)), max_size=8))
def test_the_highest_number_among_the_complete_ones(kinds: dict[int, str]) -> None:
    with TemporaryDirectory() as name:
        for number, kind in kinds.items():
            write_checkpoint(Path(name) / f"checkpoint-{number}", STATES[kind])
        complete = [number for number, kind in kinds.items() if kind == "whole"]
        expected = Path(name) / f"checkpoint-{max(complete)}" if complete else None
        assert newest_checkpoint(Path(name)) == expected


def test_numbers_are_compared_as_numbers(tmp_path: Path) -> None:
    for number in (9, 10, 100, 99):
        write_checkpoint(tmp_path / f"checkpoint-{number}")
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-100"


@pytest.mark.parametrize(
    "name", ["checkpoint-", "checkpoint-x", "checkpoint-3.old", "my-checkpoint-3", "checkpoint-3 "]
)
def test_other_names_are_no_checkpoints(name: str, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / name)
    assert newest_checkpoint(tmp_path) is None


def test_a_file_or_a_deeper_folder_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-7").write_text("a file")
    write_checkpoint(tmp_path / "run" / "checkpoint-8")
    assert newest_checkpoint(tmp_path) is None


def test_there_may_be_no_folder(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "nowhere") is None


RUN = {"learning_rate": 2e-5, "labels": ["ham", "spam"], "model_revision": None}


def recorded(folder: Path, run: dict[str, object]) -> Path:
    state = {"stateful_callbacks": {"RunRecord": {"args": run, "attributes": {}}}}
    write_checkpoint(folder, json.dumps(state))
    return folder


def test_a_checkpoint_of_the_same_run_is_taken(tmp_path: Path) -> None:
    checkpoint = recorded(tmp_path / "checkpoint-3", RUN)
    check_same_run(checkpoint, RUN)
    with pytest.raises(ConfigError):
        check_same_run(checkpoint, RUN | {"labels": ["spam", "ham"]})


def test_a_checkpoint_of_another_run_is_refused_by_what_differs(tmp_path: Path) -> None:
    checkpoint = recorded(tmp_path / "checkpoint-3", RUN | {"learning_rate": 0.5})
    with pytest.raises(ConfigError, match="belongs to another run") as caught:
        check_same_run(checkpoint, RUN)
    assert caught.value.found == "learning_rate was 0.5"
    assert caught.value.expected == "learning_rate is 2e-05"


def test_a_checkpoint_of_other_making_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "checkpoint-3")
    with pytest.raises(ConfigError, match="belongs to another run"):
        check_same_run(tmp_path / "checkpoint-3", RUN)

"""One run writes to a folder at a time; the room for its checkpoints is known before."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from imdb_sentiment import DiskFullError, OutputExistsError
from imdb_sentiment.training.run_folder import check_room, checkpoint_bytes, locked

TRY = """
import sys
from pathlib import Path
from imdb_sentiment import OutputExistsError
from imdb_sentiment.training.run_folder import locked
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
    check_room(tmp_path, model, 2)
    with pytest.raises(DiskFullError, match="not enough disk space") as caught:
        check_room(tmp_path, model, 3)
    assert caught.value.found == "0.3 MB free"
    assert caught.value.expected == "0.36 MB, for 3 checkpoints at a time"

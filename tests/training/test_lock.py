"""One run at a time writes to a folder, whatever becomes of the process that it was in. Covers training/claiming.py."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conftest import make_reviews
from imdb_sentiment import DataError, FineTuneConfig, OutputExistsError, SentimentFineTuner
from imdb_sentiment.evaluation.metrics import measure

HOLD = """
import sys
from pathlib import Path
from imdb_sentiment.training.checkpoints import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def config(tiny_config: FineTuneConfig) -> FineTuneConfig:
    return tiny_config.replace(num_train_epochs=1, per_device_train_batch_size=16)


def command(folder: Path) -> list[str]:
    return [sys.executable, "-c", HOLD, str(folder)]


@contextmanager
def held_by_another_process(folder: Path) -> Iterator[None]:
    """Have a process hold the folder, and kill it at the end."""
    with subprocess.Popen(command(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout
            assert holder.stdout.readline() == "held\n"
            yield
        finally:
            holder.kill()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_run_is_refused_while_another_process_has_its_folder_and_not_once_that_is_killed(
    config: FineTuneConfig, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    tuner = SentimentFineTuner(config=config, output_dir=folder)
    with held_by_another_process(folder):
        for resume in (False, True):
            with pytest.raises(OutputExistsError, match="another run is writing to"):
                tuner.fit(make_reviews(40), resume=resume)
        assert names(folder) == {".lock"}
    tuner.fit(make_reviews(40))
    assert len(tuner.fit(make_reviews(40), resume=True).history) == 1


@pytest.mark.integration
def test_the_folder_is_held_while_a_run_learns(
    config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    tries: list[subprocess.CompletedProcess[str]] = []

    def try_meanwhile(*arguments: Any, **named: Any) -> Any:
        tries.append(subprocess.run(command(folder), input="", capture_output=True, text=True, check=False))
        return measure(*arguments, **named)

    monkeypatch.setattr("imdb_sentiment.training.setup.measure", try_meanwhile)
    SentimentFineTuner(config=config, output_dir=folder).fit(make_reviews(40))
    (refused,) = tries
    assert refused.returncode == 1
    assert f"another run is writing to {folder}" in refused.stderr
    assert names(folder) == {".lock", "checkpoint-2"}
    with held_by_another_process(folder):  # it is free afterwards
        pass


def test_a_run_that_cannot_begin_leaves_no_folder(config: FineTuneConfig, tmp_path: Path) -> None:
    tuner = SentimentFineTuner(config=config, output_dir=tmp_path / "run")
    with pytest.raises(DataError):
        tuner.fit((["one", "two"], ["yes", "no"]))
    assert not (tmp_path / "run").exists()
    (tmp_path / "there").mkdir()
    tuner.output_dir = tmp_path / "there"
    with pytest.raises(DataError):
        tuner.fit((["one", "two"], ["yes", "no"]))
    assert (tmp_path / "there").is_dir()

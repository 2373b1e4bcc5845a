"""The command under torchrun and accelerate launch, as a user starts, interrupts and resumes it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from distributed_run import train_arguments

from conftest import make_reviews
from imdb_sentiment import FineTuneConfig, SentimentClassifier
from imdb_sentiment.training.checkpoints import complete_checkpoints

pytestmark = pytest.mark.integration

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
# without --multi_gpu it would start a single process, on a machine without GPUs too
ACCELERATE = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0"]


def start(launcher: list[str], *arguments: object) -> subprocess.Popen[str]:
    """Start the command in two processes, in a process group as a terminal makes one."""
    line = [sys.executable, *launcher, "-m", "imdb_sentiment", *map(str, arguments)]
    return subprocess.Popen(
        line,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        start_new_session=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )


def interrupt(process: subprocess.Popen[str], run: Path, send: Callable[[int], None]) -> str:
    """Send a signal once the run has saved another checkpoint; return what was printed."""
    before = max(complete_checkpoints(run), default=0)
    while process.poll() is None and max(complete_checkpoints(run), default=0) == before:
        time.sleep(0.05)
    send(process.pid)
    return process.communicate(timeout=60)[0]


def stopped_after(printed: str) -> int:
    assert printed.count("stopping after this step") == 1
    (step,) = re.findall(r"^training was interrupted after step (\d+) of", printed, re.MULTILINE)
    return int(step)


def test_an_interrupted_run_is_gone_on_with_by_another_launcher(tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    model, run = tmp_path / "model", tmp_path / ".model.run"
    changes = {"num_train_epochs": 20, "per_device_train_batch_size": 2}
    arguments = train_arguments(tiny_config, make_reviews(60), tmp_path, **changes)

    def by_the_terminal(pid: int) -> None:
        os.killpg(pid, signal.SIGINT)

    def by_a_scheduler(pid: int) -> None:
        os.kill(pid, signal.SIGTERM)

    printed = interrupt(start(TORCHRUN, *arguments), run, by_the_terminal)
    first = stopped_after(printed)
    assert max(complete_checkpoints(run)) == first
    assert printed.count("Fine-tuning") == 1
    printed = interrupt(start(TORCHRUN, *arguments, "--resume"), run, by_a_scheduler)
    assert stopped_after(printed) > first
    assert not model.exists()
    process = start(ACCELERATE, *arguments, "--resume")
    printed = process.communicate(timeout=300)[0]
    assert process.returncode == 0, printed
    assert printed.count("Test split, read once") == 1
    assert SentimentClassifier.from_pretrained(str(model)).labels == ("negative", "positive")
    assert not run.exists()


def test_wrong_input_is_told_once_by_the_process_whose_exit_code_counts(tmp_path: Path) -> None:
    process = start(TORCHRUN, "train", "--data", tmp_path / "absent.csv", "--output", tmp_path / "model")
    printed = process.communicate(timeout=120)[0]
    assert process.returncode == 1  # torchrun's own
    assert printed.count("DataError: there is no file or folder") == 1
    root_cause = printed.partition("Root Cause")[2]
    assert re.search(r"rank +: 0 .*\n.*exitcode +: 2 ", root_cause), printed
    assert list(tmp_path.iterdir()) == []

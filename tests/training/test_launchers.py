"""The command under torchrun and accelerate launch, as a user starts, interrupts and resumes it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from distributed_run import train_arguments

from conftest import make_reviews
from imdb_sentiment import FineTuneConfig, SentimentClassifier
from imdb_sentiment.training.checkpoints import complete_checkpoints
from touches import environment, wait_for_stop

pytestmark = pytest.mark.integration

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
# without --multi_gpu it would start a single process, on a machine without GPUs too
ACCELERATE = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0"]


def start(launcher: list[str], *arguments: object, **variables: str) -> "subprocess.Popen[str]":
    """Start the command in two processes, in a process group as a terminal makes one."""
    line = [sys.executable, *launcher, "-m", "imdb_sentiment", *map(str, arguments)]
    return subprocess.Popen(
        line,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        start_new_session=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", **variables},
    )


def interrupt(place: Path, arguments: list[str], run: Path, send: Callable[[int, int], None], number: int) -> str:
    """Start a run, and send a signal as it saves its second checkpoint; return what was printed."""
    place.mkdir()
    at_second_checkpoint = environment(place, run, ["*/complete.json.partial"] * 4, kill=False)
    printed = ""
    with start(TORCHRUN, *arguments, **at_second_checkpoint) as process:
        stopped = wait_for_stop(place, process)
        assert process.stdout
        send(process.pid, number)
        while printed.count("closing signal") < 2:  # torchrun has passed it on to both
            line = process.stdout.readline()
            assert line, printed
            printed += line
        os.kill(stopped, signal.SIGCONT)
        return printed + process.stdout.read()


def stopped_after(printed: str) -> int:
    assert printed.count("stopping after this step") == 1
    (step,) = re.findall(r"^training was interrupted after step (\d+) of", printed, re.MULTILINE)
    return int(step)


@pytest.mark.parametrize(
    ("send", "number"),
    [
        pytest.param(os.killpg, signal.SIGINT, id="a terminal"),
        # torchrun passes it on as it does the other, and each process heeds both alike
        pytest.param(os.kill, signal.SIGTERM, id="a scheduler", marks=pytest.mark.simulation),
    ],
)
def test_an_interrupted_run_is_gone_on_with_by_another_launcher(
    send: Callable[[int, int], None], number: int, tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    model, run = tmp_path / "model", tmp_path / ".model.run"
    arguments = train_arguments(tiny_config, make_reviews(40), tmp_path, per_device_train_batch_size=8)
    printed = interrupt(tmp_path / "stopped", arguments, run, send, number)
    assert max(complete_checkpoints(run)) == stopped_after(printed)
    assert printed.count("Fine-tuning") == 1
    assert not model.exists()
    process = start(ACCELERATE, *arguments, "--resume")
    printed = process.communicate()[0]
    assert process.returncode == 0, printed
    assert printed.count("Resuming from ") == 1
    assert printed.count("Test split, read once") == 1
    assert SentimentClassifier.from_pretrained(str(model)).labels == ("negative", "positive")
    assert not run.exists()


def test_wrong_input_is_told_once_by_the_process_whose_exit_code_counts(tmp_path: Path) -> None:
    process = start(TORCHRUN, "train", "--data", tmp_path / "absent.csv", "--output", tmp_path / "model")
    printed = process.communicate()[0]
    assert process.returncode == 1  # torchrun's own
    assert printed.count("DataError: there is no file or folder") == 1
    root_cause = printed.partition("Root Cause")[2]
    assert re.search(r"rank +: 0 .*\n.*exitcode +: 2 ", root_cause), printed
    assert list(tmp_path.iterdir()) == []

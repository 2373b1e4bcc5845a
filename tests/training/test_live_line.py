"""The line that changes while a model learns: what it shows, and that nothing of it stays."""

import os
import re
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tqdm
from test_progress import Clock, clock, shown, terminal
from trainers import build_parts
from transformers import TrainerCallback

from conftest import make_reviews
from imdb_sentiment import (
    DataConfig,
    FineTuneConfig,
    SentimentFineTuner,
    TrainingDivergedError,
    TrainingInterruptedError,
)
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.runtime.huggingface import quiet

__all__ = ["clock"]

LINE = re.compile(
    r"training \d+%: (\d\d:\d\d|\?) left, +([\d.]+row/s|[\d.]+s/row|\?row/s)"
    r"(, loss=\d\.\d{3})?(, accuracy=\d\.\d{3})?, lr=\d\.\de[-+]\d\d"
)


class Later(TrainerCallback):
    """Lets time pass with each step."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.clock.now += 2


def screen(text: str) -> list[str]:
    """The lines that a terminal shows after a text was written to it, without blank ones at the end."""
    lines = [""]
    column = 0
    for part in re.findall(r"\r|\n|\x1b\[K|[^\r\n\x1b]+", text):
        if part == "\n":
            lines.append("")
        elif part == "\x1b[K":
            lines[-1] = lines[-1][:column]
        elif part != "\r":
            lines[-1] = lines[-1][:column] + part + lines[-1][column + len(part) :]
        column = 0 if part in "\r\n" else column + len(part) * (part != "\x1b[K")
    return "\n".join(line.rstrip() for line in lines).rstrip("\n").splitlines()


def states(text: str) -> list[str]:
    """What the line showed, one after the other."""
    return [state for state in re.split(r"[\r\n]", text) if state.startswith("training")]


@pytest.fixture
def fit(tiny_config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    """A run whose line is shown from the first step on."""
    monkeypatch.setattr("imdb_sentiment.runtime.progress._DELAY_SECONDS", 1e-6)
    monkeypatch.setattr("tqdm.tqdm", partial(tqdm.tqdm, mininterval=0))  # it would leave out some of a quick run
    data = DataConfig(near_duplicates="ignore")
    config = tiny_config.replace(num_train_epochs=3)
    return partial(SentimentFineTuner(data, config, output_dir=tmp_path / "run").fit, make_reviews(60))


@pytest.fixture
def at_second_evaluation(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    def let(happen: Callable[[], object]) -> None:
        seen = []

        def measure_and_more(*args: Any, **kwargs: Any) -> Any:
            seen.append(1)
            if len(seen) == 2:
                happen()
            return measure(*args, **kwargs)

        monkeypatch.setattr("imdb_sentiment.training.setup.measure", measure_and_more)

    return let


def test_it_shows_time_left_rows_a_second_loss_accuracy_and_learning_rate(
    tiny_model: Path, tmp_path: Path, clock: Clock
) -> None:
    trainer = build_parts(tiny_model, tmp_path / "run", 24, per_device_train_batch_size=4, num_train_epochs=2).trainer
    trainer.add_callback(Later(clock))
    with quiet(), terminal(columns=80) as reader:
        trainer.train()
        first, *_, last = states(shown(reader))
    assert first.startswith("training 8%: 00:22 left,  2.00row/s, ")
    assert first.rstrip().endswith("lr=9.2e-04")
    assert re.fullmatch(r"training 100%: 00:00 left,  2.00row/s, loss=0.\d+, accuracy=\d.\d+, lr=0.0e\+00 *", last)


def test_a_run_leaves_nothing_of_it(fit: Callable[[], object]) -> None:
    with terminal() as reader:
        fit()
        text = shown(reader)
    assert len(states(text)) > 1
    assert [state for state in states(text) if not LINE.match(state)] == []
    assert max(map(len, text.split("\r"))) < 80
    assert screen(text) == []


def test_an_error_leaves_nothing_of_it(
    fit: Callable[[], object], at_second_evaluation: Callable[[Callable[[], object]], None]
) -> None:
    def diverge() -> None:
        raise TrainingDivergedError("training diverged")

    at_second_evaluation(diverge)
    with terminal() as reader:
        with pytest.raises(TrainingDivergedError):
            fit()
        text = shown(reader)
    assert states(text)
    assert screen(text) == []


def test_ctrl_c_leaves_only_what_it_does(
    fit: Callable[[], object], at_second_evaluation: Callable[[Callable[[], object]], None]
) -> None:
    at_second_evaluation(lambda: os.kill(os.getpid(), signal.SIGINT))
    with terminal() as reader:
        with pytest.raises(TrainingInterruptedError):
            fit()
        text = shown(reader)
    before, _, _ = text.partition("stopping after this step")
    assert states(before)
    assert screen(before) == []
    assert screen(text) == ["stopping after this step; press again to stop at once"]


def test_what_is_no_terminal_gets_nothing(fit: Callable[[], object], capsys: pytest.CaptureFixture[str]) -> None:
    fit()
    assert capsys.readouterr() == ("", "")

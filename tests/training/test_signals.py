"""Ctrl-C and SIGTERM: once, the step is finished and saved; twice, the run ends at once."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from crash_runs import Recipe

from conftest import make_reviews
from forked import one_cpu_thread
from imdb_sentiment import NotFittedError, TrainingInterruptedError
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.training.checkpoints import complete_checkpoints
from imdb_sentiment.training.signals import StopRequest, graceful_interrupt
from imdb_sentiment.training.trainer import FineTuneTrainer

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SHORT = {"num_train_epochs": 1, "evaluations_per_epoch": 1}
Meanwhile = Callable[[], None]


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    return Recipe(tiny_model, make_reviews(46))


@pytest.fixture(autouse=True)
def comparable() -> Iterator[None]:
    with one_cpu_thread():
        yield


@pytest.fixture
def handlers() -> Iterator[None]:
    """Fails where a test leaves other handlers than it found."""
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before


def told(*signals: signal.Signals) -> Meanwhile:
    def tell() -> None:
        for number in signals:
            os.kill(os.getpid(), number)

    return tell


def in_step(patch: pytest.MonkeyPatch, step: int, meanwhile: Meanwhile) -> None:
    take = FineTuneTrainer.get_batch_samples

    def take_and_more(self: FineTuneTrainer, *arguments: Any) -> Any:
        if self.state.global_step + 1 == step:
            meanwhile()
        return take(self, *arguments)

    patch.setattr(FineTuneTrainer, "get_batch_samples", take_and_more)


def in_evaluation(patch: pytest.MonkeyPatch, nth: int, meanwhile: Meanwhile) -> None:
    done = []

    def measure_and_more(*arguments: Any, **named: Any) -> Any:
        done.append(1)
        if len(done) == nth:
            meanwhile()
        return measure(*arguments, **named)

    patch.setattr("imdb_sentiment.training.setup.measure", measure_and_more)


@pytest.mark.integration
@pytest.mark.usefixtures("handlers")
def test_a_run_that_is_told_to_stop_again_and_again_ends_as_one_that_was_not(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imdb_sentiment.training.signals._DEBOUNCE_SECONDS", float("inf"))
    whole = recipe.fit(tmp_path / "whole")
    folder = tmp_path / "run"
    moments = [
        (2, in_step, 2, told(signal.SIGTERM, signal.SIGINT)),  # two at once count as one
        (7, in_step, 7, told(signal.SIGTERM)),  # evaluated, and the last of its epoch
        (12, in_evaluation, 1, told(signal.SIGINT)),  # the evaluation after step 11, and the step after it
        (14, in_evaluation, 1, told(signal.SIGTERM)),  # no step follows
    ]
    for step, place, number, tell in moments:
        with pytest.MonkeyPatch.context() as patch:
            place(patch, number, tell)
            with pytest.raises(TrainingInterruptedError) as caught:
                recipe.fit(folder, resume=step > 2)
        assert caught.value.summary == f"training was interrupted after step {step} of 14"
        assert str(folder / f"checkpoint-{step}") in str(caught.value)
        assert "resume=True" in str(caught.value)
        assert max(complete_checkpoints(folder)) == step
    assert recipe.fit(folder, resume=True) == whole


@pytest.mark.integration
def test_the_loss_of_steps_before_a_break_is_not_lost(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imdb_sentiment.training.callbacks._LOGS_PER_EPOCH", 1)
    recipe = recipe._replace(changes=SHORT)
    whole = recipe.fit(tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:
        in_step(patch, 4, told(signal.SIGINT))
        with pytest.raises(TrainingInterruptedError):
            recipe.fit(tmp_path / "run")
    resumed = recipe.fit(tmp_path / "run", resume=True)
    losses, expected = ([record["train_loss"] for record in run["history"]] for run in (resumed, whole))
    assert losses == pytest.approx(expected, rel=1e-6)  # the mean of two means is rounded once more
    assert (resumed["kept"], resumed["last"]) == (whole["kept"], whole["last"])


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_ends_the_run_at_once(
    number: signal.Signals, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imdb_sentiment.training.signals._DEBOUNCE_SECONDS", -1)  # so that no two count as one
    in_step(monkeypatch, 6, told(number, number))
    tuner = recipe.tuner(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        tuner.fit(recipe.reviews)
    assert list(complete_checkpoints(tmp_path / "run")) == [4]
    with pytest.raises(NotFittedError):
        tuner.evaluate()


def test_signals_within_a_second_count_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    request = StopRequest()
    request.handle(signal.SIGINT, None)
    now += 0.9
    request.handle(signal.SIGTERM, None)
    assert request.requested
    now += 0.2
    with pytest.raises(KeyboardInterrupt):
        request.handle(signal.SIGTERM, None)


@pytest.mark.usefixtures("handlers")
def test_outside_the_main_thread_a_run_leaves_signals_alone(recipe: Recipe, tmp_path: Path) -> None:
    recipe = recipe._replace(changes=SHORT)
    before = signal.getsignal(signal.SIGINT)
    seen, runs = [], []

    def fit() -> None:
        with pytest.MonkeyPatch.context() as patch:
            in_step(patch, 3, lambda: seen.append(signal.getsignal(signal.SIGINT)))
            runs.append(recipe.fit(tmp_path / "run"))

    thread = threading.Thread(target=fit)
    thread.start()
    thread.join()
    assert seen == [before]
    assert runs[0]["checkpoints"] == [7]


@pytest.mark.usefixtures("handlers")
def test_handlers_are_put_back_after_an_error() -> None:
    during = []
    with suppress(ValueError), graceful_interrupt() as request:
        during = [signal.getsignal(number) for number in SIGNALS]
        raise ValueError("of the run")
    assert during == [request.handle, request.handle]


def test_the_user_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    StopRequest().handle(signal.SIGINT, None)
    assert capsys.readouterr().err == "\nstopping after this step; press again to stop at once\n"


def test_a_run_whose_reader_is_gone_is_saved_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `train 2>&1 | tee log` is after Ctrl-C, which ends `tee` at once."""
    reader, writer = os.pipe()
    os.close(reader)
    broken = os.fdopen(writer, "w", buffering=1)
    monkeypatch.setattr(sys, "stderr", broken)
    request = StopRequest()
    request.handle(signal.SIGINT, None)
    assert request.requested
    with suppress(BrokenPipeError):
        broken.close()

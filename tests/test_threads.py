"""Covers training/run.py.

Threads that train, open and predict at once: each as if it were alone, and the process afterwards as it was.
"""

import csv
import logging
import random
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.utils import are_progress_bars_disabled
from transformers import BertForSequenceClassification, PreTrainedModel
from transformers.utils import logging as transformers_logging

from conftest import make_reviews, untimed
from imdb_sentiment import (
    FineTuneConfig,
    OutputExistsError,
    SentimentClassifier,
    SentimentFineTuner,
    TrainingDivergedError,
)
from imdb_sentiment.runtime.huggingface import hub_or_cache, quiet
from imdb_sentiment.training.trainer import FineTuneTrainer

FIRST_USE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from imdb_sentiment import SentimentClassifier
together = Barrier(5)
def work(_):
    together.wait()
    return SentimentClassifier.from_pretrained(sys.argv[1]).predict("A superb film.").label
with ThreadPoolExecutor(5) as threads:
    print(*threads.map(work, range(5)))
"""
NOT_YET = 0.3
"""Seconds in which something does not happen; too few of them let a fault pass, and fail nothing."""


def state() -> dict[str, Any]:
    """What all threads share."""
    return {
        "filters": list(warnings.filters),
        "bars": (
            transformers_logging.is_progress_bar_enabled(),
            datasets.are_progress_bars_disabled(),
            are_progress_bars_disabled(),
        ),
        "verbosity": (transformers_logging.get_verbosity(), datasets.logging.get_verbosity()),
        "logging": (logging.root.manager.disable, list(logging.root.handlers)),
        "offline": (constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE),
        "random": (random.getstate(), repr(np.random.get_state()), torch.get_rng_state().tolist()),
        "torch": (torch.get_default_dtype(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()),
        "functions": (
            [getattr(torch.nn.init, name) for name in dir(torch.nn.init)],
            PreTrainedModel.tie_weights,
            PreTrainedModel.init_weights,
            torch.linspace,
            torch.nn.functional.scaled_dot_product_attention,
        ),
        "others": (csv.field_size_limit(), sys.stdout, sys.stderr),
    }


@pytest.fixture
def config(tiny_config: FineTuneConfig) -> FineTuneConfig:
    return tiny_config.replace(num_train_epochs=2, per_device_train_batch_size=16, dropout=0.3)


class Fitted:
    """A run in a folder, and what came of it."""

    def __init__(self, config: FineTuneConfig, folder: Path) -> None:
        self.tuner = SentimentFineTuner(config=config, output_dir=folder)
        self.result = self.tuner.fit(make_reviews(80))

    def equals(self, other: "Fitted") -> bool:
        assert self.tuner._fitted
        assert other.tuner._fitted
        mine, theirs = self.tuner._fitted.model.state_dict(), other.tuner._fitted.model.state_dict()
        same = all(torch.equal(mine[name], theirs[name]) for name in mine)
        return same and untimed(self.result.history) == untimed(other.result.history)


def at_the_first_step(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have something done between the first two steps of training."""
    step, steps = FineTuneTrainer.training_step, []

    def training_step(self: FineTuneTrainer, *arguments: Any, **named: Any) -> torch.Tensor:
        steps.append(1)
        if len(steps) == 2:
            act()
        return step(self, *arguments, **named)

    monkeypatch.setattr(FineTuneTrainer, "training_step", training_step)


@pytest.mark.integration
def test_two_runs_at_once_end_as_one_after_the_other(
    config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = [config, config.replace(seed=7)]
    alone = [Fitted(each, tmp_path / f"alone-{each.seed}") for each in configs]
    before = state()
    seeding = Event()
    with ThreadPoolExecutor(1) as thread, monkeypatch.context() as patch:
        second: list[Future[Fitted]] = []

        def begin_another() -> None:
            from imdb_sentiment.models.pretrained import load_model as load

            def load_model(*given: Any) -> Any:
                loaded = load(*given)
                seeding.set()
                return loaded

            patch.setattr("imdb_sentiment.training.run.load_model", load_model)
            second.append(thread.submit(Fitted, configs[1], tmp_path / "second"))
            assert not seeding.wait(NOT_YET)

        at_the_first_step(patch, begin_another)
        first = Fitted(configs[0], tmp_path / "first")
        seeding.wait()
        together = [first, second[0].result()]
    assert [each.equals(other) for each, other in zip(together, alone, strict=True)] == [True, True]
    assert not together[0].equals(together[1])
    assert state() == before


@pytest.mark.integration
def test_a_run_is_not_disturbed_by_predictions_and_models_opened_meanwhile(
    config: FineTuneConfig, saved_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, _ = make_reviews(300)
    alone = Fitted(config, tmp_path / "alone")
    classifier = SentimentClassifier.from_pretrained(saved_model)
    expected = classifier.predict(texts)
    before = state()

    def predict() -> None:
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(classifier.predict, texts).result() == expected
            opened = thread.submit(SentimentClassifier.from_pretrained, saved_model).result()
            assert thread.submit(opened.predict, texts).result() == expected

    with monkeypatch.context() as patch:
        at_the_first_step(patch, predict)
        assert Fitted(config, tmp_path / "run").equals(alone)
    assert state() == before


@pytest.mark.integration
def test_a_run_leaves_the_process_as_it_was(config: FineTuneConfig, tmp_path: Path) -> None:
    Fitted(config, tmp_path / "first")  # what is imported by it may draw random numbers
    before = state()
    Fitted(config, tmp_path / "run")
    assert state() == before
    with pytest.raises(TrainingDivergedError):
        Fitted(config.replace(learning_rate=1e20), tmp_path / "diverged")
    assert state() == before


def test_threads_that_train_into_one_folder(
    config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin_in_a_thread() -> None:
        with ThreadPoolExecutor(1) as thread:
            refused = thread.submit(
                SentimentFineTuner(config=config, output_dir=tmp_path / "run").fit, make_reviews(80), resume=True
            ).exception()
        assert isinstance(refused, OutputExistsError)
        assert "another thread is writing to" in refused.summary

    at_the_first_step(monkeypatch, begin_in_a_thread)
    assert Fitted(config, tmp_path / "run").result.history


def test_models_are_built_one_at_a_time(saved_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For that time transformers has other functions in place; two that overlap would leave them there."""
    before = state()
    build, second = BertForSequenceClassification.__init__, Event()
    begun: list[Future[SentimentClassifier]] = []
    with ThreadPoolExecutor(1) as thread:

        def building(self: Any, *arguments: Any, **named: Any) -> None:
            if begun:
                second.set()
            else:
                begun.append(thread.submit(SentimentClassifier.from_pretrained, saved_model))
                assert not second.wait(NOT_YET)
            build(self, *arguments, **named)

        monkeypatch.setattr(BertForSequenceClassification, "__init__", building)
        first = SentimentClassifier.from_pretrained(saved_model)
        assert first.predict("A superb film.") == begun[0].result().predict("A superb film.")
    assert second.is_set()
    assert state() == before


@pytest.mark.integration
def test_five_threads_open_models_and_measure(saved_model: Path) -> None:
    texts, labels = make_reviews(40)
    expected = SentimentClassifier.from_pretrained(saved_model).predict(texts)
    together = Barrier(5)
    before = state()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def work(_: int) -> bool:
        together.wait()
        classifier = SentimentClassifier.from_pretrained(saved_model)
        with quiet():  # it warns of rows that the model has seen
            classifier.evaluate(texts, labels)
        return classifier.predict(texts) == expected

    try:
        with ThreadPoolExecutor(5) as threads:
            assert all(threads.map(work, range(5)))
    finally:
        sys.setswitchinterval(interval)
    assert state() == before


@pytest.mark.integration
def test_five_threads_open_models_before_anything_is_imported(saved_model: Path) -> None:
    """Modules that one thread is importing would be found half imported by another."""
    command = [sys.executable, "-c", FIRST_USE, str(saved_model)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    label = SentimentClassifier.from_pretrained(saved_model).predict("A superb film.").label
    assert run.stdout.split() == [label] * 5


def test_changes_that_overlap_are_put_back() -> None:
    before = state()
    first, second = quiet(), quiet()
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        one.submit(first.__enter__).result()
        inside = state()
        other.submit(second.__enter__).result()
        one.submit(first.__exit__, None, None, None).result()
        assert state() == inside != before
        other.submit(second.__exit__, None, None, None).result()
    assert state() == before


def test_a_hub_that_answers_is_used_though_another_did_not_answer_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Event()

    def answers(repository: str, *_: object) -> bool:
        if repository == "there":
            answered.set()
        return repository == "there"

    monkeypatch.setattr("imdb_sentiment.runtime.huggingface._hub_answers", answers)

    def is_offline() -> bool:
        with hub_or_cache("there", "model", None):
            return bool(constants.HF_HUB_OFFLINE)

    with ThreadPoolExecutor(1) as thread:
        with hub_or_cache("away", "model", None):
            assert constants.HF_HUB_OFFLINE
            other = thread.submit(is_offline)
            answered.wait()
        assert other.result() is False
    assert not constants.HF_HUB_OFFLINE

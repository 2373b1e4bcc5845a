"""Covers runtime/distributed.py.

What a process knows of the others; what several do together stands in tests/training/test_distributed.py.
"""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from imdb_sentiment import (
    ConfigError,
    DataConfig,
    DataError,
    FineTuneConfig,
    SentimentFineTuner,
    cross_validate,
    errors,
    find_label_issues,
)
from imdb_sentiment.runtime.distributed import is_main, run_on_all_ranks, run_on_main, world_size
from imdb_sentiment.training.arguments import training_arguments
from imdb_sentiment.training.recipe import Recipe, settle


def test_without_a_launcher_there_is_one_process() -> None:
    assert world_size() == 1
    assert is_main()
    assert run_on_main(lambda: "said") == run_on_all_ranks(lambda: "said") == "said"


@pytest.mark.parametrize(("rank", "main"), [("0", True), ("1", False)])
def test_the_first_of_several_processes_is_the_main_one(monkeypatch: pytest.MonkeyPatch, rank: str, main: bool) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", rank)
    assert world_size() == 2
    assert is_main() is main


@pytest.mark.parametrize("together", [run_on_main, run_on_all_ranks])
def test_processes_that_no_launcher_started_are_refused(
    monkeypatch: pytest.MonkeyPatch, together: Callable[[Callable[[], None]], None]
) -> None:
    """Each would wait for the others, or take itself for the only one."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("FSDP_CPU_RAM_EFFICIENT_LOADING", "")
    called: list[int] = []
    with pytest.raises(ConfigError, match="WORLD_SIZE says that 2 processes train together") as caught:
        together(lambda: called.append(1))
    assert "torchrun" in str(caught.value.hint)
    assert called == []


def test_a_cross_validation_of_several_processes_is_refused(
    monkeypatch: pytest.MonkeyPatch, reviews: tuple[list[str], list[int]], tmp_path: Path
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="cross_validate runs in one process"):
        cross_validate(reviews, output_dir=tmp_path / "folds")
    with pytest.raises(ConfigError, match="find_label_issues runs in one process"):
        find_label_issues(reviews)
    assert not (tmp_path / "folds").exists()


def test_each_error_can_be_sent_to_other_processes() -> None:
    for name in errors.__all__:
        error = getattr(errors, name)("a", found="b", expected="c", hint="d")
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301  made in the line itself
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert (copy.summary, copy.found, copy.expected, copy.hint) == ("a", "b", "c", "d")
    assert pickle.loads(pickle.dumps(DataError("a", rows=[2, 5]))).rows == (2, 5)  # noqa: S301


def test_one_process_on_several_gpus_says_that_it_uses_one(
    monkeypatch: pytest.MonkeyPatch, tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    tuner = SentimentFineTuner(DataConfig(source=str(tmp_path / "absent.csv")), tiny_config, output_dir=tmp_path / "r")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    with (
        pytest.warns(UserWarning, match=r"training on one of 4 GPUs; for all of them: torchrun --nproc-per-node 4"),
        pytest.raises(DataError),
    ):
        tuner.fit()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DataError):  # and not a warning, which would be an error here
        tuner.fit()


def test_a_batch_is_not_divided_between_the_gpus_of_one_process(
    monkeypatch: pytest.MonkeyPatch, tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    settled = settle(tiny_config, train_rows=100, hidden_size=32)
    arguments = training_arguments(settled, Recipe("fp32", 2048), tmp_path)
    assert arguments.n_gpu == 1
    assert arguments.train_batch_size == tiny_config.per_device_train_batch_size


def test_the_configuration_decides_the_precision_and_not_the_launcher(
    monkeypatch: pytest.MonkeyPatch, tiny_config: FineTuneConfig, tmp_path: Path
) -> None:
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")
    settled = settle(tiny_config, train_rows=100, hidden_size=32)
    for recipe, expected in ((Recipe("fp32", 2048), "no"), (Recipe("bf16", 2048), "bf16")):
        arguments = training_arguments(settled, recipe, tmp_path)
        assert arguments.mixed_precision == expected

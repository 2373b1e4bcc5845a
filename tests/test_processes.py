"""One process alone, and what each of several knows of itself; how they train together is tested with training."""

import warnings

import pytest
import torch

from imdb_sentiment import ConfigError
from imdb_sentiment.processes import is_main, number_of_processes, on_main, warn_of_idle_gpus


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environment", "processes", "main"),
    [
        ({}, 1, True),
        ({"WORLD_SIZE": "1", "RANK": "0"}, 1, True),
        ({"WORLD_SIZE": "4", "RANK": "0"}, 4, True),
        ({"WORLD_SIZE": "4", "RANK": "3"}, 4, False),
        ({"WORLD_SIZE": "4", "RANK": "2", "LOCAL_RANK": "0"}, 4, False),  # the first of a second machine
    ],
)
def test_a_launcher_tells_how_many_there_are_and_which_this_is(
    environment: dict[str, str], processes: int, main: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (number_of_processes(), is_main()) == (processes, main)


def test_alone_a_process_computes_for_itself() -> None:
    result = object()
    assert on_main(lambda: result) is result

    def refuse() -> None:
        raise ConfigError("no such field")

    with pytest.raises(ConfigError, match="no such field"):
        on_main(refuse)


@pytest.mark.parametrize(("gpus", "processes", "warned"), [(0, 1, 0), (1, 1, 0), (4, 1, 1), (4, 4, 0)])
def test_gpus_that_would_stand_idle_are_named(
    gpus: int, processes: int, warned: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_idle_gpus()
    assert len(caught) == warned
    if warned:
        assert str(caught[0].message) == "training on one of 4 GPUs; for all of them: torchrun --nproc-per-node 4 ..."

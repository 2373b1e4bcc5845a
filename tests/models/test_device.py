"""Which device is taken, and which is refused."""

import pytest
import torch

from imdb_sentiment import ConfigError
from imdb_sentiment.models.device import usable_device


def test_by_default_it_is_one_that_computes() -> None:
    assert torch.ones(2, device=usable_device()).sum().item() == 2


@pytest.mark.parametrize(
    ("found", "name"), [(None, "cpu"), (torch.device("cuda"), "cuda"), (torch.device("mps"), "mps")]
)
def test_by_default_it_is_the_accelerator_if_there_is_one(
    found: torch.device | None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def current_accelerator(*, check_available: bool) -> torch.device | None:
        asked.append(check_available)
        return found

    monkeypatch.setattr(torch.accelerator, "current_accelerator", current_accelerator)
    assert usable_device() == name
    assert asked == [True]  # a build for an accelerator that is not there must not count


def test_a_device_that_was_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: torch.device("cuda"))
    assert usable_device("cpu") == "cpu"


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "", "meta"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be used") as caught:
        usable_device(name)
    assert repr(name) in caught.value.summary
    assert caught.value.found
    assert "\n" not in caught.value.found

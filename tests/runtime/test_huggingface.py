"""Calls into Hugging Face libraries: quiet, with clear errors, and the hub asked once."""

import logging
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import datasets
import huggingface_hub
import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub import logging as hub_logging
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled, StrictDataclassError
from huggingface_hub.utils import are_progress_bars_disabled
from transformers.utils import logging as transformers_logging

from hub import LoopbackHub
from imdb_sentiment import ConfigError, DataError, FineTuneConfig, HubUnavailableError, ModelError
from imdb_sentiment.models.pretrained import load_encoder
from imdb_sentiment.runtime.huggingface import hub_errors, hub_or_cache, quiet

LIBRARIES = (transformers_logging, datasets.logging, hub_logging)
BERT = "google-bert/bert-base-uncased"


def bars() -> tuple[bool, bool, bool]:
    """Whether transformers, datasets and the hub client show progress bars."""
    enabled = transformers_logging.is_progress_bar_enabled()
    return bool(enabled), not datasets.are_progress_bars_disabled(), not are_progress_bars_disabled()


def verbosities() -> list[int]:
    return [library.get_verbosity() for library in LIBRARIES]


@pytest.fixture(params=[True, False])
def noise(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Bars on or off and odd verbosities, as a user may have set them; put back at the end."""
    before, wanted = verbosities(), request.param
    for library, level in zip(LIBRARIES, (logging.INFO, logging.DEBUG, logging.WARNING), strict=True):
        library.set_verbosity(level)
    switch(wanted)
    yield wanted
    switch(True)
    for library, level in zip(LIBRARIES, before, strict=True):
        library.set_verbosity(level)


def switch(on: bool) -> None:
    name = "enable" if on else "disable"
    getattr(transformers_logging, f"{name}_progress_bar")()
    getattr(datasets, f"{name}_progress_bars")()
    getattr(huggingface_hub.utils, f"{name}_progress_bars")()


@pytest.mark.parametrize("error", [None, KeyboardInterrupt()])
def test_quiet_silences_and_puts_back_what_was_set(noise: bool, error: BaseException | None) -> None:
    filters = list(warnings.filters)
    inside: list[Any] = []
    try:
        with quiet():
            warnings.warn("nobody needs to know", stacklevel=1)
            inside += [bars(), verbosities()]
            if error:
                raise error
    except KeyboardInterrupt:
        assert error
    assert inside == [(False, False, False), [logging.ERROR] * 3]
    assert bars() == (noise, noise, noise)
    assert verbosities() == [logging.INFO, logging.DEBUG, logging.WARNING]
    assert warnings.filters == filters


def test_downloads_show_their_bars_on_a_terminal(noise: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with quiet():
        assert bars() == (False, False, noise)
        with quiet():
            assert bars() == (False, False, noise)
    assert bars() == (noise, noise, noise)


def test_quiet_inside_quiet(noise: bool) -> None:
    with quiet():
        with quiet():
            assert bars() == (False, False, False)
        assert bars() == (False, False, False)
        assert verbosities() == [logging.ERROR] * 3
    assert bars() == (noise, noise, noise)


def translated(error: BaseException | Callable[[], object]) -> ModelError | HubUnavailableError:
    def fail() -> object:
        if isinstance(error, BaseException):
            raise error
        return error()

    with (
        pytest.raises((ModelError, HubUnavailableError)) as caught,
        hub_errors("model 'm'", ModelError, hint="a folder"),
    ):
        fail()
    assert isinstance(caught.value, ModelError | HubUnavailableError)
    return caught.value


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        (lambda: HfApi().repo_info("nobody/nothing"), "no such repository on the hub"),
        (lambda: HfApi().repo_info(BERT, revision="v9"), "no such revision"),
        (lambda: HfApi().hf_hub_download(BERT, "nothing.json"), "without the files that are needed"),
        (lambda: HfApi().repo_info("a/b/c"), "an invalid repository name"),
        (lambda: datasets.load_dataset("nobody/nothing"), "no such "),
    ],
)
def test_what_is_not_on_the_hub(hub: LoopbackHub, ask: Callable[[], object], found: str) -> None:
    error = translated(ask)
    assert isinstance(error, ModelError)
    assert error.summary == "model 'm' was not found"
    assert found in str(error.found)
    assert error.hint == "a folder"


def wrapped(cause: Exception) -> OSError:
    """An error as transformers wraps it."""
    error = OSError("We couldn't connect")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error", [ConnectionError(), OfflineModeIsEnabled(), LocalEntryNotFoundError(""), wrapped(ConnectionRefusedError())]
)
def test_a_hub_out_of_reach(error: Exception) -> None:
    unavailable = translated(error)
    assert isinstance(unavailable, HubUnavailableError)
    assert "HF_ENDPOINT" in str(unavailable.expected)
    assert unavailable.hint == "a folder"


@pytest.mark.parametrize(
    "error",
    [
        OSError("bad  file"),
        ValueError("bad file"),
        TypeError("bad file"),
        ImportError("bad file"),
        Exception("bad file"),
        StrictDataclassError("bad\nfile"),
        wrapped(KeyError("x")),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(error: Exception) -> None:
    refused = translated(error)
    assert isinstance(refused, ModelError)
    assert refused.summary == "model 'm' cannot be loaded"
    assert refused.found in ("bad file", "We couldn't connect")


def test_a_long_reason_is_cut(hub: LoopbackHub) -> None:
    assert len(str(translated(ValueError("word " * 1000)).found)) <= 500


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), AttributeError("a mistake of ours"), DataError("ours"), ConfigError("ours")]
)
def test_other_errors_pass_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, hub_errors("model 'm'", ModelError, hint="a folder"):
        raise error
    assert caught.value is error


class Failing:
    """A hub that answers each request with one status; status 0 hangs up without an answer."""

    def __init__(self, status: int) -> None:
        self.requests: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.close_connection = True
                outer.requests.append(self.path)
                if status:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_request(self, code: object = "", size: object = "") -> None:
                """Keep stderr clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(params=[0, 429, 500, 503])
def failing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Failing]:
    hub = Failing(request.param)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    yield hub
    hub.close()


def offline() -> tuple[bool, bool]:
    return bool(constants.HF_HUB_OFFLINE), bool(datasets.config.HF_HUB_OFFLINE)


def test_a_hub_that_fails_is_asked_once_and_then_the_cache_alone(failing: Failing) -> None:
    inside = []

    def interrupted() -> None:
        inside.append(offline())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), hub_or_cache("some/model", "model", None):
        interrupted()
    assert inside == [(True, True)]
    assert offline() == (False, False)
    assert len(failing.requests) == 1


def test_a_cached_model_is_loaded_while_the_hub_fails(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    config = FineTuneConfig(max_length=32)
    assert config.model_name == BERT
    loaded = load_encoder(config)
    before = len(hub.requests)
    broken = Failing(503)
    monkeypatch.setattr(constants, "ENDPOINT", broken.url)
    cached = load_encoder(config)
    assert cached.config.to_dict() == loaded.config.to_dict()
    with pytest.raises(HubUnavailableError, match="not in the local cache"):
        load_encoder(config.replace(model_name="google-bert/bert-large-uncased"))
    broken.close()
    assert len(hub.requests) == before
    assert len(broken.requests) == 2


def test_a_hub_that_answers_is_used(hub: LoopbackHub) -> None:
    with hub_or_cache(BERT, "model", None):
        assert offline() == (False, False)
    with pytest.raises(huggingface_hub.errors.RepositoryNotFoundError), hub_or_cache("nobody/nothing", "model", None):
        pass
    assert offline() == (False, False)

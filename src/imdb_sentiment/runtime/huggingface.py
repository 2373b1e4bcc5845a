"""Calls into Hugging Face libraries: silence their output and translate their errors."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from textwrap import shorten
from typing import Literal

from imdb_sentiment.errors import HubUnavailableError, ImdbSentimentError, InputError
from imdb_sentiment.runtime.process_wide import LOADING_LOCK, ReentrantLock, process_wide
from imdb_sentiment.runtime.silence import silent_warnings

__all__ = ["describe_fault", "hub_errors", "hub_or_cache", "is_fault", "is_unanswered", "quiet"]

_HUB_LOCK = ReentrantLock()
_HUB_TIMEOUT_SECONDS = 10.0
_MAX_REASON = 500


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings, log messages below errors and progress bars of the Hugging Face libraries imported so far.

    Warnings of other threads are still shown, and download bars on a terminal. Settings are restored when the last
    thread leaves.
    """
    with ExitStack() as stack:
        downloads_shown = _hub_bars_on() and sys.stderr.isatty()
        stack.enter_context(silent_warnings())
        with LOADING_LOCK:  # a library that another thread is still importing is in sys.modules already
            for name, silent in _SILENCERS.items():
                if name in sys.modules:
                    stack.enter_context(silent())
        if downloads_shown:
            from huggingface_hub.utils import enable_progress_bars

            enable_progress_bars()
        yield


@process_wide
@contextmanager
def _silent_transformers() -> Iterator[None]:
    from transformers.utils import logging

    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


@process_wide
@contextmanager
def _silent_datasets() -> Iterator[None]:
    import datasets
    from datasets.utils import logging

    disabled, verbosity = datasets.are_progress_bars_disabled(), logging.get_verbosity()
    datasets.disable_progress_bars()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if not disabled:
            datasets.enable_progress_bars()


def _hub_bars_on() -> bool:
    if "huggingface_hub" not in sys.modules:
        return False
    from huggingface_hub.utils import are_progress_bars_disabled

    return not are_progress_bars_disabled()


@process_wide
@contextmanager
def _silent_hub() -> Iterator[None]:
    from huggingface_hub.utils import disable_progress_bars, enable_progress_bars, logging

    bars, verbosity = _hub_bars_on(), logging.get_verbosity()
    disable_progress_bars()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        # always restored, since transformers turns these on with its own
        (enable_progress_bars if bars else disable_progress_bars)()


_SILENCERS = {"huggingface_hub": _silent_hub, "datasets": _silent_datasets, "transformers": _silent_transformers}


@contextmanager
def hub_or_cache(repository: str, kind: Literal["model", "dataset"], revision: str | None) -> Iterator[None]:
    """Query the hub for a repository once; if it does not answer, use only the local cache.

    The loading functions themselves retry for most of a minute without a network. The setting is process-wide, so only
    one thread loads at a time.
    """
    answers = _hub_answers(repository, kind, revision)
    with _HUB_LOCK, nullcontext() if answers else _cache_alone():
        yield


@contextmanager
def _cache_alone() -> Iterator[None]:
    from huggingface_hub import constants

    # datasets copies the setting when it is imported
    holders = [constants, *([sys.modules["datasets.config"]] if "datasets.config" in sys.modules else [])]
    before = [holder.HF_HUB_OFFLINE for holder in holders]
    try:
        for holder in holders:
            holder.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]
        yield
    finally:
        for holder, value in zip(holders, before, strict=True):
            holder.HF_HUB_OFFLINE = value  # type: ignore[attr-defined]


def _hub_answers(repository: str, kind: str, revision: str | None) -> bool:
    from huggingface_hub import HfApi

    try:
        HfApi().repo_info(repository, repo_type=kind, revision=revision, timeout=_HUB_TIMEOUT_SECONDS)
    except Exception as error:
        if is_unanswered(error):
            return False
        raise
    return True


@contextmanager
def hub_errors(what: str, error_type: type[InputError], *, hint: str) -> Iterator[None]:
    """Turn errors of Hugging Face libraries while loading `what` into this library's errors.

    Args:
        what: What is being loaded, such as `data set 'stanfordnlp/imdb'`.
        error_type: Error to raise when it does not exist or cannot be read.
        hint: An alternative without the hub.

    Raises:
        HubUnavailableError: The hub did not answer and the local cache does not hold it.
    """
    try:
        yield
    except ImdbSentimentError:
        raise
    except Exception as error:
        kinds = _kinds(error)
        reason = shorten(str(error), _MAX_REASON, placeholder=" ...")
        absent = next((text for kind, text in _NOT_FOUND.items() if kind in kinds), None)
        if absent:
            expected = "a folder or file on disk, or the id of a repository on the hub"
            raise error_type(f"{what} was not found", found=absent, expected=expected, hint=hint) from None
        if is_unanswered(error):
            raise HubUnavailableError(
                f"the Hugging Face hub is unreachable, and {what} is not in the local cache",
                expected="an answer from the hub (HF_ENDPOINT names another one; HF_HUB_OFFLINE must not be set)",
                hint=hint,
            ) from None
        if isinstance(error, _DAMAGED) or type(error) is Exception or kinds & _DAMAGED_NAMES:  # tokenizers' own is bare
            raise error_type(f"{what} cannot be loaded", found=reason, hint=hint) from None
        raise


def is_fault(error: BaseException) -> bool:
    """Return whether an error may be due to the input: any exception, or a Rust panic, which is not an `Exception`."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def describe_fault(error: BaseException) -> str:
    """Return the type and message of an error, shortened."""
    return shorten(f"{type(error).__name__}: {error}", _MAX_REASON, placeholder=" ...")


_NOT_FOUND = {
    "GatedRepoError": "a gated repository, and no accepted token",
    "RepositoryNotFoundError": "no such repository on the hub, or a private one",
    "DatasetNotFoundError": "no such data set on the hub, or a private one",
    "RevisionNotFoundError": "no such revision in the repository",
    "RemoteEntryNotFoundError": "a repository without the files that are needed",
    "HFValidationError": "an invalid repository name",
}
_UNREACHABLE = {
    "ConnectionError",
    "TransportError",  # of httpx: no connection, a time-out, a proxy that refuses, a connection cut off
    "LocalEntryNotFoundError",
    "OfflineModeIsEnabled",
}
_UNREACHABLE_STATUS = {429, 500, 502, 503, 504}
_DAMAGED = (OSError, ValueError, KeyError, TypeError, ImportError)
_DAMAGED_NAMES = {"SafetensorError", "StrictDataclassError"}


def is_unanswered(error: BaseException) -> bool:
    """Return whether an error of a Hugging Face library means that the hub did not answer."""
    statuses = {getattr(getattr(cause, "response", None), "status_code", None) for cause in _causes(error)}
    return bool(_kinds(error) & _UNREACHABLE or statuses & _UNREACHABLE_STATUS)


def _kinds(error: BaseException) -> set[str]:
    """Return the class names of an error, its base classes and its causes."""
    return {kind.__name__ for cause in _causes(error) for kind in type(cause).__mro__}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

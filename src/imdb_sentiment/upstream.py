"""Calls into Hugging Face libraries: their noise kept from the user, their errors made clear."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from imdb_sentiment.errors import HubUnavailableError, ImdbSentimentError, InputError

__all__ = ["hub_errors", "quiet"]


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings, log lines below errors and progress bars of the Hugging Face libraries imported so far.

    What was set before is put back afterwards.
    """
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        for name in ("huggingface_hub", "datasets", "transformers"):
            if name in sys.modules:
                _silence(name, stack)
        yield


def _silence(name: str, stack: ExitStack) -> None:
    if name == "transformers":
        from transformers.utils import logging as messages

        if messages.is_progress_bar_enabled():
            messages.disable_progress_bar()
            stack.callback(messages.enable_progress_bar)
    elif name == "datasets":
        import datasets
        from datasets.utils import logging as messages

        if not datasets.are_progress_bars_disabled():
            datasets.disable_progress_bars()
            stack.callback(datasets.enable_progress_bars)
    else:
        from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
        from huggingface_hub.utils import logging as messages

        if not are_progress_bars_disabled():
            disable_progress_bars()
            stack.callback(enable_progress_bars)
    stack.callback(messages.set_verbosity, messages.get_verbosity())
    messages.set_verbosity_error()


@contextmanager
def hub_errors(what: str, error_type: type[InputError], *, hint: str) -> Iterator[None]:
    """Turn what Hugging Face libraries raise while loading `what` into this library's errors.

    Args:
        what: What is being loaded, e.g. `data set 'stanfordnlp/imdb'`.
        error_type: Error to raise when it does not exist or cannot be read.
        hint: A way out that needs no hub.

    Raises:
        HubUnavailableError: The hub did not answer and the local cache does not hold it.
    """
    try:
        yield
    except ImdbSentimentError:
        raise
    except Exception as error:
        chain = list(_causes(error))
        names = {kind.__name__ for link in chain for kind in type(link).__mro__}
        reason = " ".join(str(error).split())
        if names & _NOT_FOUND:
            expected = "a folder or file on disk, or the id of a public repository on the hub"
            raise error_type(f"{what} was not found", found=reason, expected=expected, hint=hint) from None
        if names & _UNREACHABLE or "couldn't connect" in reason:
            raise HubUnavailableError(
                f"the Hugging Face hub is out of reach, and {what} is not in the local cache",
                found=reason,
                expected="an answer from the hub (HF_ENDPOINT sets another one; HF_HUB_OFFLINE must not be 1)",
                hint=hint,
            ) from None
        if isinstance(error, (OSError, ValueError, KeyError)):
            raise error_type(f"{what} cannot be loaded", found=reason, hint=hint) from None
        raise


_NOT_FOUND = {
    "RepositoryNotFoundError",
    "RevisionNotFoundError",
    "RemoteEntryNotFoundError",
    "GatedRepoError",
    "HFValidationError",
    "DatasetNotFoundError",
}
_UNREACHABLE = {
    "ConnectionError",
    "ConnectError",
    "TimeoutException",
    "LocalEntryNotFoundError",
    "OfflineModeIsEnabled",
}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

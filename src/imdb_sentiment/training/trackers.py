"""Which trackers `report_to` may name, and whether they can be used here."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from imdb_sentiment.errors import ConfigError, MissingExtraError, nearest
from imdb_sentiment.runtime.huggingface import quiet
from imdb_sentiment.runtime.messages import quote
from imdb_sentiment.runtime.process_wide import LOADING_LOCK

__all__ = ["check_trackers", "event_files"]

_EVENT_FOLDER = "TENSORBOARD_LOGGING_DIR"  # the one way to tell transformers
_PACKAGES = {"azure_ml": "azureml-sdk", "comet_ml": "comet-ml", "dagshub": "dagshub mlflow", "flyte": "flytekit"}
"""Those that are not called as their tracker is."""


def check_trackers(names: Sequence[str]) -> None:
    """Check, before anything is read or learnt, that each tracker is known and can be used.

    Args:
        names: As `FineTuneConfig.report_to` has them.

    Raises:
        ConfigError: A name is not that of a tracker.
        MissingExtraError: The package of a tracker is not installed.
    """
    if not names:
        return
    with LOADING_LOCK:
        from transformers.integrations import integration_utils as upstream

    known = upstream.INTEGRATION_TO_CALLBACK
    with quiet():
        usable = set(upstream.get_available_reporting_integrations())
    if upstream.is_flytekit_available():  # which that list forgets
        usable.add("flyte")
    for name in names:
        if name not in known:
            expected = f"one of {', '.join(sorted(known))}"
            raise ConfigError(
                f"report_to: there is no tracker {quote(name)}", expected=expected, hint=nearest(name, known)
            )
        if name not in usable:
            raise MissingExtraError(
                f"report_to={quote(name)} needs a package that is not installed, or not set up",
                hint=f"pip install {_PACKAGES.get(name, name)}",
            )


@contextmanager
def event_files(folder: Path) -> Iterator[None]:
    """Have TensorBoard's event files written to a folder, unless the user's environment names another."""
    if _EVENT_FOLDER in os.environ:
        yield
        return
    os.environ[_EVENT_FOLDER] = str(folder)
    try:
        yield
    finally:
        del os.environ[_EVENT_FOLDER]

"""Mute the warnings, log messages and prints of a thread, without affecting other threads."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Any, TextIO, cast

from imdb_sentiment.runtime.process_wide import process_wide

__all__ = ["silent_output", "silent_warnings"]


class _Muted(local):
    """How often the current thread is inside a context."""

    depth = 0

    @contextmanager
    def joined(self) -> Iterator[None]:
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1


_warnings_muted, _output_muted = _Muted(), _Muted()


@contextmanager
def silent_warnings() -> Iterator[None]:
    """Mute warnings of this thread."""
    with _filter_of_warnings(), _warnings_muted.joined():
        yield


@contextmanager
def silent_output() -> Iterator[None]:
    """Mute prints, warnings and log messages below errors of this thread."""
    with silent_warnings(), _filter_of_output(), _output_muted.joined():
        yield


class _MutedThreadsPattern:
    """Used in place of the message pattern of a warnings filter; matches in muted threads."""

    def match(self, text: str) -> bool:
        return _warnings_muted.depth > 0


@process_wide
@contextmanager
def _filter_of_warnings() -> Iterator[None]:
    """Add one filter, and remove only that one at the end."""
    before, ours = cast("list[Any]", warnings.filters), ("ignore", _MutedThreadsPattern(), Warning, None, 0)
    before.insert(0, ours)
    try:
        yield
    finally:
        for filters in (before, cast("list[Any]", warnings.filters)):  # a copy inside `catch_warnings`
            if ours in filters:
                filters.remove(ours)


class _Stdout:
    """Standard output without the output of muted threads."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return len(text) if _output_muted.depth else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@process_wide
@contextmanager
def _filter_of_output() -> Iterator[None]:
    def is_heard(record: logging.LogRecord) -> bool:
        return record.levelno > logging.WARNING or not _output_muted.depth

    root, last = logging.root, logging.lastResort
    handlerless = not root.handlers and last is not None
    if handlerless and last:
        root.addHandler(last)  # or `logging.warning` of other threads would add a permanent one
    loggers = [root, *(one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger))]
    handlers = {handler for logger in loggers for handler in logger.handlers}
    for handler in handlers:
        handler.addFilter(is_heard)
    stdout = sys.stdout
    sys.stdout = ours = cast("TextIO", _Stdout(stdout))
    try:
        yield
    finally:
        if sys.stdout is ours:
            sys.stdout = stdout
        for handler in handlers:
            handler.removeFilter(is_heard)
        if handlerless and last:
            root.removeHandler(last)

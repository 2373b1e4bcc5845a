"""Graceful interrupts: the first Ctrl-C or SIGTERM finishes and saves the step, the second stops at once."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from imdb_sentiment.runtime.distributed import is_main

__all__ = ["StopRequest", "graceful_interrupt"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_DEBOUNCE_SECONDS = 1.0  # torchrun forwards a Ctrl-C that the terminal has already delivered


class StopRequest:
    """Stop flag, set by the first signal."""

    def __init__(self) -> None:
        self.requested = False
        self._since = 0.0

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Record a first signal, and stop at a second."""
        if not self.requested:
            self.requested, self._since = True, time.monotonic()
            with suppress(Exception):  # the reader of stderr may have been stopped by the same Ctrl-C
                if is_main():
                    start = "\r\x1b[K" if sys.stderr.isatty() else "\n"  # replaces the progress line
                    sys.stderr.write(f"{start}stopping after this step; press again to stop at once\n")
        elif time.monotonic() - self._since > _DEBOUNCE_SECONDS:
            raise KeyboardInterrupt


@contextmanager
def graceful_interrupt() -> Iterator[StopRequest]:
    """Record SIGINT and SIGTERM instead of terminating; has no effect outside the main thread."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.handle) for number in _SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Ctrl-C and SIGTERM: once, the step is finished and saved; twice, the run stops at once."""

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
_SAME_SECONDS = 1.0  # torchrun passes a Ctrl-C on to processes that the terminal has told already


class StopRequest:
    """Whether the user has asked this process to stop."""

    def __init__(self) -> None:
        self.made = False
        self._since = 0.0

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take note of a first signal, and stop at a second."""
        if not self.made:
            self.made, self._since = True, time.monotonic()
            with suppress(Exception):  # who reads it may be gone, stopped by the same Ctrl-C
                if is_main():
                    start = "\r\x1b[K" if sys.stderr.isatty() else "\n"  # in the place of the live line
                    sys.stderr.write(f"{start}stopping after this step; once more to stop at once\n")
        elif time.monotonic() - self._since > _SAME_SECONDS:
            raise KeyboardInterrupt


@contextmanager
def graceful_interrupt() -> Iterator[StopRequest]:
    """Take note of SIGINT and SIGTERM instead of being ended by them; outside the main thread, nothing is changed."""
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

"""Progress bars: after two seconds, on a terminal, gone at the end; else silent."""

import io
import os
import sys
import termios
from collections.abc import Iterator

import pytest
import tqdm.std

from imdb_sentiment.progress import progress_bar

END = "<looked>"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(tqdm.std, "time", clock)
    monkeypatch.setattr(tqdm.std.tqdm, "monitor_interval", 0)  # its thread would look at the real time
    return clock


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A pseudo-terminal as standard error; gives the end to read from."""
    reader, writer = os.openpty()
    termios.tcsetwinsize(writer, (24, 80))
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        yield reader
    os.close(reader)


def shown(reader: int) -> str:
    """What has been written to the terminal since the last look, up to a mark written now."""
    print(END, end="", file=sys.stderr, flush=True)
    text = ""
    while not text.endswith(END):
        text += os.read(reader, 65536).decode()
    return text.removesuffix(END)


def test_a_bar_appears_after_two_seconds_and_is_gone_at_the_end(clock: Clock, terminal: int) -> None:
    with progress_bar("tokenizing", total=4, unit="text") as bar:
        for now in (1000.5, 1001.9):
            clock.now = now
            bar.update(1)
        assert shown(terminal) == ""
        clock.now = 1002.1
        bar.update(1)
        line = shown(terminal)
        assert "tokenizing" in line
        assert "75%" in line
        assert "3/4" in line
        assert "text" in line
    assert shown(terminal).strip("\r \n") == ""


def test_what_is_quick_shows_nothing(clock: Clock, terminal: int) -> None:
    with progress_bar("tokenizing", total=2, unit="text") as bar:
        clock.now = 1001.9
        bar.update(2)
    assert shown(terminal) == ""


def test_nothing_at_all_to_do(clock: Clock, terminal: int) -> None:
    with progress_bar("tokenizing", total=0, unit="text") as bar:
        bar.update(0)
    assert shown(terminal) == ""


@pytest.mark.parametrize("stream", [io.StringIO, lambda: io.TextIOWrapper(io.BytesIO())])
def test_silent_when_standard_error_is_no_terminal(clock: Clock, stream: type, monkeypatch: pytest.MonkeyPatch) -> None:
    written = stream()
    monkeypatch.setattr(sys, "stderr", written)
    with progress_bar("tokenizing", total=3, unit="text") as bar:
        for _ in range(3):
            clock.now += 100
            bar.update(1)
        assert bar.disable
    written.seek(0)
    assert written.read() == ""

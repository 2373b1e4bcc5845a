"""Progress bars: after two seconds, on a terminal or in a notebook, gone at the end; else silent."""

import io
import os
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import ipywidgets
import pytest
import tqdm.notebook
import tqdm.std

from imdb_sentiment.runtime.progress import progress_bar

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


@contextmanager
def terminal(columns: int = 80) -> Iterator[int]:
    """Make a pseudo-terminal standard error; gives the end to read from."""
    reader, writer = os.openpty()
    termios.tcsetwinsize(writer, (24, columns))
    with os.fdopen(writer, "w", encoding="utf-8") as stream, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)  # here and not in a fixture: pytest sets its own before each test
        yield reader
    os.close(reader)


def shown(reader: int) -> str:
    """What has been written to the terminal since the last look, up to a mark written now."""
    sys.stderr.write(END)
    sys.stderr.flush()
    text = ""
    while not text.endswith(END):
        text += os.read(reader, 65536).decode()
    return text.removesuffix(END)


def test_a_bar_appears_after_two_seconds_and_is_gone_at_the_end(clock: Clock) -> None:
    with terminal() as reader:
        with progress_bar("tokenizing", total=4, unit="text") as bar:
            for now in (1000.5, 1001.9):
                clock.now = now
                bar.update(1)
            assert shown(reader) == ""
            clock.now = 1002.1
            bar.update(1)
            line = shown(reader)
            assert "tokenizing:  75%" in line
            assert "3/4" in line
            assert "text/s" in line
        assert shown(reader).strip("\r ") == ""


@pytest.mark.parametrize("total", [0, 2])
def test_what_is_quick_shows_nothing(total: int, clock: Clock) -> None:
    with terminal() as reader:
        with progress_bar("tokenizing", total=total, unit="text") as bar:
            clock.now = 1001.9
            bar.update(total)
        assert shown(reader) == ""


def test_a_bar_may_begin_where_an_earlier_one_ended(clock: Clock) -> None:
    with terminal() as reader, progress_bar("training", total=100, unit="row", initial=60) as bar:
        clock.now += 10
        bar.update(20)
        line = shown(reader)
        assert "80/100" in line
        assert "2.00row/s" in line  # of what was done since


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


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process look like a kernel of Jupyter; in a real one the examples run."""
    shell = SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


@pytest.mark.usefixtures("kernel")
def test_a_notebook_has_a_widget_after_two_seconds(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    displayed: list[object] = []
    monkeypatch.setattr(tqdm.notebook, "display", displayed.append)
    with progress_bar("tokenizing", total=4, unit="text") as bar:
        bar.update(1)
        assert displayed == []
        clock.now += 2.1
        bar.update(1)
        (box,) = displayed
        assert isinstance(box, ipywidgets.HBox)
        assert box.children[0].value.startswith("tokenizing")
        assert box.children[1].value == 2
        bar.update(2)
    assert box.layout.visibility == "hidden"


@pytest.mark.usefixtures("kernel")
def test_a_notebook_without_widgets_has_a_line(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    with progress_bar("tokenizing", total=4, unit="text") as bar:
        clock.now += 2.1
        bar.update(2)
    assert "tokenizing:  50%" in written.getvalue()
    assert "Warning" not in written.getvalue()


def test_ipython_on_a_terminal_is_no_notebook(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    for shell in (None, SimpleNamespace(config={"TerminalIPythonApp": {}})):
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda shell=shell: shell))
        with progress_bar("tokenizing", total=4, unit="text") as bar:
            assert type(bar) is tqdm.std.tqdm
            assert bar.disable

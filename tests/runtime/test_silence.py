"""One thread is silent; others are heard; in the end all is as it was."""

import logging
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from imdb_sentiment.runtime.silence import silent_output, silent_warnings


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


def speak() -> None:
    print("printed")  # noqa: T201
    logging.getLogger("some.library").warning("logged")
    logging.getLogger("some.library").error("failed")
    warnings.warn("warned", UserWarning, stacklevel=1)


def test_another_thread_is_heard(
    thread: ThreadPoolExecutor, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with silent_output():
        speak()
        assert capsys.readouterr().out == ""
        assert caplog.messages == ["failed"]
        with pytest.raises(UserWarning, match="warned"):  # as the tests have warnings
            thread.submit(speak).result()
    assert capsys.readouterr().out == "printed\n"
    assert caplog.messages == ["failed", "logged", "failed"]
    with pytest.raises(UserWarning, match="warned"):
        speak()


def test_threads_that_overlap_leave_nothing_behind(thread: ThreadPoolExecutor) -> None:
    before = (list(warnings.filters), sys.stdout, list(logging.root.handlers), logging.root.manager.disable)
    filters = [list(handler.filters) for handler in logging.root.handlers]
    first, second = silent_output(), silent_output()
    first.__enter__()
    thread.submit(second.__enter__).result()
    first.__exit__(None, None, None)
    thread.submit(speak).result()
    thread.submit(second.__exit__, None, None, None).result()
    assert (list(warnings.filters), sys.stdout, list(logging.root.handlers), logging.root.manager.disable) == before
    assert [list(handler.filters) for handler in logging.root.handlers] == filters


def test_filters_that_others_set_meanwhile_stay(thread: ThreadPoolExecutor) -> None:
    before = list(warnings.filters)
    quiet = silent_warnings()
    thread.submit(quiet.__enter__).result()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        thread.submit(quiet.__exit__, None, None, None).result()
        warnings.warn("heard", stacklevel=1)
    assert [str(warning.message) for warning in heard] == ["heard"]
    assert list(warnings.filters) == before


def test_a_first_log_line_adds_no_handler_for_good(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], thread: ThreadPoolExecutor
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    with silent_output():
        logging.warning("nobody hears it")  # it calls basicConfig, as the quantizer's does
        thread.submit(logging.warning, "others do").result()
    assert logging.root.handlers == []
    assert capsys.readouterr().err == "others do\n"

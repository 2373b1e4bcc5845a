"""What threads share: changes that overlap are undone, and work that must not meet does not."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest

from imdb_sentiment.runtime.process_wide import ReentrantLock, SharedLock, process_wide


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


def test_a_change_is_made_by_the_first_and_undone_by_the_last() -> None:
    happened = []

    @process_wide
    @contextmanager
    def change() -> Iterator[int]:
        happened.append("made")
        yield len(happened)
        happened.append("undone")

    first, second, third = change(), change(), change()
    assert first.__enter__() == second.__enter__() == 1
    first.__exit__(None, None, None)
    assert third.__enter__() == 1
    second.__exit__(None, None, None)
    assert happened == ["made"]
    third.__exit__(None, None, None)
    assert happened == ["made", "undone"]
    with change() as value:
        assert value == 3
    assert happened == ["made", "undone"] * 2


def test_a_change_that_fails_counts_for_nothing() -> None:
    failing = True

    @process_wide
    @contextmanager
    def change() -> Iterator[None]:
        if failing:
            raise OSError("not now")
        yield

    with pytest.raises(OSError, match="not now"), change():
        raise AssertionError
    failing = False
    with change():
        pass


def test_one_at_a_time_and_again_in_the_same_thread(thread: ThreadPoolExecutor) -> None:
    alone = ReentrantLock()
    order = []

    @alone
    def work(name: str) -> None:
        with alone:
            order.append(name)

    with alone:
        other = thread.submit(work, "other")
        work("first")
    other.result()
    assert order == ["first", "other"]


def test_what_is_alone_waits_for_what_is_shared_and_holds_up_what_comes_later(thread: ThreadPoolExecutor) -> None:
    lock, begun = SharedLock(), Event()
    order = []

    def be_alone() -> None:
        begun.set()
        with lock.exclusive(), lock.shared():  # which it may share with itself
            order.append("alone")

    with lock.shared():
        waiting = thread.submit(be_alone)
        begun.wait()
        with lock.shared():  # or this would wait for the one that waits for it
            order.append("shared")
    waiting.result()
    with lock.shared():
        order.append("later")
    assert order == ["shared", "alone", "later"]


def test_all_share_again_after_an_error(thread: ThreadPoolExecutor) -> None:
    lock = SharedLock()
    for kind in (lock.shared, lock.exclusive):
        with pytest.raises(KeyboardInterrupt), kind():
            raise KeyboardInterrupt
        for other in (lock.shared, lock.exclusive):
            with other():
                pass

    def share() -> bool:
        with lock.shared():
            return True

    with lock.shared():
        assert thread.submit(share).result()

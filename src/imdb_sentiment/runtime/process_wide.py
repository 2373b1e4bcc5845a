"""What all threads of the process share: changes of it that several make at once, and work that must not meet."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ContextDecorator, contextmanager
from threading import Condition, RLock, local
from typing import TypeVar

__all__ = ["COMPUTE_LOCK", "LOADING_LOCK", "WARNINGS_LOCK", "ReentrantLock", "SharedLock", "process_wide"]

T = TypeVar("T")


def process_wide(change: Callable[[], AbstractContextManager[T]]) -> Callable[[], AbstractContextManager[T]]:
    """Have a change of the whole process made when the first thread comes, and undone when the last one leaves.

    Each putting back what it found would not do: of two threads that overlap, the second finds what the first has set,
    and would put that back at the end.

    Args:
        change: Makes the change, and undoes it.
    """
    lock = RLock()
    users = 0
    made: AbstractContextManager[T]
    value: T

    @contextmanager
    def shared() -> Iterator[T]:
        nonlocal users, made, value
        with lock:
            if not users:
                made = change()
                value = made.__enter__()
            users += 1
        try:
            yield value
        finally:
            with lock:
                users -= 1
                if not users:
                    made.__exit__(None, None, None)

    return shared


class ReentrantLock(ContextDecorator):
    """Work that one thread does at a time; a thread that does it may begin it again inside."""

    def __init__(self) -> None:
        self._lock = RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()


class SharedLock:
    """Work that any number of threads share, and work that is done alone."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._sharing = 0
        self._waiting = 0
        self._exclusive = False
        self._thread = local()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Wait for who is alone, or is waiting to be."""
        if getattr(self._thread, "inside", False):
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: not (self._exclusive or self._waiting))
            self._sharing += 1
        self._thread.inside = True
        try:
            yield
        finally:
            self._thread.inside = False
            with self._changed:
                self._sharing -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Wait until nobody shares or is alone."""
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: not (self._exclusive or self._sharing))
                self._exclusive = True
            finally:
                self._waiting -= 1
                self._changed.notify_all()
        self._thread.inside = True
        try:
            yield
        finally:
            self._thread.inside = False
            with self._changed:
                self._exclusive = False
                self._changed.notify_all()


LOADING_LOCK = ReentrantLock()
"""Held where transformers is imported, since a second thread would find modules that are half imported, and where it
builds a model: for that time it changes PyTorch's default type of numbers, its functions that draw weights, and methods
of its own classes."""

WARNINGS_LOCK = ReentrantLock()
"""Held where code of others uses `warnings.catch_warnings`, which puts back wrong filters where two threads overlap."""

COMPUTE_LOCK = SharedLock()
"""Shared by what computes with PyTorch; alone is the export of a graph, which puts functions of its own in the place of
PyTorch's."""

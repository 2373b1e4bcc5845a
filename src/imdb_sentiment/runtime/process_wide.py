"""Process-wide state shared by threads: nested changes and locks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ContextDecorator, contextmanager
from threading import Condition, RLock, local
from typing import TypeVar

__all__ = ["COMPUTE_LOCK", "LOADING_LOCK", "WARNINGS_LOCK", "ReentrantLock", "SharedLock", "process_wide"]

T = TypeVar("T")


def process_wide(change: Callable[[], AbstractContextManager[T]]) -> Callable[[], AbstractContextManager[T]]:
    """Apply a process-wide change when the first thread enters, and undo it when the last one leaves.

    If each thread restored what it found, overlapping threads would restore each other's changes.

    Args:
        change: Context manager that makes and undoes the change.
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
    """A reentrant lock, also usable as a decorator."""

    def __init__(self) -> None:
        self._lock = RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()


class SharedLock:
    """A reentrant lock held by any number of threads in shared mode, or by one in exclusive mode."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._sharing = 0
        self._waiting = 0
        self._exclusive = False
        self._thread = local()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold the lock in shared mode; waiting exclusive holders go first."""
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
        """Hold the lock in exclusive mode."""
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
"""Held while transformers is imported, since another thread would find half-imported modules, and while it builds a
model, since it then changes PyTorch's default dtype, its weight initialisers and methods of its own classes."""

WARNINGS_LOCK = ReentrantLock()
"""Held while third-party code uses `warnings.catch_warnings`, which restores wrong filters if two threads overlap."""

COMPUTE_LOCK = SharedLock()
"""Shared by computations with PyTorch; exclusive for the export of a graph, which patches PyTorch's functions."""

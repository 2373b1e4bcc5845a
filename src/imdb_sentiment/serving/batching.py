"""A bounded queue; what waits in it together is computed together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

__all__ = ["MAX_BATCH", "BatchQueue"]

MAX_BATCH = 128
"""Items that are computed together. More would make the first ones wait for the last without saving time."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Call(Generic[Item, Result]):
    """The items of one caller, who waits for all of their results."""

    def __init__(self, items: Sequence[Item]) -> None:
        loop = asyncio.get_running_loop()
        self.items = items
        self.taken = 0
        self.results: list[Result] = []
        self.since = loop.time()
        self.answer: asyncio.Future[list[Result]] = loop.create_future()

    @property
    def left(self) -> int:
        return len(self.items) - self.taken

    def take(self, most: int) -> Sequence[Item]:
        start, self.taken = self.taken, min(self.taken + most, len(self.items))
        return self.items[start : self.taken]

    def add(self, results: list[Result]) -> None:
        self.results += results
        if len(self.results) == len(self.items) and not self.answer.done():  # done: the caller has left
            self.answer.set_result(self.results)


class BatchQueue(Generic[Item, Result]):
    """Puts the items of concurrent callers together, first come, first served.

    It runs as a task that starts with the first item and ends when none is left, so there is nothing to close.

    Args:
        compute: Returns the results of at most `MAX_BATCH` items, in their order.
        max_wait: Longest time in seconds that an item waits for others while nothing is computed.
        max_items: Maximum number of items that wait.

    Attributes:
        waiting: Number of items that wait.
    """

    def __init__(
        self, compute: Callable[[list[Item]], Awaitable[list[Result]]], *, max_wait: float, max_items: int
    ) -> None:
        self._compute = compute
        self._max_wait = max_wait
        self.max_items = max_items
        self.waiting = 0
        self._calls: deque[_Call[Item, Result]] = deque()
        self._is_full = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def submit(self, items: Sequence[Item]) -> list[Result]:
        """Return the results of one or more items. If the caller is cancelled, the items still waiting are dropped.

        Raises:
            asyncio.QueueFull: Too many items wait already.
        """
        if self.waiting + len(items) > self.max_items:
            raise asyncio.QueueFull
        call: _Call[Item, Result] = _Call(items)
        self._calls.append(call)
        self.waiting += len(items)
        if self.waiting >= MAX_BATCH:
            self._is_full.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            return await call.answer
        finally:
            self._drop_rest(call)

    async def _run(self) -> None:
        try:
            while self._calls:
                await self._wait_for_others()
                parts = self._take()
                if parts:
                    await self._compute_batch(parts)
        finally:
            self._task = None

    async def _wait_for_others(self) -> None:
        """Wait until the oldest item has waited long enough: it has, if a batch was computed meanwhile."""
        self._is_full = asyncio.Event()  # a new one, as each belongs to the event loop that it was first used in
        left = self._calls[0].since + self._max_wait - asyncio.get_running_loop().time()
        if left > 0 and self.waiting < MAX_BATCH:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_full.wait(), left)

    def _take(self) -> list[tuple[_Call[Item, Result], Sequence[Item]]]:
        parts = []
        room = MAX_BATCH
        while self._calls and room:
            call = self._calls[0]
            part = call.take(room)
            parts.append((call, part))
            room -= len(part)
            self.waiting -= len(part)
            if not call.left:
                self._calls.popleft()
        return parts

    async def _compute_batch(self, parts: list[tuple[_Call[Item, Result], Sequence[Item]]]) -> None:
        try:
            results = await self._compute([item for _, part in parts for item in part])
        except Exception as error:
            for call, _ in parts:
                self._drop_rest(call)
                if not call.answer.done():
                    call.answer.set_exception(error)
            return
        done = 0
        for call, part in parts:
            call.add(results[done : done + len(part)])
            done += len(part)

    def _drop_rest(self, call: _Call[Item, Result]) -> None:
        """Take the items that still wait out of the queue: their caller has left, or was notified of a failure."""
        if call.left:
            self._calls.remove(call)
            self.waiting -= len(call.take(call.left))

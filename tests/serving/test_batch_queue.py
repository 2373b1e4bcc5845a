"""Covers serving/batching.py: what comes together is computed together, in order and within bounds."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.serving.batching import MAX_BATCH, BatchQueue

T = TypeVar("T")


class Machine:
    """Doubles numbers when it is told to, and remembers what it was given at once."""

    def __init__(self, *, held: bool = False, max_items: int = 1000, max_wait: float = 0.0) -> None:
        self.batches: list[list[int]] = []
        self.may_compute = asyncio.Event()
        if not held:
            self.may_compute.set()
        self.queue: BatchQueue[int, int] = BatchQueue(self.compute, max_wait=max_wait, max_items=max_items)

    async def compute(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        await self.may_compute.wait()
        if -1 in items:
            raise ValueError("minus one")
        return [2 * item for item in items]

    async def until_computing(self, batches: int = 1) -> None:
        while len(self.batches) < batches:
            await asyncio.sleep(0)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=20))
@settings(max_examples=examples(60))
def test_each_caller_gets_the_results_of_its_own_items(sizes: list[int]) -> None:
    async def ask() -> None:
        machine = Machine(max_items=sum(sizes))
        calls = [[1000 * number + item for item in range(size)] for number, size in enumerate(sizes)]
        answers = await asyncio.gather(*map(machine.queue.submit, calls))
        assert answers == [[2 * item for item in call] for call in calls]
        assert [item for batch in machine.batches for item in batch] == [item for call in calls for item in call]
        assert max(map(len, machine.batches)) <= MAX_BATCH
        assert machine.queue.waiting == 0

    run(ask())


def test_what_comes_while_a_batch_is_computed_makes_the_next_one() -> None:
    async def ask() -> None:
        machine = Machine(held=True, max_wait=60)  # only a full batch, or one that comes after another, starts at once
        first = asyncio.create_task(machine.queue.submit(range(MAX_BATCH)))
        await machine.until_computing()
        others = [asyncio.create_task(machine.queue.submit([item])) for item in range(MAX_BATCH)]
        await asyncio.sleep(0)
        assert machine.queue.waiting == MAX_BATCH
        machine.may_compute.set()
        await asyncio.gather(first, *others)
        assert machine.batches == [list(range(MAX_BATCH))] * 2

    run(ask())


def test_one_that_is_alone_waits_for_others_no_longer_than_asked() -> None:
    async def ask() -> None:
        machine = Machine(max_wait=0.05)
        started = asyncio.get_running_loop().time()
        alone = asyncio.create_task(machine.queue.submit([1]))
        await asyncio.sleep(0)
        assert machine.batches == []
        assert await machine.queue.submit([2]) == [4]
        assert await alone == [2]
        assert machine.batches == [[1, 2]]
        assert asyncio.get_running_loop().time() - started >= 0.05

    run(ask())


def test_a_full_batch_does_not_wait() -> None:
    async def ask() -> None:
        machine = Machine(max_wait=1000)
        answers = asyncio.gather(*(machine.queue.submit([item] * 32) for item in range(MAX_BATCH // 32)))
        assert len(await answers) == MAX_BATCH // 32

    run(ask())


def test_more_than_may_wait_are_refused_and_those_that_wait_are_not_disturbed() -> None:
    async def ask() -> None:
        machine = Machine(held=True, max_items=10)
        first = asyncio.create_task(machine.queue.submit([0]))
        await machine.until_computing()
        waiting = asyncio.create_task(machine.queue.submit(range(8)))
        await asyncio.sleep(0)
        with pytest.raises(asyncio.QueueFull):
            await machine.queue.submit(range(3))
        last = asyncio.create_task(machine.queue.submit(range(2)))
        machine.may_compute.set()
        assert list(await asyncio.gather(first, waiting, last)) == [[0], [0, 2, 4, 6, 8, 10, 12, 14], [0, 2]]

    run(ask())


def test_items_of_a_caller_who_leaves_are_not_computed() -> None:
    async def ask() -> None:
        machine = Machine(held=True)
        first = asyncio.create_task(machine.queue.submit([0]))
        await machine.until_computing()
        leaving, staying = (asyncio.create_task(machine.queue.submit([item])) for item in (1, 2))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        assert machine.queue.waiting == 1
        first.cancel()  # its item is being computed; others are not disturbed
        machine.may_compute.set()
        assert await staying == [4]
        assert machine.batches == [[0], [2]]

    run(ask())


def test_a_failure_is_told_to_those_in_the_batch_and_to_nobody_else() -> None:
    async def ask() -> None:
        machine = Machine(held=True)
        calls = [asyncio.create_task(machine.queue.submit([-1] * size)) for size in (1, 2 * MAX_BATCH)]
        await machine.until_computing()
        later = asyncio.create_task(machine.queue.submit([5]))
        machine.may_compute.set()
        failures = await asyncio.gather(*calls, return_exceptions=True)
        assert [str(failure) for failure in failures] == ["minus one"] * 2
        assert await later == [10]
        assert machine.queue.waiting == 0

    run(ask())


def test_a_queue_works_in_one_event_loop_after_another() -> None:
    machine = Machine()
    assert [run(machine.queue.submit([item])) for item in range(3)] == [[0], [2], [4]]

"""Which rows make up each step: the seed and the epoch decide, and nothing of how a step is divided."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.training.batching import EncodedRows, Share, StepBatches, rows_of_steps

MANY = settings(deadline=None, max_examples=examples(60))
LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=150)
SEEDS = st.integers(0, 2**32 - 1)


def rows_of(lengths: list[int]) -> EncodedRows:
    ends = np.cumsum(lengths)
    ids = {"input_ids": np.zeros(ends[-1], dtype=np.int32)}
    count = len(lengths)
    return EncodedRows(ids, ends, np.zeros(count, dtype=np.int64), np.arange(count))


class Order(NamedTuple):
    """All that decides the order of the rows."""

    lengths: list[int]
    group_by_length: bool = True
    seed: int = 42
    epoch: int = 0


def batches(order: Order, share: Share) -> list[list[int]]:
    """The batches of one process."""
    epochs = (rows_of(order.lengths),) * (order.epoch + 1)
    sampler = StepBatches(epochs, share, group_by_length=order.group_by_length, seed=order.seed)
    sampler.epoch = order.epoch
    taken = list(sampler)
    assert len(taken) == len(sampler) == sampler.steps * share.accumulated
    return taken


def steps(order: Order, batch_rows: int, accumulated: int = 1, processes: int = 1) -> list[list[list[int]]]:
    """The batches of each step over all processes: all that are taken at the same time stand together."""
    shares = [Share(batch_rows, accumulated, processes, process) for process in range(processes)]
    by_process = [batches(order, share) for share in shares]
    assert len({len(taken) for taken in by_process}) == 1  # or one would wait for the other for ever
    in_turn = [batch for together in zip(*by_process, strict=True) for batch in together]
    size = accumulated * processes
    return [in_turn[start : start + size] for start in range(0, len(in_turn), size)]


def as_sets(order: Order, *division: int) -> list[list[int]]:
    return [sorted(row for batch in step for row in batch) for step in steps(order, *division)]


ORDERS = st.builds(Order, LENGTHS, st.booleans(), SEEDS, st.integers(0, 3))
DIVISIONS = st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4))


@MANY
@given(order=ORDERS, division=DIVISIONS)
def test_each_row_stands_in_one_batch_of_an_epoch(order: Order, division: tuple[int, int, int]) -> None:
    taken = [row for step in as_sets(order, *division) for row in step]
    assert sorted(taken) == list(range(len(order.lengths)))


@MANY
@given(order=ORDERS, division=DIVISIONS)
def test_a_step_has_the_same_rows_however_it_is_divided(order: Order, division: tuple[int, int, int]) -> None:
    batch_rows, accumulated, processes = division
    whole = as_sets(order, batch_rows * accumulated * processes)
    assert as_sets(order, *division) == whole
    assert as_sets(order, 1, batch_rows * accumulated, processes) == whole
    assert as_sets(order, batch_rows * processes, accumulated) == whole


@MANY
@given(order=ORDERS, division=DIVISIONS)
def test_steps_are_full_but_the_last_and_their_parts_near_equal(order: Order, division: tuple[int, int, int]) -> None:
    batch_rows, accumulated, processes = division
    size = batch_rows * accumulated * processes
    taken = steps(order, *division)
    rows = [sum(map(len, step)) for step in taken]
    assert rows[:-1] == [size] * (len(rows) - 1)
    assert 0 < rows[-1] <= size
    for step in taken:
        parts = [len(batch) for batch in step]
        assert max(parts) - min(parts) <= 1
        assert max(parts) <= batch_rows


def test_where_the_last_step_has_too_few_rows_some_parts_are_empty() -> None:
    order = Order([5] * 9)
    assert [[len(batch) for batch in step] for step in steps(order, 2, 2, 2)] == [[2, 2, 2, 2], [1, 0, 0, 0]]
    last = Share(2, accumulated=2, processes=2, process=1)
    assert [len(batch) for batch in batches(order, last)] == [2, 2, 0, 0]


@MANY
@given(order=ORDERS)
def test_the_order_is_a_function_of_seed_and_epoch(order: Order) -> None:
    assert batches(order, Share(4)) == batches(order, Share(4))


@pytest.mark.parametrize("group_by_length", [True, False])
def test_another_seed_or_epoch_brings_another_order(group_by_length: bool) -> None:
    lengths = [1 + i * 7 % 25 for i in range(60)]
    orders = [Order(lengths, group_by_length, seed, epoch) for seed in (1, 2) for epoch in (0, 1)]
    taken = [batches(order, Share(4)) for order in orders]
    assert len({str(order) for order in taken}) == 4


def test_a_run_that_goes_on_takes_the_batches_that_are_left() -> None:
    """The sampler holds no state: reading it once more, or in another epoch in between, changes nothing."""
    rows = rows_of([1 + i * 7 % 25 for i in range(30)])
    sampler = StepBatches((rows, rows), Share(4), group_by_length=True, seed=3)
    first = list(sampler)
    sampler.epoch = 1
    assert list(sampler) != first
    sampler.epoch = 0
    assert list(sampler) == first


def test_an_epoch_is_ordered_by_the_lengths_that_it_reads() -> None:
    """Of rows that are cut at 10 tokens in the first epoch, only the second can tell 20 tokens from 40."""
    whole = [40, 20] * 30
    sampler = StepBatches((rows_of([10] * 60), rows_of(whole)), Share(6), group_by_length=True, seed=3)
    mixed = [{whole[row] for row in batch} for batch in sampler]
    assert {20, 40} in mixed
    sampler.epoch = 1
    assert [len({whole[row] for row in batch}) for batch in sampler] == [1] * 10


def padding(taken: list[list[int]], lengths: list[int]) -> int:
    return sum(max(lengths[row] for row in batch) - lengths[row] for batch in taken for row in batch)


@MANY
@given(order=ORDERS, division=DIVISIONS)
def test_within_a_step_the_longest_rows_go_together(order: Order, division: tuple[int, int, int]) -> None:
    for step in steps(order._replace(group_by_length=True), *division):
        lengths = [order.lengths[row] for batch in step for row in batch]
        assert lengths == sorted(lengths, reverse=True)


def test_grouping_pads_less() -> None:
    lengths = np.random.default_rng(7).integers(5, 200, 800).tolist()
    grouped, shuffled = (padding(batches(Order(lengths, group), Share(8)), lengths) for group in (True, False))
    assert grouped < shuffled / 10


def test_grouped_steps_come_in_a_random_order_and_not_from_long_to_short() -> None:
    lengths = list(range(1, 401))
    means = [np.mean([lengths[row] for row in batch]) for batch in batches(Order(lengths), Share(8))]
    assert sum(first > second for first, second in pairwise(means)) in range(15, 35)


def test_rows_are_sorted_within_fifty_steps_only() -> None:
    """Else each epoch would have the same batches."""
    rng = np.random.default_rng(0)
    lengths = np.arange(400)

    def neighbours(rows: int) -> int:
        """Steps of four rows that are next to each other in length."""
        return sum(np.ptp(step) == 3 for step in rows_of_steps(lengths[:rows], 4, rng, group_by_length=True))

    assert neighbours(200) == 50
    assert neighbours(400) < 50

"""Covers data/inspection.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.data.inspection import join_groups, number_equal


def as_sets(numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(numbers == number).tolist()) for number in np.unique(numbers)}


def numbered(keys: list[int], near: list[tuple[int, int]], ties: list[int]) -> tuple[set[frozenset[int]], ...]:
    words = np.array([[key // 3, key] for key in keys], dtype=np.uint64).reshape(-1, 2)
    pairs = np.array(near, dtype=np.int64).reshape(-1, 2)
    same = number_equal(words)
    return tuple(map(as_sets, (same, *join_groups(same, pairs, np.array(ties, dtype=np.uint64)))))


def test_no_rows_have_no_groups() -> None:
    assert numbered([], [], []) == (set(), set(), set())


def test_rows_without_anything_in_common_stay_alone() -> None:
    alone = {frozenset([i]) for i in range(3)}
    assert numbered([5, 3, 4], [], [0, 0, 0]) == (alone, alone, alone)


def test_equal_keys_near_pairs_and_ties_each_join_more_rows() -> None:
    same, near, tied = numbered([7, 8, 7, 9, 10], [(1, 2)], [0, 0, 0, 4, 4])
    assert same == {frozenset([0, 2]), frozenset([1]), frozenset([3]), frozenset([4])}
    assert near == {frozenset([0, 1, 2]), frozenset([3]), frozenset([4])}
    assert tied == {frozenset([0, 1, 2]), frozenset([3, 4])}


def test_a_chain_is_one_group() -> None:
    _, near, tied = numbered([1, 2, 3, 4, 5], [(0, 1), (1, 2)], [0, 0, 6, 6, 0])
    assert near == {frozenset([0, 1, 2]), frozenset([3]), frozenset([4])}
    assert tied == {frozenset([0, 1, 2, 3]), frozenset([4])}


@pytest.mark.parametrize("which", [0, 1])
def test_each_word_of_a_key_counts(which: int) -> None:
    keys = np.array([[1, 1], [1, 1]], dtype=np.uint64)
    keys[1, which] = 2
    same = number_equal(keys)
    assert same[0] != same[1]


@settings(deadline=None, max_examples=examples(60))
@given(data=st.data(), rows=st.integers(1, 15))
def test_groups_are_the_connected_components_in_any_order(data: st.DataObject, rows: int) -> None:
    keys = data.draw(st.lists(st.integers(0, 12), min_size=rows, max_size=rows))
    ties = data.draw(st.lists(st.integers(0, 3), min_size=rows, max_size=rows))
    places = st.integers(0, rows - 1)
    near = data.draw(st.lists(st.tuples(places, places), max_size=8))
    order = data.draw(st.permutations(range(rows)))
    place_of = {row: place for place, row in enumerate(order)}
    found = numbered(keys, near, ties)
    moved = numbered(
        [keys[row] for row in order],
        [(place_of[first], place_of[second]) for first, second in near],
        [ties[row] for row in order],
    )
    assert found == tuple({frozenset(order[place] for place in group) for group in groups} for groups in moved)
    same, close, tied = found
    linked = [(i, j) for i in range(rows) for j in range(rows) if keys[i] == keys[j]]
    assert same == _components(rows, linked)
    assert close == _components(rows, linked + near)
    tied_pairs = [(i, j) for i in range(rows) for j in range(rows) if ties[i] == ties[j] != 0]
    assert tied == _components(rows, linked + near + tied_pairs)


def _components(rows: int, links: list[tuple[int, int]]) -> set[frozenset[int]]:
    group = {row: {row} for row in range(rows)}
    for first, second in links:
        union = group[first] | group[second]
        for row in union:
            group[row] = union
    return {frozenset(rows) for rows in group.values()}

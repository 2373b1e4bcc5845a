"""Encoded rows in flat arrays are the rows that went in."""

from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import examples
from imdb_sentiment.models.encoded import EncodedText
from imdb_sentiment.training.batching import EncodedRow, EncodedRows

ROWS = st.lists(
    st.tuples(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=20), st.integers(0, 1)), min_size=1, max_size=30
)
Rows = list[tuple[list[int], int]]


def encoded(rows: Rows) -> EncodedRows:
    def inputs(ids: list[int]) -> dict[str, Any]:
        return {
            "input_ids": np.asarray(ids, dtype=np.int32),
            "attention_mask": np.arange(len(ids), dtype=np.int32),
        }

    texts = [EncodedText(inputs(ids), truncated=False) for ids, _ in rows]
    return EncodedRows.of(texts, [label for _, label in rows])


def plain(row: EncodedRow) -> tuple[list[int], int]:
    ids = row.text.inputs["input_ids"].tolist()
    assert row.text.inputs["attention_mask"].tolist() == list(range(len(ids)))
    assert row.text.length == len(ids)
    return ids, row.label


@settings(deadline=None, max_examples=examples(60))
@given(rows=ROWS)
def test_what_goes_in_comes_out(rows: Rows) -> None:
    ours = encoded(rows)
    assert len(ours) == len(rows)
    assert ours.lengths.tolist() == [len(ids) for ids, _ in rows]
    for index, row in enumerate(rows):
        assert plain(ours[index]) == row
        assert ours[index].row == index


@settings(deadline=None, max_examples=examples(60))
@given(rows=ROWS)
def test_the_longest_first_keep_their_labels_and_numbers(rows: Rows) -> None:
    ours = encoded(rows).longest_first()
    taken = [ours[index] for index in range(len(ours))]
    assert ours.lengths.tolist() == sorted((len(ids) for ids, _ in rows), reverse=True)
    assert sorted(row.row for row in taken) == list(range(len(rows)))
    assert [plain(row) for row in taken] == [rows[row.row] for row in taken]
    equal = [row.row for row in taken if row.text.length == taken[0].text.length]
    assert equal == sorted(equal)  # rows of one length stay in their order


def test_a_token_takes_four_bytes() -> None:
    ours = encoded([([5, 6, 7], 0), ([8], 1)])
    assert {name: values.nbytes for name, values in ours.columns.items()} == {"input_ids": 16, "attention_mask": 16}


def test_rows_can_be_sent_to_another_process() -> None:
    ours = ForkingPickler.loads(ForkingPickler.dumps(encoded([([5, 6, 7], 0), ([8], 1)])))
    assert [plain(ours[index]) for index in range(2)] == [([5, 6, 7], 0), ([8], 1)]


def test_an_index_that_is_not_there_is_an_error() -> None:
    with pytest.raises(IndexError):
        encoded([([5], 0)])[1]

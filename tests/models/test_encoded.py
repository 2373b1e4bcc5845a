"""Windows of long texts: all of a text is read, and each window is an input of its own."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from conftest import examples
from imdb_sentiment.models.encoded import EncodedText, ModelInputs, window_starts
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.models.tokenizer import prepare_tokenizer


@pytest.fixture(scope="module")
def encoder(tiny_model: Path) -> TextEncoder:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    prepared = prepare_tokenizer(tokenizer, clean=True)
    return TextEncoder(prepared, max_length=18, truncation="head", long_texts="windows")


@given(room=st.integers(6, 300), over=st.integers(1, 5000))
def test_windows_cover_a_text_without_gaps_and_share_an_eighth(room: int, over: int) -> None:
    starts = window_starts(room + over, room)
    assert starts[0] == 0
    assert starts[-1] == over
    assert all(1 <= second - first <= room - room // 8 + 1 for first, second in pairwise(starts))
    assert len(starts) == -(-(room + over - room // 8) // (room - room // 8))  # no more than are needed


@settings(deadline=None, max_examples=examples(60))
@given(words=st.lists(st.sampled_from(["wonderful", "dreadful", "and", "unheard-of"]), max_size=80))
def test_every_token_of_a_text_is_read_in_order(encoder: TextEncoder, words: list[str]) -> None:
    whole = encoder.cut_at(10_000).inputs([" ".join(words)]).inputs[0].inputs["input_ids"].tolist()
    read = encoder.inputs([" ".join(words)])
    first, last = whole[0], whole[-1]
    content: list[int] = []
    starts = window_starts(len(whole) - 2, 16) if len(whole) > 18 else [0]
    assert len(read.inputs) == len(starts)
    for start, window in zip(starts, read.inputs, strict=True):
        ids = window.inputs["input_ids"].tolist()
        assert (ids[0], ids[-1]) == (first, last)
        content = content[:start] + ids[1:-1]
    assert content == whole[1:-1]
    assert not read.truncated.any()


def test_short_texts_are_one_input_and_long_ones_several(encoder: TextEncoder) -> None:
    read = encoder.inputs(["short", "wonderful " * 40, "and"])
    assert read.first.tolist() == [0, 1, 4]
    assert len(read.inputs) == 5
    assert read.tokens.tolist()[1:] == [54, 3]
    assert read.truncated.tolist() == [False, False, False]


def test_without_windows_a_long_text_is_one_truncated_input(encoder: TextEncoder) -> None:
    texts = ["short", "wonderful " * 40]
    read = encoder.reading("truncate").inputs(texts)
    truncated = encoder.encode(texts)
    assert read.first.tolist() == [0, 1]
    assert read.truncated.tolist() == [False, True]
    for ours, theirs in zip(read.inputs, truncated, strict=True):
        assert ours.inputs["input_ids"].tolist() == theirs.inputs["input_ids"].tolist()


def test_of_a_long_pair_one_input_is_read(encoder: TextEncoder) -> None:
    read = encoder.inputs([("wonderful " * 40, "dreadful " * 40)])
    assert len(read.inputs) == 1
    assert read.truncated.tolist() == [True]


def test_a_very_long_text_is_read_in_bounded_memory_and_says_what_is_left_out(encoder: TextEncoder) -> None:
    read = encoder.inputs(["a " * 2**18 + "b " * 2**17])
    assert read.truncated.tolist() == [True]
    assert len(read.inputs) <= 2**18 // 14 + 1


def test_values_of_windows_are_averaged_for_each_text() -> None:
    one = EncodedText({"input_ids": np.arange(3, dtype=np.int32)}, truncated=False)
    read = ModelInputs.of([[one], [one, one, one], [one]])
    values = np.array([[1.0, 0.0], [2.0, 1.0], [4.0, 1.0], [6.0, 4.0], [5.0, 5.0]])
    np.testing.assert_allclose(read.mean(values), [[1, 0], [4, 2], [5, 5]])
    assert read.tokens.tolist() == [3, 9, 3]


def test_positions_of_tokens_are_those_in_the_whole_text(encoder: TextEncoder) -> None:
    text = " ".join(f"{word}{number}" for number in range(9) for word in ("wonderful", "dreadful"))
    spans = encoder.spans(text)
    assert len(spans) == len(encoder.inputs([text]).inputs)
    begins = sorted({span.start for of_window in spans for span in of_window if span})
    whole = encoder.cut_at(10_000).spans(text)
    assert begins == sorted({span.start for span in whole[0] if span})

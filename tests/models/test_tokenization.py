"""Cutting, padding and cleaning, against what transformers itself does. Covers models/tokenizer.py."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from conftest import examples
from imdb_sentiment.models.tokenization import TextEncoder, Truncation, texts_of
from imdb_sentiment.models.tokenizer import prepare_tokenizer

SIDES = [("head", "right"), ("tail", "left")]
WORDS = st.lists(st.sampled_from(["wonderful", "dreadful", "and", "unheard-of", "[SEP]"]), max_size=30).map(" ".join)
LONG = "wonderful " * 30 + "and then " + "dreadful " * 30


@pytest.fixture(scope="module")
def original(tiny_model: Path) -> PreTrainedTokenizerFast:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    return tokenizer


def encoder(
    original: PreTrainedTokenizerFast, *, max_length: int = 16, truncation: Truncation = "head", clean: bool = True
) -> TextEncoder:
    return TextEncoder(prepare_tokenizer(original, clean=clean), max_length=max_length, truncation=truncation)


@pytest.mark.parametrize(("truncation", "side"), SIDES)
@pytest.mark.parametrize("text", ["short", LONG, ""])
def test_head_and_tail_are_what_transformers_keeps(
    original: PreTrainedTokenizerFast, truncation: Truncation, side: str, text: str
) -> None:
    original.truncation_side = side
    expected = original(text, truncation=True, max_length=16)
    (ours,) = encoder(original, truncation=truncation).encode([text])
    assert {name: ids.tolist() for name, ids in ours.inputs.items()} == dict(expected)
    assert ours.truncated == (text == LONG)


def test_head_and_tail_together_keep_a_quarter_from_the_beginning(original: PreTrainedTokenizerFast) -> None:
    (whole,) = encoder(original, max_length=512).encode([LONG])
    (cut,) = encoder(original, max_length=18, truncation="head_tail").encode([LONG])
    ids = whole.inputs["input_ids"].tolist()
    assert cut.inputs["input_ids"].tolist() == ids[:5] + ids[-13:]  # [CLS] + 4 of 16, 12 of 16 + [SEP]
    assert cut.length == 18
    assert cut.truncated


@settings(deadline=None, max_examples=examples(60))
@given(
    text=st.text(max_size=300), max_length=st.integers(8, 40), truncation=st.sampled_from(["head", "tail", "head_tail"])
)
def test_no_text_is_longer_than_the_limit_or_loses_its_special_tokens(
    original: PreTrainedTokenizerFast, text: str, max_length: int, truncation: Truncation
) -> None:
    (cut,) = encoder(original, max_length=max_length, truncation=truncation).encode([text])
    ids = cut.inputs["input_ids"].tolist()
    assert len(ids) <= max_length
    assert cut.truncated is False or len(ids) == max_length
    assert (ids[0], ids[-1]) == (original.cls_token_id, original.sep_token_id)


@pytest.mark.parametrize(("truncation", "side"), SIDES)
@settings(deadline=None, max_examples=examples(80))
@given(first=WORDS, second=WORDS, max_length=st.integers(8, 40))
def test_of_a_pair_is_kept_what_transformers_keeps(
    original: PreTrainedTokenizerFast, truncation: Truncation, side: str, first: str, second: str, max_length: int
) -> None:
    original.truncation_side = side
    second_or_space = second or " "  # transformers drops a second text that is empty, but not where it gets several
    expected = original(first, second_or_space, truncation=True, max_length=max_length)
    whole = original(first, second_or_space)
    (ours,) = encoder(original, max_length=max_length, truncation=truncation).encode([(first, second)])
    assert {name: ids.tolist() for name, ids in ours.inputs.items()} == dict(expected)
    assert ours.truncated == (len(whole["input_ids"]) > max_length)


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        ((6, 30), ([0, 1, 2, 3, 4, 5], [0, 1, *range(22, 30)])),  # the first is whole: it has less than half of 16
        ((30, 6), ([0, 1, *range(22, 30)], [0, 1, 2, 3, 4, 5])),
        ((30, 30), ([0, 1, *range(24, 30)], [0, 1, *range(24, 30)])),
        ((10, 30), ([0, 1, *range(4, 10)], [0, 1, *range(24, 30)])),
        ((0, 30), ([], [0, 1, 2, 3, *range(18, 30)])),
        ((8, 8), (range(8), range(8))),
    ],
)
def test_head_and_tail_together_keep_a_quarter_of_each_share(
    original: PreTrainedTokenizerFast, lengths: tuple[int, int], kept: tuple[list[int], list[int]]
) -> None:
    letters = [[chr(ord("a") + i % 26) for i in range(length)] for length in lengths]
    first, second = (" ".join(part) for part in letters)
    (cut,) = encoder(original, max_length=19, truncation="head_tail").encode([(first, second)])
    parts = [[part[i] for i in positions] for part, positions in zip(letters, kept, strict=True)]
    tokens = original.convert_ids_to_tokens(cut.inputs["input_ids"].tolist())
    assert tokens == ["[CLS]", *parts[0], "[SEP]", *parts[1], "[SEP]"]
    assert cut.inputs["token_type_ids"].tolist() == [0] * (len(parts[0]) + 2) + [1] * (len(parts[1]) + 1)
    assert cut.truncated == (sum(lengths) > 16)


def test_texts_and_pairs_are_found_in_a_split() -> None:
    rows = Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]})
    assert list(texts_of(rows)) == ["a", "b"]
    assert texts_of(rows.add_column("text_pair", ["c", "d"])) == [("a", "c"), ("b", "d")]


def test_padding_to_the_longest_or_to_the_limit(original: PreTrainedTokenizerFast) -> None:
    ours = encoder(original)
    encoded = ours.encode(["wonderful", "wonderful and dreadful"])
    longest = ours.pad(encoded)
    assert {tuple(tensor.shape) for tensor in longest.values()} == {(2, 5)}
    assert longest["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert tuple(ours.pad(encoded, pad_to=16)["input_ids"].shape) == (2, 16)


def test_tokens_are_kept_in_four_bytes_and_given_to_the_model_in_eight(original: PreTrainedTokenizerFast) -> None:
    ours = encoder(original)
    (text,) = ours.encode(["wonderful and dreadful"])
    assert {ids.dtype for ids in text.inputs.values()} == {np.dtype(np.int32)}
    assert {tensor.dtype for tensor in ours.pad([text]).values()} == {torch.int64}


@pytest.mark.parametrize("truncation", ["head", "tail", "head_tail"])
def test_cutting_at_another_length_changes_nothing_else(
    original: PreTrainedTokenizerFast, truncation: Truncation
) -> None:
    whole = encoder(original, max_length=32, truncation=truncation)
    (shorter,) = whole.cut_at(12).encode([LONG])
    (expected,) = encoder(original, max_length=12, truncation=truncation).encode([LONG])
    assert shorter.inputs["input_ids"].tolist() == expected.inputs["input_ids"].tolist()
    assert shorter.length == 12
    assert whole.encode([LONG])[0].length == whole.max_length == 32


def test_cleaning_survives_saving_and_stock_loading(original: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    prepare_tokenizer(original, clean=True).save_pretrained(tmp_path)
    stock = AutoTokenizer.from_pretrained(tmp_path)
    assert stock.tokenize("wonderful<br /><br>and\x00dread\u200bful") == ["wonderful", "and", "dreadful"]
    untouched = prepare_tokenizer(original, clean=False)
    assert "br" in untouched.convert_tokens_to_string(untouched.tokenize("a<br />b")).replace(" ", "").replace("##", "")


def test_a_tokenizer_that_cuts_and_pads_by_itself_is_stopped(original: PreTrainedTokenizerFast) -> None:
    prepared = prepare_tokenizer(original, clean=False)
    prepared.backend_tokenizer.enable_truncation(4)
    prepared.backend_tokenizer.enable_padding(length=50)
    again = prepare_tokenizer(prepared, clean=False)
    ids = again.backend_tokenizer.encode("wonderful and dreadful at home").ids
    np.testing.assert_equal(len(ids), 7)
    assert prepared.backend_tokenizer.truncation is not None


def test_many_texts_keep_their_order(original: PreTrainedTokenizerFast) -> None:
    texts = [f"wonderful {'and ' * (i % 7)}dreadful" for i in range(2100)]
    lengths = [text.length for text in encoder(original).encode(texts)]
    assert lengths == [4 + i % 7 for i in range(2100)]


@pytest.mark.parametrize("truncation", ["head", "tail", "head_tail"])
@pytest.mark.parametrize("pair", [False, True])
def test_of_a_very_long_text_only_the_ends_are_read(
    original: PreTrainedTokenizerFast, truncation: Truncation, pair: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = f"superb {'wonderful and dreadful and then ' * 500}dull"
    text: Any = (words, "short") if pair else words
    (whole,) = encoder(original, truncation=truncation).encode([text])
    monkeypatch.setattr("imdb_sentiment.models.tokenization._MAX_CHARACTERS", 1000)
    (cut,) = encoder(original, truncation=truncation).encode([text])
    assert cut.truncated
    assert {name: ids.tolist() for name, ids in cut.inputs.items()} == {
        name: ids.tolist() for name, ids in whole.inputs.items()
    }

"""A batch becomes the passes that fit into a budget of tokens."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from trainers import NAMES

from conftest import examples
from imdb_sentiment import FineTuneConfig
from imdb_sentiment.models.pretrained import load_encoder, load_model
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.training.batching import Collate, EncodedRow, EncodedRows, divide

WEIGHTS = torch.tensor([2.0, 0.5])


@settings(deadline=None, max_examples=examples(200))
@given(lengths=st.lists(st.integers(1, 50), min_size=1, max_size=40), budget=st.integers(1, 300))
def test_passes_hold_all_rows_in_order_and_keep_to_the_budget(lengths: list[int], budget: int) -> None:
    passes = divide(lengths, budget)
    assert [row for part in passes for row in range(len(lengths))[part]] == list(range(len(lengths)))
    for part in passes:
        taken = lengths[part]
        assert len(taken) == 1 or len(taken) * max(taken) <= budget
    for part, after in pairwise(passes):
        joined = lengths[part.start : after.start + 1]
        assert len(joined) * max(joined) > budget  # no pass ends before it must


@pytest.mark.parametrize(
    ("lengths", "budget", "sizes"),
    [
        ([10, 10, 10, 10], 20, [2, 2]),
        ([10, 10, 10], 30, [3]),
        ([10, 10, 10], 29, [2, 1]),
        ([30, 5, 5], 20, [1, 2]),
        ([5, 5, 30], 20, [2, 1]),  # the third row would make the first two as long as itself
        ([7], 1, [1]),
    ],
)
def test_passes_by_hand(lengths: list[int], budget: int, sizes: list[int]) -> None:
    assert [part.stop - part.start for part in divide(lengths, budget)] == sizes


@pytest.fixture(scope="module")
def config(tiny_model: Path) -> FineTuneConfig:
    return FineTuneConfig(model_name=str(tiny_model), max_length=32)


@pytest.fixture(scope="module")
def encoder(config: FineTuneConfig) -> TextEncoder:
    return load_encoder(config).text_encoder


@pytest.fixture(scope="module")
def rows(encoder: TextEncoder) -> list[EncodedRow]:
    """Six rows of 27, 22, 17, 12, 7 and 3 tokens with the labels 0, 1, 0, 1, 0, 1."""
    texts = ["wonderful " * words for words in (25, 20, 15, 10, 5, 1)]
    encoded = EncodedRows.of(encoder.encode(texts), [0, 1] * 3)
    return [encoded[index] for index in range(6)]


def test_a_pass_has_what_the_loss_needs(encoder: TextEncoder, rows: list[EncodedRow]) -> None:
    batch = Collate(encoder, rows[0], max_tokens=1000, padded=int, class_weight=WEIGHTS)(rows[2:])
    assert batch["rows"] == [2, 3, 4, 5]
    (only,) = batch["micro_batches"]
    assert only["labels"].tolist() == [0, 1, 0, 1]
    assert only["weights"].tolist() == [2.0, 0.5, 2.0, 0.5]
    assert only["attention_mask"].sum(dim=1).tolist() == [17, 12, 7, 3]
    assert {name for name, value in only.items() if value.shape == (4, 17)} == {*encoder.tokenizer.model_input_names}


def test_each_pass_is_padded_to_its_own_longest_row(encoder: TextEncoder, rows: list[EncodedRow]) -> None:
    batch = Collate(encoder, rows[0], max_tokens=54, padded=int, class_weight=WEIGHTS)(rows)
    assert [tuple(part["input_ids"].shape) for part in batch["micro_batches"]] == [(2, 27), (3, 17), (1, 3)]
    assert torch.cat([part["labels"] for part in batch["micro_batches"]]).tolist() == [0, 1] * 3
    assert batch["rows"] == list(range(6))


def test_padding_to_a_limit_counts_for_the_budget_and_may_change(encoder: TextEncoder, rows: list[EncodedRow]) -> None:
    limits = [28, 32]
    collate = Collate(encoder, rows[0], max_tokens=84, padded=lambda _: limits[0], class_weight=WEIGHTS)
    assert [tuple(part["input_ids"].shape) for part in collate(rows)["micro_batches"]] == [(3, 28), (3, 28)]
    limits.pop(0)
    assert [tuple(part["input_ids"].shape) for part in collate(rows)["micro_batches"]] == [(2, 32), (2, 32), (2, 32)]


def test_an_empty_batch_has_a_row_without_weight(
    config: FineTuneConfig, encoder: TextEncoder, rows: list[EncodedRow]
) -> None:
    batch = Collate(encoder, rows[4], max_tokens=54, padded=int, class_weight=WEIGHTS)([])
    assert batch["rows"] == []
    (only,) = batch["micro_batches"]
    assert only["attention_mask"].sum().item() == 7
    assert only["weights"].tolist() == [0.0]
    model = load_model(load_encoder(config), config, NAMES).model
    logits = model(input_ids=only["input_ids"], attention_mask=only["attention_mask"]).logits
    losses = torch.nn.functional.cross_entropy(logits, only["labels"], reduction="none")
    (losses * only["weights"]).sum().backward()
    gradients = [value.grad for value in model.parameters() if value.grad is not None]
    assert gradients
    assert all(not gradient.any() for gradient in gradients)

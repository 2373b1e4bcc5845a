"""Covers models/acceleration.py.

Gradients of word embeddings: the same sums, without a matrix as large as the vocabulary for each pass.
"""

from typing import Any

import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from imdb_sentiment.models.acceleration import embedding_gradients_in_place

PASSES = torch.tensor([[[5, 6, 7, 7, 0], [7, 8, 0, 0, 0]], [[9, 6, 6, 3, 2], [5, 0, 0, 0, 0]]])


def words_of(model: PreTrainedModel) -> Any:
    return model.get_input_embeddings()


def gradients(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """The gradients of two passes, added up."""
    model.zero_grad()
    for ids in PASSES:
        model(input_ids=ids, attention_mask=(ids > 0).long(), labels=ids[:, 0] % 2).loss.backward()
    return {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("padding", [0, 7, None])
def test_all_gradients_are_the_same(model: PreTrainedModel, padding: int | None) -> None:
    words_of(model).padding_idx = padding
    expected = gradients(model)
    assert expected["bert.embeddings.word_embeddings.weight"][7].any() == (padding != 7)
    with embedding_gradients_in_place(model, when=True):
        assert "forward" in vars(words_of(model))
        found = gradients(model)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-8)


def test_no_matrix_is_made_for_a_pass_after_the_first(model: PreTrainedModel) -> None:
    weight = words_of(model).weight
    with embedding_gradients_in_place(model, when=True):
        gradients(model)
        place = weight.grad.data_ptr()
        made: list[object] = []
        weight.register_hook(made.append)
        model(input_ids=PASSES[0]).logits.sum().backward()
    assert weight.grad.data_ptr() == place
    assert made == [None]


def test_frozen_embeddings_stay_without_gradients(model: PreTrainedModel) -> None:
    words_of(model).weight.requires_grad = False
    with embedding_gradients_in_place(model, when=True):
        assert "bert.embeddings.word_embeddings.weight" not in gradients(model)


def test_they_are_put_back_after_an_error(model: PreTrainedModel) -> None:
    with pytest.raises(RuntimeError, match="broken"), embedding_gradients_in_place(model, when=True):
        raise RuntimeError("broken")
    assert "forward" not in vars(words_of(model))


def test_where_it_is_not_asked_for_or_they_are_of_another_kind_they_stay(model: PreTrainedModel) -> None:
    with embedding_gradients_in_place(model, when=False):
        assert "forward" not in vars(words_of(model))
    model.set_input_embeddings(nn.Embedding(1200, words_of(model).embedding_dim, sparse=True))
    with embedding_gradients_in_place(model, when=True):
        assert "forward" not in vars(words_of(model))

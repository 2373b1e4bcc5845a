"""Covers models/acceleration.py.

The shorter way through the last layer: the same logits and gradients, or the whole way.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    PreTrainedModel,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from imdb_sentiment.models.acceleration import first_token_only

SIZES: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
}
Build = Callable[[], PreTrainedModel]


def bert(**changes: Any) -> PreTrainedModel:
    torch.manual_seed(0)
    return BertForSequenceClassification(BertConfig(**SIZES, **changes))


def roberta() -> PreTrainedModel:
    torch.manual_seed(0)
    return RobertaForSequenceClassification(RobertaConfig(**SIZES))


def electra() -> PreTrainedModel:
    torch.manual_seed(0)
    return ElectraForSequenceClassification(ElectraConfig(**SIZES))


def distilbert() -> PreTrainedModel:
    torch.manual_seed(0)
    config = DistilBertConfig(vocab_size=60, dim=32, n_layers=2, n_heads=2, hidden_dim=64, max_position_embeddings=40)
    return DistilBertForSequenceClassification(config)


def batch(padding: int = 3) -> dict[str, torch.Tensor]:
    tokens = torch.randint(5, 60, (4, 12), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(tokens)
    if padding:
        mask[0, -padding:] = 0
    return {"input_ids": tokens, "attention_mask": mask, "labels": torch.tensor([0, 1, 1, 0])}


def states_of_last_layer(model: PreTrainedModel) -> torch.Size:
    output: torch.Size = model.base_model(**{k: v for k, v in batch().items() if k != "labels"}).last_hidden_state.shape
    return output


@pytest.mark.parametrize("build", [bert, roberta, electra])
@pytest.mark.parametrize("padding", [0, 3])
def test_logits_and_gradients_are_the_same(build: Build, padding: int) -> None:
    model = build().eval()
    outcomes = []
    for short in (False, True):
        model.zero_grad()
        if short:
            with first_token_only(model):
                output = model(**batch(padding))
                output.loss.backward()
        else:
            output = model(**batch(padding))
            output.loss.backward()
        outcomes.append(
            (output.logits.detach(), {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None})
        )
    (logits, gradients), (short_logits, short_gradients) = outcomes
    torch.testing.assert_close(short_logits, logits, atol=1e-6, rtol=0)
    assert short_gradients.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(short_gradients[name], gradient, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("build", [bert, roberta, electra])
def test_the_last_layer_has_one_token_inside_and_all_outside(build: Build) -> None:
    model = build()
    names = set(model.state_dict())
    with first_token_only(model):
        assert states_of_last_layer(model) == (4, 1, 32)
        assert set(model.state_dict()) == names
        assert model.training is True
    assert states_of_last_layer(model) == (4, 12, 32)


def test_it_ends_with_the_context_after_an_error() -> None:
    model = bert()
    with pytest.raises(RuntimeError, match="broken"), first_token_only(model):
        raise RuntimeError("broken")
    assert states_of_last_layer(model) == (4, 12, 32)


def test_contexts_may_be_nested() -> None:
    model = bert().eval()
    expected = model(**batch()).logits
    with first_token_only(model):
        with first_token_only(model):
            torch.testing.assert_close(model(**batch()).logits, expected, atol=1e-6, rtol=0)
        assert states_of_last_layer(model) == (4, 1, 32)
    assert states_of_last_layer(model) == (4, 12, 32)


def test_dropout_is_still_at_work_in_the_attention() -> None:
    model = bert(attention_probs_dropout_prob=0.5, hidden_dropout_prob=0.0).train()
    with first_token_only(model):
        first, second = (model(**batch()).logits for _ in range(2))
        assert not torch.equal(first, second)
        model.eval()
        assert torch.equal(model(**batch()).logits, model(**batch()).logits)


class MeanPooler(nn.Module):
    """Reads all tokens."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states.mean(dim=1)


def test_a_head_that_reads_other_tokens_gets_them() -> None:
    model = bert().eval()
    model.base_model.pooler = MeanPooler()
    expected = model(**batch()).logits
    with first_token_only(model):
        assert states_of_last_layer(model) == (4, 12, 32)
        torch.testing.assert_close(model(**batch()).logits, expected)


@pytest.mark.parametrize("build", [distilbert, lambda: bert(attn_implementation="eager")])
def test_another_architecture_is_left_as_it_is(build: Build) -> None:
    model = build()
    with first_token_only(model):
        assert states_of_last_layer(model) == (4, 12, 32)

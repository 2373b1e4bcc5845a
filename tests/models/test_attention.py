"""Covers models/acceleration.py.

The form of attention that training takes: the same result, in bf16 on a CPU only, and put back afterwards.
"""

from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForSequenceClassification, PreTrainedModel

from imdb_sentiment.models.acceleration import eager_attention

CPU = torch.device("cpu")
TOKENS = torch.arange(24).view(4, 6)
MASK = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0]])


def form_of(model: PreTrainedModel) -> str:
    return str(model.config._attn_implementation)


def gradient(model: PreTrainedModel) -> torch.Tensor:
    """The gradient of the first layer's queries, without dropout."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    model.zero_grad()
    model(input_ids=TOKENS, attention_mask=MASK, labels=TOKENS[:, 0] % 2).loss.backward()
    found = model.get_parameter("bert.encoder.layer.0.attention.self.query.weight").grad
    assert found is not None
    return found.clone()


def test_eager_attention_in_bf16_has_the_same_gradients(model: PreTrainedModel) -> None:
    before = gradient(model)
    with eager_attention(model, CPU, bf16=True):
        assert form_of(model) not in ("sdpa", "eager")
        torch.testing.assert_close(gradient(model), before, rtol=1e-4, atol=1e-7)
    assert form_of(model) == "sdpa"


def test_in_bf16_its_gradients_are_as_near_to_those_of_fp32_as_the_eager_form_is(model: PreTrainedModel) -> None:
    exact = gradient(model)

    def error() -> float:
        with torch.autocast("cpu", torch.bfloat16):
            return float((gradient(model) - exact).norm() / exact.norm())

    with eager_attention(model, CPU, bf16=True):
        ours = error()
    model.set_attn_implementation("eager")
    assert 0 < ours < max(1.5 * error(), 0.03)


def test_shared_keys_causal_masks_and_padding_on_the_left() -> None:
    size: dict[str, Any] = {"vocab_size": 32, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2}
    config = LlamaConfig(**size, num_attention_heads=4, num_key_value_heads=2, pad_token_id=0)
    model = LlamaForSequenceClassification(config).eval()
    inputs = {"input_ids": TOKENS + 1, "attention_mask": MASK.flip(1)}  # the first queries see nothing at all
    expected = model(**inputs).logits
    with eager_attention(model, CPU, bf16=True):
        torch.testing.assert_close(model(**inputs).logits, expected, rtol=1e-4, atol=1e-6)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.isfinite(model(**inputs).logits).all()


def test_dropout_of_attention_takes_part(model: PreTrainedModel) -> None:
    inputs = {"input_ids": TOKENS, "attention_mask": MASK}
    model.train()
    with eager_attention(model, CPU, bf16=True):
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        same = model(**inputs).logits
        torch.testing.assert_close(model(**inputs).logits, same)
        model.get_submodule("bert.encoder.layer.0.attention.self.dropout").p = 0.5  # type: ignore[assignment]
        assert not torch.allclose(model(**inputs).logits, same)


@pytest.mark.parametrize(("device", "bf16"), [("cpu", False), ("cuda", True), ("mps", True)])
def test_elsewhere_it_stays(device: str, bf16: bool, model: PreTrainedModel) -> None:
    with eager_attention(model, torch.device(device), bf16=bf16):
        assert form_of(model) == "sdpa"


def test_it_is_put_back_after_an_error(model: PreTrainedModel) -> None:
    with pytest.raises(RuntimeError, match="broken"), eager_attention(model, CPU, bf16=True):
        raise RuntimeError("broken")
    assert form_of(model) == "sdpa"


def test_another_form_that_was_chosen_is_left_alone(model: PreTrainedModel) -> None:
    model.set_attn_implementation("eager")
    with eager_attention(model, CPU, bf16=True):
        assert form_of(model) == "eager"
    assert form_of(model) == "eager"

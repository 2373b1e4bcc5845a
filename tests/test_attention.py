"""The form of attention that training takes: the same result, in bf16 on a CPU only, and put back afterwards."""

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from imdb_sentiment import FineTuneConfig
from imdb_sentiment.attention import quick_to_learn
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.pretrained import load_encoder, load_model

CPU = torch.device("cpu")
TOKENS = torch.arange(24).view(4, 6)
MASK = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0]])


@pytest.fixture
def model(tiny_model: Path) -> PreTrainedModel:
    config = FineTuneConfig(model_name=str(tiny_model))
    model, _ = load_model(load_encoder(config), config, LabelNames("negative", "positive"))
    model.train()
    return model


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


def test_in_bf16_attention_is_written_out_and_its_gradients_are_the_same(model: PreTrainedModel) -> None:
    before = gradient(model)
    with quick_to_learn(model, CPU, bf16=True):
        assert form_of(model) == "eager"
        torch.testing.assert_close(gradient(model), before, rtol=1e-4, atol=1e-7)
    assert form_of(model) == "sdpa"


@pytest.mark.parametrize(("device", "bf16"), [("cpu", False), ("cuda", True), ("mps", True)])
def test_elsewhere_it_stays(device: str, bf16: bool, model: PreTrainedModel) -> None:
    with quick_to_learn(model, torch.device(device), bf16=bf16):
        assert form_of(model) == "sdpa"


def test_it_is_put_back_after_an_error(model: PreTrainedModel) -> None:
    with pytest.raises(RuntimeError, match="broken"), quick_to_learn(model, CPU, bf16=True):
        raise RuntimeError("broken")
    assert form_of(model) == "sdpa"


def test_another_form_that_was_chosen_is_left_alone(model: PreTrainedModel) -> None:
    model.set_attn_implementation("eager")
    with quick_to_learn(model, CPU, bf16=True):
        assert form_of(model) == "eager"
    assert form_of(model) == "eager"

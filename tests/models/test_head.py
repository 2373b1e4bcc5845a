"""The mean of all tokens reaches the head through one more layer of the stock architecture, or not at all."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import layer_norm
from transformers import (
    AlbertConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    CamembertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    MPNetConfig,
    PreTrainedConfig,
    PreTrainedModel,
    RobertaConfig,
    XLMRobertaConfig,
    pipeline,
)

from conftest import make_reviews
from imdb_sentiment import FineTuneConfig, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.models import head
from imdb_sentiment.models.acceleration import first_token_only
from imdb_sentiment.models.head import POOLING_LAYER, add_mean_pooling, output_layer
from imdb_sentiment.models.pretrained import load_encoder, load_model
from imdb_sentiment.training.linear_probe import pass_features

SIZES: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
    "pad_token_id": 0,
}
GIVEN_A_LAYER: dict[str, Callable[[], PreTrainedConfig]] = {
    "bert": lambda: BertConfig(**SIZES),
    "roberta": lambda: RobertaConfig(**SIZES),
    "xlm-roberta": lambda: XLMRobertaConfig(**SIZES),
    "camembert": lambda: CamembertConfig(**SIZES),
    "distilbert": lambda: DistilBertConfig(
        vocab_size=60, dim=32, n_layers=2, n_heads=2, hidden_dim=64, max_position_embeddings=40, pad_token_id=0
    ),
}
LEFT_AS_THEY_ARE: dict[str, Callable[[], PreTrainedConfig]] = {
    "electra": lambda: ElectraConfig(**SIZES, embedding_size=32),
    "albert": lambda: AlbertConfig(**SIZES, embedding_size=32),
    "deberta-v2": lambda: DebertaV2Config(**SIZES),
    "mpnet": lambda: MPNetConfig(**SIZES),
}
NAMES = LabelNames("negative", "positive")


def build(config: PreTrainedConfig) -> PreTrainedModel:
    """A model with weights that do not depend on other tests, and biases that are not all 0."""
    torch.manual_seed(0)
    model: PreTrainedModel = AutoModelForSequenceClassification.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


def batch() -> dict[str, torch.Tensor]:
    """Four texts of 12, 9, 12 and 1 tokens."""
    tokens = torch.randint(5, 60, (4, 12), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(tokens)
    for row, length in ((1, 9), (3, 1)):
        tokens[row, length:], mask[row, length:] = 0, 0
    return {"input_ids": tokens, "attention_mask": mask}


def normalized_sum(model: PreTrainedModel) -> torch.Tensor:
    """What LayerNorm makes of the first token and 8 times the mean of all, by the states of the layer below."""
    with torch.no_grad():
        states = model.base_model(**batch(), output_hidden_states=True).hidden_states[2]
    mask = batch()["attention_mask"][..., None]
    mean = (states * mask).sum(1) / mask.sum(1)
    return layer_norm(states[:, 0] + 8 * mean, (32,))


@pytest.fixture(params=GIVEN_A_LAYER)
def pooled(request: pytest.FixtureRequest) -> PreTrainedModel:
    model = build(GIVEN_A_LAYER[request.param]())
    assert add_mean_pooling(model)
    return model


def test_before_training_the_head_reads_the_first_token_and_eight_times_the_mean(pooled: PreTrainedModel) -> None:
    with torch.no_grad():
        states = pooled.base_model(**batch()).last_hidden_state[:, 0]
    torch.testing.assert_close(states, normalized_sum(pooled), atol=1e-4, rtol=0)


def test_the_head_begins_as_a_nearly_linear_function_of_that(pooled: PreTrainedModel) -> None:
    with torch.no_grad():
        features = pass_features(pooled, batch())
    inputs, outputs = normalized_sum(pooled).flatten().numpy(), features.flatten().numpy()
    near = abs(inputs) < 1.9
    assert near.mean() > 0.9
    np.testing.assert_allclose(
        outputs[near] - head._ARCHITECTURES[pooled.config.model_type].shift, 0.3 * inputs[near], rtol=0.1, atol=1e-5
    )
    assert np.corrcoef(inputs, outputs)[0, 1] > 0.99


def test_log_odds_of_the_fitted_head_are_nearly_linear_in_it(pooled: PreTrainedModel) -> None:
    rng = np.random.default_rng(0)
    layer = output_layer(pooled)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(rng.normal(size=(2, 32))))
        tokens = torch.from_numpy(rng.integers(5, 60, (200, 12)))
        everything = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
        logits = pooled(**everything).logits
        states = pooled.base_model(**everything).last_hidden_state[:, 0].numpy()
    odds = (logits[:, 1] - logits[:, 0]).numpy()
    design = np.column_stack([states, np.ones(200)])
    rest = odds - design @ np.linalg.lstsq(design, odds, rcond=None)[0]
    assert rest.var() < 0.01 * odds.var()


def test_a_row_says_the_same_whatever_it_is_padded_with(pooled: PreTrainedModel) -> None:
    inputs = batch()
    inputs["input_ids"][1, 9:] = 17
    with torch.no_grad():
        padded, longer = pooled(**batch()).logits, pooled(**inputs).logits
        alone = pooled(**{name: tensor[1:2, :9] for name, tensor in batch().items()}).logits
    torch.testing.assert_close(longer[1], padded[1], atol=1e-6, rtol=0)
    torch.testing.assert_close(alone[0], padded[1], atol=1e-5, rtol=0)


def test_the_configuration_says_so(pooled: PreTrainedModel) -> None:
    assert pooled.config.num_hidden_layers == 3
    assert pooled.config.to_dict()[POOLING_LAYER] is True
    again: Any = AutoModelForSequenceClassification.from_config(pooled.config)
    assert again.state_dict().keys() == pooled.state_dict().keys()


def test_a_second_call_adds_no_second_layer(pooled: PreTrainedModel) -> None:
    before = copy.deepcopy(pooled.state_dict())
    assert not add_mean_pooling(pooled)
    assert pooled.config.num_hidden_layers == 3
    assert all(torch.equal(weight, before[name]) for name, weight in pooled.state_dict().items())


def test_the_new_layer_can_learn_to_attend(pooled: PreTrainedModel) -> None:
    """Its queries begin as zero, but not their gradients, so a step makes the weights of tokens differ."""
    nn.functional.cross_entropy(pooled(**batch()).logits, torch.tensor([0, 1, 1, 0])).backward()
    name = "q_lin" if pooled.config.model_type == "distilbert" else "query"
    (query, *_) = (value for key, value in reversed(list(pooled.named_parameters())) if f".{name}.weight" in key)
    assert not query.any()
    assert query.grad is not None
    assert query.grad.abs().max() > 1e-8


def test_stock_programs_load_what_is_saved(pooled: PreTrainedModel, tmp_path: Path) -> None:
    pooled.save_pretrained(tmp_path)
    stock, loading = AutoModelForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert {name: list(keys) for name, keys in loading.items() if keys} == {}
    with torch.no_grad():
        torch.testing.assert_close(stock.eval()(**batch()).logits, pooled(**batch()).logits, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_the_new_layer_is_the_one_that_is_shortened(name: str) -> None:
    model = build(GIVEN_A_LAYER[name]())
    add_mean_pooling(model)
    with torch.no_grad():
        expected = model(**batch()).logits
        with first_token_only(model):
            shortened = model.base_model(**batch(), output_hidden_states=True)
            torch.testing.assert_close(model(**batch()).logits, expected, atol=1e-6, rtol=0)
    assert shortened.last_hidden_state.shape == (4, 1, 32)
    assert shortened.hidden_states[2].shape == (4, 12, 32)


def test_modernbert_pools_by_its_own_setting() -> None:
    settings: dict[str, Any] = SIZES | {"cls_token_id": 1, "sep_token_id": 2, "bos_token_id": 1, "eos_token_id": 2}
    model = build(ModernBertConfig(**settings, classifier_pooling="cls"))
    with torch.no_grad():
        first = model(**batch()).logits
        assert add_mean_pooling(model)
        assert model.config.classifier_pooling == "mean"
        assert not torch.allclose(model(**batch()).logits, first)
    assert model.config.num_hidden_layers == 2


@pytest.mark.parametrize("name", LEFT_AS_THEY_ARE)
def test_other_architectures_keep_the_first_token(name: str) -> None:
    model = build(LEFT_AS_THEY_ARE[name]())
    before, settings = copy.deepcopy(model.state_dict()), model.config.to_dict()
    assert not add_mean_pooling(model)
    assert model.config.to_dict() == settings
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def load(folder: Path, **changes: Any) -> Any:
    config = FineTuneConfig(model_name=str(folder), max_length=32, **changes)
    return load_model(load_encoder(config), config, NAMES)


def test_a_new_head_gets_the_layer_unless_it_is_to_read_the_first_token(tiny_model: Path) -> None:
    mean, first = load(tiny_model), load(tiny_model, pooling="first")
    assert (mean.model.config.num_hidden_layers, first.model.config.num_hidden_layers) == (3, 2)
    assert mean.head_is_new
    assert first.head_is_new
    assert mean.note == first.note + ", with mean pooling"
    assert POOLING_LAYER not in first.model.config.to_dict()


def test_a_head_that_is_kept_gets_no_layer(tiny_model: Path, tmp_path: Path) -> None:
    names = dict(enumerate(NAMES))
    model = AutoModelForSequenceClassification.from_pretrained(
        tiny_model, num_labels=2, id2label=names, label2id={name: label for label, name in names.items()}
    )
    model.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(tmp_path)
    loaded = load(tmp_path)
    assert not loaded.head_is_new
    assert loaded.model.config.num_hidden_layers == 2
    assert loaded.note == "the checkpoint's head for negative and positive was kept"


def test_a_saved_model_with_the_layer_is_an_encoder_like_any_other(
    saved_model: Path, fitted: SentimentFineTuner
) -> None:
    kept = load(saved_model)
    assert (kept.head_is_new, kept.model.config.num_hidden_layers) == (False, 3)
    config = FineTuneConfig(model_name=str(saved_model), max_length=32)
    other = load_model(load_encoder(config), config, LabelNames("ham", "spam"))
    assert (other.head_is_new, other.model.config.num_hidden_layers) == (True, 3)
    assert "mean" not in other.note


def test_from_fitting_to_the_stock_pipeline(fitted: SentimentFineTuner, saved_model: Path) -> None:
    assert fitted._fitted
    assert fitted._fitted.model.config.num_hidden_layers == 3
    texts = make_reviews(20)[0]
    ours = SentimentClassifier.from_pretrained(saved_model, device="cpu").predict(texts)
    stock = AutoModelForSequenceClassification.from_pretrained(saved_model, output_loading_info=True)[1]
    assert {name: list(keys) for name, keys in stock.items() if keys} == {}
    rows: Any = pipeline("text-classification", str(saved_model), top_k=None, device="cpu")(texts)
    for prediction, row in zip(ours, rows, strict=True):
        # the temperature is in the weights of the head
        assert {item["label"]: item["score"] for item in row} == pytest.approx(dict(prediction.probabilities), abs=1e-5)


def test_training_moves_the_new_layer(fitted: SentimentFineTuner) -> None:
    assert fitted._fitted
    query = fitted._fitted.model.get_parameter("bert.encoder.layer.2.attention.self.query.weight")
    assert query.abs().max() > 1e-4

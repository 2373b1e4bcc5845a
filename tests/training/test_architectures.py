"""Other encoders than BERT, tiny and random, from fitting to the stock pipeline."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    CanineTokenizer,
    DistilBertConfig,
    DistilBertModel,
    DistilBertTokenizerFast,
    MPNetConfig,
    MPNetModel,
    RobertaConfig,
    RobertaForSequenceClassification,
    RobertaModel,
    RobertaTokenizerFast,
    pipeline,
)

from conftest import make_reviews
from imdb_sentiment import ConfigError, FineTuneConfig, ModelError, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.models.pretrained import load_encoder, load_model
from imdb_sentiment.models.tokenization import Truncation
from imdb_sentiment.runtime.huggingface import quiet

pytestmark = pytest.mark.integration  # each test trains several times

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "type_vocab_size": 1,
    "max_position_embeddings": 42,
}
POSITIONS = 40  # RoBERTa's and MPNet's position 0 is number 2 of 42


def write_distilbert(folder: Path, tiny_model: Path) -> None:
    tokenizer = DistilBertTokenizerFast.from_pretrained(tiny_model)
    tokenizer.model_max_length = 10**30
    tokenizer.save_pretrained(folder)
    sizes: dict[str, Any] = {
        "dim": 32,
        "n_layers": 1,
        "n_heads": 2,
        "hidden_dim": 64,
        "max_position_embeddings": POSITIONS,
    }
    DistilBertModel(DistilBertConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(folder)


def byte_level_tokenizer() -> RobertaTokenizerFast:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token=special[3]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=special, initial_alphabet=letters, show_progress=False)
    tokenizer.train_from_iterator(make_reviews(120)[0], trainer)
    trained = json.loads(tokenizer.to_str())["model"]
    merges: Any = [tuple(pair) for pair in trained["merges"]]
    return RobertaTokenizerFast(vocab=trained["vocab"], merges=merges)


def write_roberta(folder: Path, tiny_model: Path) -> None:
    tokenizer = byte_level_tokenizer()
    tokenizer.save_pretrained(folder)
    RobertaModel(RobertaConfig(vocab_size=len(tokenizer), **SMALL)).save_pretrained(folder)


def write_mpnet(folder: Path, tiny_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.model_max_length = 10**30
    tokenizer.save_pretrained(folder)
    MPNetModel(MPNetConfig(vocab_size=len(tokenizer), **SMALL)).save_pretrained(folder)


ENCODERS: dict[str, Callable[[Path, Path], None]] = {
    "distilbert": write_distilbert,
    "roberta": write_roberta,
    "mpnet": write_mpnet,
}


@pytest.fixture(scope="module", params=ENCODERS)
def encoder_folder(request: pytest.FixtureRequest, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder") / request.param
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        ENCODERS[request.param](folder, tiny_model)
    return Path(folder)


def test_from_fitting_to_the_stock_pipeline(encoder_folder: Path, tmp_path: Path) -> None:
    config = FineTuneConfig(
        model_name=str(encoder_folder),
        max_length=POSITIONS,
        learning_rate=5e-3,
        num_train_epochs=1,
        per_device_train_batch_size=4,
        truncation="tail",
    )
    tuner = SentimentFineTuner(config=config, output_dir=tmp_path / "run")
    tuner.fit(make_reviews(80))
    folder = tuner.save(tmp_path / "model")
    classifier = SentimentClassifier.from_pretrained(folder, device="cpu", max_tokens_per_forward=100)
    again = classifier.evaluate(tuner.splits.test["text"], tuner.splits.test["label"])
    assert again.log_loss == pytest.approx(tuner.evaluate().log_loss, abs=1e-6)
    texts = ["Seen at home: superb.", "dull<br />and awful", "wonderful " * 90 + "dreadful " * 90]
    ours = classifier.predict(texts)
    assert [prediction.truncated for prediction in ours] == [False, False, True]
    with quiet():
        stock = pipeline("text-classification", str(folder), top_k=None, device="cpu")
    rows: Any = stock(texts, truncation=True, batch_size=3)
    for prediction, row in zip(ours, rows, strict=True):
        expected = {item["label"]: item["score"] for item in row}
        assert expected == pytest.approx(dict(prediction.probabilities), abs=1e-5)
    classifier.export(tmp_path / "exported", texts=texts)
    exported = SentimentClassifier.from_pretrained(tmp_path / "exported", precision="fp32")
    np.testing.assert_allclose(exported.predict_proba(texts), classifier.predict_proba(texts), atol=1e-4)


def test_max_length_reaches_as_far_as_the_positions_and_no_further(encoder_folder: Path) -> None:
    fits = FineTuneConfig(model_name=str(encoder_folder), max_length=POSITIONS)
    encoder = load_encoder(fits)
    model = load_model(encoder, fits, LabelNames()).model
    text_encoder = encoder.text_encoder
    (longest,) = text_encoder.encode(["wonderful " * 500])
    assert longest.length == POSITIONS
    with torch.no_grad():
        assert torch.isfinite(model(**text_encoder.pad([longest])).logits).all()
    with pytest.raises(ConfigError, match="is above the limit of") as caught:
        load_encoder(fits.replace(max_length=POSITIONS + 1))
    assert caught.value.found == f"{POSITIONS} tokens at most"


def test_head_and_tail_keep_the_special_tokens_of_each_tokenizer(encoder_folder: Path) -> None:
    config = FineTuneConfig(model_name=str(encoder_folder), max_length=20, truncation="head_tail")
    encoder = load_encoder(config).text_encoder
    (cut,) = encoder.encode(["wonderful " * 90 + "dreadful " * 90])
    ids = cut.inputs["input_ids"].tolist()
    assert len(ids) == 20
    special = encoder.tokenizer.backend_tokenizer.encode("a").ids
    assert (ids[0], ids[-1]) == (special[0], special[-1])
    assert set(cut.inputs) == set(encoder.tokenizer.model_input_names)


@pytest.mark.parametrize(("truncation", "side"), [("head", "right"), ("tail", "left")])
def test_pairs_are_cut_as_transformers_cuts_them(
    encoder_folder: Path, tmp_path: Path, truncation: Truncation, side: str
) -> None:
    config = FineTuneConfig(model_name=str(encoder_folder), max_length=20, truncation=truncation)
    encoder = load_encoder(config, pairs=True).text_encoder
    encoder.tokenizer.save_pretrained(tmp_path)
    stock = AutoTokenizer.from_pretrained(tmp_path, truncation_side=side, model_max_length=20)
    short, long = "superb and dull", "wonderful " * 90
    pairs = [(short, short), (short, long), (long, short), (long, long)]
    encoded = encoder.encode(pairs)
    assert [text.truncated for text in encoded] == [False, True, True, True]
    for (first, second), ours in zip(pairs, encoded, strict=True):
        theirs = stock(first, second, truncation=True)
        assert {name: ids.tolist() for name, ids in ours.inputs.items()} == dict(theirs)
        assert ours.length == 20 or not ours.truncated


def test_the_outputs_of_a_head_of_several_layers_are_exchanged(tmp_path: Path) -> None:
    tokenizer = byte_level_tokenizer()
    settings = RobertaConfig(vocab_size=len(tokenizer), id2label={0: "spam", 1: "ham"}, **SMALL)
    settings.label2id = {"spam": 0, "ham": 1}
    with quiet():
        RobertaForSequenceClassification(settings).save_pretrained(tmp_path)
        tokenizer.save_pretrained(tmp_path)
        before = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    config = FineTuneConfig(model_name=str(tmp_path), max_length=16)
    encoder = load_encoder(config)
    model, _, note = load_model(encoder, config, LabelNames("ham", "spam"))
    assert "exchanged" in note
    batch = encoder.text_encoder.pad(encoder.text_encoder.encode(["wonderful and dull"]))
    with torch.no_grad():
        flipped = before(**batch).logits.flip(1)
        np.testing.assert_allclose(model.eval()(**batch).logits, flipped, atol=1e-6)


def test_weights_in_half_precision_are_trained_in_full(encoder_folder: Path, tmp_path: Path) -> None:
    config = FineTuneConfig(model_name=str(encoder_folder), max_length=16)
    model = load_model(load_encoder(config), config, LabelNames()).model
    with quiet():
        model.half().save_pretrained(tmp_path)
        AutoTokenizer.from_pretrained(encoder_folder).save_pretrained(tmp_path)
    config = config.replace(model_name=str(tmp_path))
    loaded = load_model(load_encoder(config), config, LabelNames()).model
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    assert loaded.config.dtype == torch.float32


def test_a_tokenizer_without_a_fast_form_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        shutil.copy(tiny_model / name, tmp_path)
    CanineTokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"the tokenizer of .* cannot be used") as caught:
        load_encoder(FineTuneConfig(model_name=str(tmp_path), max_length=16))
    assert caught.value.found == "CanineTokenizer, not a fast tokenizer"


def test_an_encoder_without_tokenizer_files_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        shutil.copy(tiny_model / name, tmp_path)
    with pytest.raises(ModelError, match="has no tokenizer"):
        load_encoder(FineTuneConfig(model_name=str(tmp_path), max_length=16))


def test_the_tokenizer_of_another_encoder_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | {"vocab_size": 20}))
    with pytest.raises(ModelError, match="does not match its weights") as caught:
        load_encoder(FineTuneConfig(model_name=str(folder), max_length=16))
    assert caught.value.expected == "20 at most, as in config.json"

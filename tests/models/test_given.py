"""A model and a tokenizer that were made elsewhere: from which a run starts, and which it leaves as they are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, LoraModel
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertModel,
    BertTokenizer,
    CanineTokenizer,
    GPT2Config,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from conftest import make_reviews
from imdb_sentiment import (
    ConfigError,
    DataConfig,
    FineTuneConfig,
    ImdbSentimentError,
    ModelError,
    SentimentClassifier,
    SentimentFineTuner,
    cross_validate,
)
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.models.given import GivenModel
from imdb_sentiment.models.pretrained import LoadedModel, load_encoder, load_model
from imdb_sentiment.results import FineTuneResult

NAMES = LabelNames("negative", "positive")
DATA = DataConfig(near_duplicates="ignore")


@pytest.fixture(scope="module")
def tokenizer(one_layer_model: Path) -> PreTrainedTokenizerFast:
    loaded: Any = AutoTokenizer.from_pretrained(one_layer_model)
    assert isinstance(loaded, PreTrainedTokenizerFast)
    return loaded


@pytest.fixture
def config(tiny_config: FineTuneConfig, one_layer_model: Path) -> FineTuneConfig:
    return tiny_config.replace(model_name=str(one_layer_model), num_train_epochs=1, per_device_train_batch_size=16)


def classifier(folder: Path, **settings: Any) -> PreTrainedModel:
    torch.manual_seed(0)
    model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(folder, **settings)
    model.eval()
    return model


def loaded(model: Any, tokenizer: Any, config: FineTuneConfig) -> LoadedModel:
    return load_model(load_encoder(config, given=GivenModel.of(model, tokenizer)), config, NAMES)


def logits(model: PreTrainedModel) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = model.eval()(input_ids=torch.arange(5, 21).view(2, 8)).logits
    return result


def test_an_encoder_is_the_one_of_its_folder(
    tokenizer: PreTrainedTokenizerFast, config: FineTuneConfig, one_layer_model: Path
) -> None:
    model = AutoModel.from_pretrained(one_layer_model)
    given = loaded(model, tokenizer, config)
    found = load_model(load_encoder(config), config, NAMES)
    assert (given.head_is_new, given.note) == (True, found.note)
    for name, value in found.model.base_model.named_parameters():
        assert torch.equal(given.model.base_model.get_parameter(name), value), name
    assert GivenModel(model, tokenizer).name == str(one_layer_model)


@pytest.mark.parametrize("order", [("negative", "positive"), ("positive", "negative")])
def test_a_head_for_the_labels_of_the_data_is_kept_in_their_order(
    order: tuple[str, str], tokenizer: PreTrainedTokenizerFast, config: FineTuneConfig, one_layer_model: Path
) -> None:
    model = classifier(one_layer_model, id2label=dict(enumerate(order)), label2id={n: i for i, n in enumerate(order)})
    before = logits(model)
    encoder = load_encoder(config, given=GivenModel.of(model, tokenizer))
    for _ in range(2):  # each call begins with what was given
        copied = load_model(encoder, config, NAMES)
        assert not copied.head_is_new
        expected = before if order == NAMES else before.flip(1)
        assert torch.allclose(logits(copied.model), expected, atol=1e-6)
    assert torch.equal(logits(model), before)
    assert model.config.id2label == dict(enumerate(order))


def test_a_head_for_labels_without_names_is_replaced(
    tokenizer: PreTrainedTokenizerFast, config: FineTuneConfig, one_layer_model: Path
) -> None:
    copied = loaded(classifier(one_layer_model), tokenizer, config)
    assert copied.head_is_new
    assert copied.note == "the checkpoint's head is for label_0, label_1; a new head was initialized, with mean pooling"


def test_weights_in_another_precision_and_frozen_ones_are_taken_over(
    tokenizer: PreTrainedTokenizerFast, config: FineTuneConfig, one_layer_model: Path
) -> None:
    model = AutoModel.from_pretrained(one_layer_model, dtype=torch.bfloat16)
    model.embeddings.requires_grad_(False)
    copied = loaded(model, tokenizer, config).model
    assert {value.dtype for value in copied.parameters()} == {torch.float32}
    frozen = {name for name, value in copied.named_parameters() if not value.requires_grad}
    assert frozen == {f"bert.embeddings.{name}" for name, _ in model.embeddings.named_parameters()}
    weight = copied.get_parameter("bert.embeddings.word_embeddings.weight")
    assert torch.equal(weight.bfloat16(), model.embeddings.word_embeddings.weight)


def test_the_fingerprint_is_that_of_the_weights(tokenizer: PreTrainedTokenizerFast, one_layer_model: Path) -> None:
    first, second = (GivenModel(classifier(one_layer_model), tokenizer) for _ in range(2))
    assert first.fingerprint() == second.fingerprint()
    with torch.no_grad():
        second.model.get_parameter("classifier.bias")[0] += 1
    assert first.fingerprint() != second.fingerprint()


class Changed(BertForSequenceClassification):
    """Computes something else, which no stock program would."""


def refused(case: str, folder: Path) -> Any:
    """Return a model that cannot be used."""
    settings: Any = classifier(folder).config
    if case == "three labels":
        return classifier(folder, num_labels=3)
    if case == "one output":
        return classifier(folder, num_labels=1)
    if case == "causal":
        sizes: dict[str, Any] = {"n_embd": 8, "n_layer": 1, "n_head": 2, "n_positions": 16, "vocab_size": 99}
        return AutoModelForCausalLM.from_config(GPT2Config(**sizes))
    if case == "masked":
        return BertForMaskedLM(settings)
    if case == "derived":
        return Changed(settings)
    if case == "adapters":
        return LoraModel(classifier(folder), LoraConfig(target_modules=["query"]), "default")
    if case == "injected":
        return LoraModel(classifier(folder), LoraConfig(target_modules=["query"]), "default").model
    if case == "meta":
        return classifier(folder).to("meta")  # type: ignore[arg-type]
    model = classifier(folder)
    with torch.no_grad():
        model.get_parameter("classifier.bias")[0] = np.nan
    return model


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("three labels", "model has 3 labels\n.*LABEL_0, LABEL_1, LABEL_2\n.*two labels\n.*model.base_model"),
        ("one output", "model has 1 labels?\n"),
        (
            "causal",
            "a GPT2LMHeadModel cannot be .*\n.*GPT2ForSequenceClassification with two labels, or GPT2Model\n.*base",
        ),
        ("masked", "a BertForMaskedLM cannot be .*\n.*BertForSequenceClassification with two labels, or BertModel"),
        ("derived", "a Changed cannot be .*\n.*not a class derived from one of them"),
        ("adapters", r"not a model of transformers\n.*LoraModel.*\n.*PreTrainedModel\n.*merge_and_unload\(\)"),
        ("injected", "weights that are not those of its class\n.*lora_|base_layer"),
        ("meta", "no weights to train\n.*meta device"),
        ("nan", "NaN or infinite\n.*classifier.bias"),
    ],
)
def test_another_model_is_refused_at_once(
    case: str, told: str, tokenizer: PreTrainedTokenizerFast, one_layer_model: Path
) -> None:
    with pytest.raises(ModelError, match=told):
        SentimentFineTuner(model=refused(case, one_layer_model), tokenizer=tokenizer)


def test_the_two_are_given_together_and_as_objects(tokenizer: PreTrainedTokenizerFast, one_layer_model: Path) -> None:
    model = classifier(one_layer_model)
    cases: list[tuple[dict[str, Any], type[ImdbSentimentError], str]] = [
        ({"model": model}, ConfigError, "model was given without its tokenizer"),
        ({"tokenizer": tokenizer}, ConfigError, "tokenizer was given without its model"),
        ({"model": "minilm"}, ConfigError, r"model must be an object\n.*\n.*FineTuneConfig\(model_name='minilm'\)"),
        ({"model": one_layer_model}, ConfigError, "model must be an object"),
        ({"model": torch.nn.Linear(2, 2), "tokenizer": tokenizer}, ModelError, "not a model of transformers"),
        ({"model": model, "tokenizer": CanineTokenizer()}, ModelError, "tokenizer cannot be used\n.*CanineTokenizer"),
        ({"model": model, "tokenizer": print}, ModelError, "tokenizer cannot be used"),
    ]
    for given, kind, told in cases:
        with pytest.raises(kind, match=told):
            SentimentFineTuner(**given)


def test_a_tokenizer_that_does_not_fit_is_refused_before_rows_are_read(
    config: FineTuneConfig, one_layer_model: Path
) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{i}" for i in range(5000))]
    larger = BertTokenizer(vocab={word: i for i, word in enumerate(words)}, model_max_length=512)
    tuner = SentimentFineTuner(config=config, model=classifier(one_layer_model), tokenizer=larger)
    with pytest.raises(ModelError, match=r"does not match its weights\n.*5,005 tokens in the tokenizer"):
        tuner.fit("no-such-file.csv")
    moved = BertTokenizer(vocab={word: i for i, word in enumerate(words[::-1])}, model_max_length=512)
    with pytest.raises(ModelError, match=r"does not belong to the model\n.*padding token 5004 in the tokenizer, 0 in"):
        SentimentFineTuner(model=classifier(one_layer_model), tokenizer=moved)
    fitting: Any = AutoTokenizer.from_pretrained(one_layer_model)
    tuner = SentimentFineTuner(
        config=config.replace(max_length=1000), model=classifier(one_layer_model), tokenizer=fitting
    )
    with pytest.raises(ConfigError, match="max_length=1000 is above the limit"):
        tuner.fit("no-such-file.csv")


def outcome(result: FineTuneResult) -> list[Any]:
    return [(record.train_loss, record.validation.log_loss) for record in result.history]


@pytest.mark.integration
@pytest.mark.parametrize("method", ["fine_tune", "contrastive"])
def test_a_run_starts_from_the_given_objects_and_leaves_them_as_they_are(
    method: str,
    tokenizer: PreTrainedTokenizerFast,
    config: FineTuneConfig,
    one_layer_model: Path,
    tmp_path: Path,
) -> None:
    config = config.replace(method=method)
    model = AutoModel.from_pretrained(one_layer_model)
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    settings, vocabulary = model.config.to_dict(), tokenizer.backend_tokenizer.to_str()
    elsewhere = config.replace(model_name="no/such-model")  # gives way
    tuner = SentimentFineTuner(DATA, elsewhere, model=model, tokenizer=tokenizer, output_dir=tmp_path / "run")
    assert tuner.config.model_name == str(one_layer_model)
    result = tuner.fit(make_reviews(60))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert (model.config.to_dict(), model.training) == (settings, True)
    assert tokenizer.backend_tokenizer.to_str() == vocabulary
    again = tuner.fit(make_reviews(60), resume=True) if method == "fine_tune" else result
    assert outcome(again) == outcome(result)
    saved = SentimentClassifier.from_pretrained(tuner.save(tmp_path / "model"))
    assert saved.metadata.base_model == str(one_layer_model)
    assert type(saved.model) is BertForSequenceClassification
    if method == "fine_tune":
        with torch.no_grad():
            model.get_parameter("embeddings.word_embeddings.weight")[7] += 1
        other = SentimentFineTuner(DATA, config, model=model, tokenizer=tokenizer, output_dir=tmp_path / "run")
        with pytest.raises(ConfigError, match=r"belongs to another run.*\n.*given_model was "):
            other.fit(make_reviews(60), resume=True)


@pytest.mark.integration
def test_each_fold_starts_from_the_given_objects(
    tokenizer: PreTrainedTokenizerFast, config: FineTuneConfig, one_layer_model: Path, tmp_path: Path
) -> None:
    model = BertModel.from_pretrained(one_layer_model)
    options: dict[str, Any] = {"folds": 2, "output_dir": tmp_path / "cv", "model": model, "tokenizer": tokenizer}
    config = config.replace(method="probe")
    report = cross_validate(make_reviews(60), DATA, config, **options)
    named = cross_validate(make_reviews(60), DATA, config, folds=2, output_dir=tmp_path / "named")
    assert report.mean["accuracy"] == named.mean["accuracy"]
    assert cross_validate(make_reviews(60), DATA, config, **options, resume=True).mean == report.mean
    with torch.no_grad():
        model.get_parameter("embeddings.word_embeddings.weight")[7] += 1
    with pytest.raises(ConfigError, match="different given_model"):
        cross_validate(make_reviews(60), DATA, config, **options, resume=True)

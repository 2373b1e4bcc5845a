"""Classifiers that were made elsewhere: scored as a stock pipeline does, or refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import transformers
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from conftest import make_reviews
from hub import LoopbackHub
from imdb_sentiment import DataError, ModelError, SentimentClassifier
from imdb_sentiment.runtime.huggingface import quiet

TEXTS = [*make_reviews(20)[0], "wonderful " * 600, "It starts well.<br /><br />Then it goes on."]


def save_elsewhere(encoder: Path, folder: Path, **settings: Any) -> Path:
    """Save a classifier with a random head, as transformers' own code does."""
    with quiet():
        config = AutoConfig.from_pretrained(encoder, **{"num_labels": 2, **settings})
        AutoModelForSequenceClassification.from_pretrained(encoder, config=config).save_pretrained(folder)
        AutoTokenizer.from_pretrained(encoder).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def elsewhere(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = {0: "toxic", 1: "fine"}
    return save_elsewhere(tiny_model, tmp_path_factory.mktemp("elsewhere"), id2label=names, num_hidden_layers=1)


def test_it_predicts_as_a_stock_pipeline(elsewhere: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(elsewhere, device="cpu")
    assert classifier.labels == ("toxic", "fine")
    assert classifier.metadata.length_policy.max_length == 512
    stock: Any = transformers.pipeline("text-classification", str(elsewhere), device="cpu", top_k=None)
    for ours, theirs in zip(classifier.predict(TEXTS), stock(TEXTS, truncation=True), strict=True):
        expected = {answer["label"]: answer["score"] for answer in theirs}
        assert ours.probabilities == pytest.approx(expected, abs=1e-5)
    assert classifier.predict(TEXTS)[-2].truncated


def test_it_is_measured_and_says_what_is_not_known(elsewhere: Path, tmp_path: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(elsewhere, device="cpu")
    report = classifier.evaluate(TEXTS[:20], ["fine", "toxic"] * 10)
    assert (report.rows, report.seen_rows) == (20, None)
    page = report.save_html(tmp_path / "report.html").read_text()
    assert "512 tokens (head)" in page
    assert "training rows" not in page
    with pytest.raises(ModelError, match="unknown which texts the model was trained on"):
        classifier.seen_in_training(TEXTS)


@pytest.mark.filterwarnings("ignore:the labels are probably flipped")  # the head is random
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("names", [("NEGATIVE", "POSITIVE"), ("LABEL_0", "LABEL_1")])
def test_labels_are_matched_to_its_names_in_either_order(
    tiny_model: Path, names: tuple[str, str], turned: bool, tmp_path: Path
) -> None:
    order = names[::-1] if turned else names
    folder = save_elsewhere(tiny_model, tmp_path, id2label=dict(enumerate(order)))
    classifier = SentimentClassifier.from_pretrained(folder, device="cpu")
    assert classifier.labels == order
    expected = classifier.evaluate(TEXTS[:20], [*names] * 10)
    spellings: list[list[Any]] = [["neg", "pos"], ["Negative", "Positive"]]
    if names[0] == "LABEL_0":
        spellings = [["0", "1"], [0, 1], [False, True], [0.0, 1.0], ["label_0", "label_1"]]
    for spelling in spellings:
        assert classifier.evaluate(TEXTS[:20], spelling * 10) == expected
    if turned:
        with pytest.raises(DataError, match="the labels do not fit"):
            classifier.evaluate(TEXTS[:20], [0, 1] * 10 if names[0] == "NEGATIVE" else ["neg", "pos"] * 10)


@pytest.mark.integration
def test_it_is_exported(elsewhere: Path, tmp_path: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(elsewhere, device="cpu")
    assert classifier.export(tmp_path / "exported", texts=TEXTS).same_labels == 1
    opened = SentimentClassifier.from_pretrained(tmp_path / "exported", precision="fp32")
    for ours, before in zip(opened.predict(TEXTS), classifier.predict(TEXTS), strict=True):
        assert ours.probabilities == pytest.approx(dict(before.probabilities), abs=1e-5)
    assert "It is a third-party model" in (tmp_path / "exported" / "README.md").read_text()


def test_it_comes_from_the_hub(elsewhere: Path, hub: LoopbackHub) -> None:
    hub.add_model("elsewhere/toxic", elsewhere)
    classifier = SentimentClassifier.from_pretrained("elsewhere/toxic", device="cpu")
    assert classifier.labels == ("toxic", "fine")
    assert classifier.metadata.base_model == "elsewhere/toxic"


def test_what_is_no_classifier_with_two_labels(tiny_model: Path, tmp_path: Path) -> None:
    three = save_elsewhere(tiny_model, tmp_path / "three", num_labels=3)
    one = save_elsewhere(tiny_model, tmp_path / "one", num_labels=1)
    alike = save_elsewhere(tiny_model, tmp_path / "alike", id2label={0: "same", 1: "same"})
    for folder in (three, one, alike):
        with pytest.raises(ModelError, match="does not have two labels"):
            SentimentClassifier.from_pretrained(folder)
    with pytest.raises(ModelError, match="lacks trained weights, and would predict at random"):
        SentimentClassifier.from_pretrained(tiny_model)


OTHER_KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "several labels at once": ({"problem_type": "multi_label_classification"}, "not a single-label classifier"),
    "numbers": ({"problem_type": "regression"}, "not a single-label classifier"),
    "a problem that nobody knows": ({"problem_type": "other"}, "not a single-label classifier"),
    "one output": ({"num_labels": 1}, "not a single-label classifier"),
    "three outputs": ({"_num_labels": 3}, "not a single-label classifier"),
    "a sigmoid for a pipeline": ({"function_to_apply": "sigmoid"}, "not a single-label classifier"),
    "a cross-encoder": (
        {"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid"}},
        "not a single-label classifier",
    ),
    "an old cross-encoder": (
        {"sbert_ce_default_activation_function": "torch.nn.modules.activation.Sigmoid"},
        "not a single-label classifier",
    ),
    "numbers exchanged": ({"label2id": {"toxic": 1, "fine": 0}}, "labels might be flipped"),
    "one number exchanged": ({"label2id": {"toxic": 1, "other": 0}}, "labels might be flipped"),
    "a number too many": ({"label2id": {"toxic": 0, "fine": 1, "other": 2}}, "labels might be flipped"),
    "one number for both": ({"label2id": {"toxic": 0, "fine": 0}}, "labels might be flipped"),
    "numbers in a list": ({"label2id": ["toxic", "fine"]}, "labels might be flipped"),
    "a label without a name": ({"id2label": {"0": "toxic", "1": " "}}, "does not have two labels"),
    "names in a list": ({"id2label": {"0": ["toxic"], "1": "fine"}}, "does not have two labels"),
    "no name": ({"id2label": {"0": None, "1": "fine"}}, "does not have two labels"),
    "other numbers": ({"id2label": {"1": "toxic", "2": "fine"}}, "does not have two labels"),
}


@pytest.mark.parametrize("case", OTHER_KINDS)
def test_a_model_of_another_kind_is_refused(case: str, elsewhere: Path, saved_model: Path, tmp_path: Path) -> None:
    fields, message = OTHER_KINDS[case]
    for folder in (elsewhere, saved_model):
        copy = shutil.copytree(folder, tmp_path / folder.name)
        content = json.loads((copy / "config.json").read_text())
        own = json.loads(json.dumps(fields).replace("toxic", "negative").replace("fine", "positive"))
        (copy / "config.json").write_text(json.dumps(content | (fields if folder == elsewhere else own)))
        with pytest.raises(ModelError, match=message):
            SentimentClassifier.from_pretrained(copy, device="cpu")


@pytest.mark.parametrize(
    "fields",
    [
        {"problem_type": "single_label_classification", "num_labels": 2, "function_to_apply": "softmax"},
        {"problem_type": None, "label2id": None},
        {"label2id": {"LABEL_0": 0, "LABEL_1": 1}},
        {"label2id": {"fine": "1", "toxic": "0"}},
        {"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}},
    ],
)
def test_what_else_may_stand_beside_the_labels(fields: dict[str, Any], elsewhere: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(elsewhere, tmp_path / "model")
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | fields))
    assert SentimentClassifier.from_pretrained(folder, device="cpu").labels == ("toxic", "fine")


def test_what_cannot_be_trusted(elsewhere: Path, tmp_path: Path) -> None:
    for path in elsewhere.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="has no safetensors weights") as caught:
        SentimentClassifier.from_pretrained(tmp_path)
    assert "a pickle" in str(caught.value.found)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "code.Model"}}))
    with pytest.raises(ModelError, match="requires remote code"):
        SentimentClassifier.from_pretrained(tmp_path)

"""Covers persistence/metadata.py.

The model folder: what stands in it, that stock code reads it, and what is refused.
"""

import itertools
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import pipeline

from forked import Child
from imdb_sentiment import ModelError, OutputExistsError, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.models.tokenization import Truncation
from imdb_sentiment.persistence.torch_model import load_artifact
from tasks import save_and_die

TEXTS = ["Seen at home: wonderful and moving.", "Seen on a train: dull<br />and awful.", "no idea", "wonderful " * 60]


@pytest.fixture
def folder(saved_model: Path, tmp_path: Path) -> Path:
    """A copy of the saved model that a test may damage."""
    return Path(shutil.copytree(saved_model, tmp_path / "model"))


def edit_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_the_folder_holds_standard_files_and_no_pickle(saved_model: Path) -> None:
    names = {path.name for path in saved_model.iterdir()}
    assert names == {
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "imdb_sentiment.json",
        "seen_rows.npz",
        "training_words.npz",
        "held_out.npz",
        "cascade.npz",
    }
    assert json.loads((saved_model / "config.json").read_text())["id2label"] == {"0": "negative", "1": "positive"}
    assert json.loads((saved_model / "tokenizer_config.json").read_text())["model_max_length"] == 32


def test_the_metadata_says_how_the_model_was_made(saved_model: Path, fitted: SentimentFineTuner) -> None:
    content = json.loads((saved_model / "imdb_sentiment.json").read_text())
    assert content["schema_version"] == 1
    assert content["labels"] == ["negative", "positive"]
    assert content["text_columns"] == ["text"]
    assert content["data_fingerprint"] == fitted.splits.summary.fingerprint
    assert content["cleaning"]["clean_text"] is True
    assert content["length_policy"]["max_length"] == 32
    assert content["fine_tune_config"] == fitted.config.model_dump(mode="json")
    assert content["data_config"] == fitted.data_config.model_dump(mode="json") | {"source": None}
    assert content["metrics"]["test"]["rows"] == len(fitted.splits.test)
    assert content["seed"] == 42
    assert content["versions"]["torch"] == torch.__version__


def test_the_stock_pipeline_scores_the_same(saved_model: Path) -> None:
    stock: Any = pipeline("text-classification", str(saved_model), top_k=None, device="cpu")
    ours = SentimentClassifier.from_pretrained(saved_model, device="cpu").predict_proba(TEXTS)
    for text, row in zip(TEXTS, ours, strict=True):
        theirs = {item["label"]: item["score"] for item in stock([text], truncation=True)[0]}
        np.testing.assert_allclose(row, [theirs["negative"], theirs["positive"]], atol=1e-5)


def test_tail_truncation_reaches_the_stock_pipeline(fitted: SentimentFineTuner, tmp_path: Path) -> None:
    fitted_model, encoder, *_ = fitted._fitted or pytest.fail("not fitted")
    encoder.truncation = "tail"
    try:
        fitted.save(tmp_path / "tail")
    finally:
        encoder.truncation = "head"
    text = "dreadful " * 40 + "wonderful " * 40
    pipe: Any = pipeline("text-classification", str(tmp_path / "tail"), top_k=None, device="cpu")
    (stock,) = pipe([text], truncation=True)
    ours = SentimentClassifier.from_pretrained(tmp_path / "tail").predict(text)
    assert ours.truncated
    assert {item["label"]: item["score"] for item in stock} == pytest.approx(dict(ours.probabilities), abs=1e-5)
    assert fitted_model.config.id2label == {0: "negative", 1: "positive"}


@pytest.mark.parametrize("truncation", ["head", "tail"])
def test_the_stock_pipeline_scores_pairs_the_same(
    fitted_on_pairs: SentimentFineTuner, tmp_path: Path, truncation: Truncation
) -> None:
    _, encoder, *_ = fitted_on_pairs._fitted or pytest.fail("not fitted")
    before, encoder.truncation = encoder.truncation, truncation
    try:
        folder = fitted_on_pairs.save(tmp_path / "model")
    finally:
        encoder.truncation = before
    long = "dreadful " * 40 + "wonderful " * 40
    pairs = [("Seen at home", "wonderful<br />and so."), ("", "dull"), ("superb", long), (long, "dull"), (long, long)]
    predictions = SentimentClassifier.from_pretrained(folder, device="cpu").predict(pairs)
    assert [prediction.truncated for prediction in predictions] == [False, False, True, True, True]
    stock: Any = pipeline("text-classification", str(folder), top_k=None, device="cpu")
    answers = stock([{"text": first, "text_pair": second} for first, second in pairs], truncation=True)
    for ours, answer in zip(predictions, answers, strict=True):
        theirs = {item["label"]: item["score"] for item in answer}
        assert theirs == pytest.approx(dict(ours.probabilities), abs=1e-5)


def test_a_model_is_overwritten_only_on_request(folder: Path, fitted: SentimentFineTuner) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(OutputExistsError, match="overwrite=True"):
        fitted.save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    (folder / "left-over.txt").write_text("old")
    fitted.save(folder, overwrite=True)
    assert not (folder / "left-over.txt").exists()
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_other_folders_are_never_overwritten(fitted: SentimentFineTuner, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputExistsError, match="not a model of this library"):
        fitted.save(tmp_path, overwrite=True)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.integration
@pytest.mark.parametrize("apart", [12, pytest.param(1, marks=pytest.mark.simulation)])
def test_a_kill_while_saving_leaves_a_whole_model(apart: int, folder: Path) -> None:
    assert Child(save_and_die, folder, 0, 0).end() == 0
    replaced = []
    for touch in itertools.count(1, apart):
        status = Child(save_and_die, folder, touch, touch).end()
        model, encoder, metadata, *_ = load_artifact(folder)
        assert model.get_parameter("classifier.bias").tolist() == [metadata.seed] * 2  # of one and the same save
        assert encoder.encode(["wonderful"])[0].length == 3
        if status == 0:
            break
        assert status == -signal.SIGKILL
        replaced.append(metadata.seed == touch)
    assert set(replaced) == {False, True}  # some were killed before the new model took its place, and some after


def delete_head(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    rest = {name: tensor for name, tensor in weights.items() if not name.startswith("classifier.")}
    save_file(rest, folder / "model.safetensors", metadata={"format": "pt"})


def pickle_weights(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def set_config(**fields: Any) -> Callable[[Path], None]:
    return lambda folder: edit_json(folder / "config.json", lambda content: content.update(fields))


def set_max_length(folder: Path) -> None:
    edit_json(folder / "imdb_sentiment.json", lambda content: content["length_policy"].update(max_length=0))


def third_column(metadata: dict[str, Any]) -> None:
    metadata["text_columns"] = ["title", "lead", "body"]


def third_label(config: dict[str, Any]) -> None:
    config["id2label"]["2"] = "neutral"


def flip_labels(config: dict[str, Any]) -> None:
    config["id2label"] = {"0": "positive", "1": "negative"}


REFUSALS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no head": (delete_head, "would predict at random"),
    "pickle": (pickle_weights, "pickle"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "no safetensors weights"),
    "remote code": (
        lambda f: edit_json(f / "config.json", lambda c: c.update(auto_map={"AutoModel": "model.Evil"})),
        "requires remote code",
    ),
    "unknown schema": (
        lambda f: edit_json(f / "imdb_sentiment.json", lambda c: c.update(schema_version=99)),
        "unknown schema version",
    ),
    "unknown field": (
        lambda f: edit_json(f / "imdb_sentiment.json", lambda c: c.update(surprise=1)),
        "damaged",
    ),
    "three labels": (lambda f: edit_json(f / "config.json", third_label), "does not have two labels"),
    "flipped labels": (lambda f: edit_json(f / "config.json", flip_labels), "labels might be flipped"),
    "no config": (lambda f: (f / "config.json").unlink(), "no config.json"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer"),
    "broken JSON": (lambda f: (f / "imdb_sentiment.json").write_text("{"), "cannot be read"),
    "labels as a list": (set_config(id2label=["negative", "positive"]), "does not have two labels"),
    "other size": (set_config(hidden_size=64), "would predict at random"),
    "other vocabulary": (set_config(vocab_size=50), "no matching bert.embeddings.word_embeddings.weight"),
    "fewer layers": (set_config(num_hidden_layers=1), "do not match its config.json"),
    "wrong type": (set_config(hidden_size="x"), "cannot be loaded"),
    "no length": (set_max_length, "damaged"),
    "three columns": (lambda f: edit_json(f / "imdb_sentiment.json", third_column), "damaged"),
    "tokenizer of nothing": (lambda f: (f / "tokenizer.json").write_text("[]"), "cannot be loaded"),
    "broken weights": (lambda f: (f / "model.safetensors").write_bytes(b"\0" * 100), "cannot be loaded"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_folder_that_cannot_be_trusted_is_refused(folder: Path, case: str) -> None:
    damage, message = REFUSALS[case]
    damage(folder)
    with pytest.raises(ModelError, match=message):
        SentimentClassifier.from_pretrained(folder)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model folder"):
        SentimentClassifier.from_pretrained(tmp_path / "nowhere")

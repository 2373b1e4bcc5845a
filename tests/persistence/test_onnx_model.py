"""A model is exported whole or not at all, and compared with itself before."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import make_pair, make_reviews
from imdb_sentiment import ConfigError, DataError, MissingExtraError, ModelError, OutputExistsError, SentimentClassifier
from imdb_sentiment.inference.graph_backends import OpenVinoBackend
from imdb_sentiment.results import ExportReport

TEXTS, LABELS = make_reviews(100)


@pytest.fixture(scope="module")
def classifier(saved_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_model, device="cpu", precision="fp32")


@pytest.mark.integration
def test_what_was_written_is_compared_with_what_it_was_made_from(exported: tuple[Path, ExportReport]) -> None:
    folder, report = exported
    assert (report.texts, report.same_labels) == (100, 1.0)
    assert report.runtime == "openvino"
    assert 0 < report.largest_difference < 1e-4
    assert report.accuracy is not None
    assert report.accuracy[0] == report.accuracy[1] > 0.9
    assert json.loads((folder / "imdb_sentiment.json").read_text())["export"] == report.to_dict()
    card = (folder / "README.md").read_text()
    assert "SentimentClassifier.from_pretrained" in card
    assert "pipeline(" not in card
    assert "\nComputed in fp32, before it was exported.\n" in card
    assert str(report).splitlines()[0].split() == ["texts", "compared", "100"]
    assert "OpenVINO in fp32" in str(report)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "cascade.npz",
        "config.json",
        "held_out.npz",
        "imdb_sentiment.json",
        "model.onnx",
        "seen_rows.npz",
        "tokenizer.json",
        "tokenizer_config.json",
        "training_words.npz",
    ]


@pytest.fixture(scope="module")
def pair_classifier(saved_pair_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_pair_model, device="cpu", precision="fp32")


@pytest.mark.integration
def test_a_model_of_two_columns(pair_classifier: SentimentClassifier, tmp_path: Path) -> None:
    report = pair_classifier.export(tmp_path / "pairs")
    assert report.texts > 1000
    pairs = [("A title", text) for text in TEXTS[:10]]
    opened = SentimentClassifier.from_pretrained(tmp_path / "pairs", precision="fp32")
    np.testing.assert_allclose(opened.predict_proba(pairs), pair_classifier.predict_proba(pairs), atol=1e-5)


@pytest.mark.integration
def test_rounded_to_eight_bits_it_is_smaller(pair_classifier: SentimentClassifier, tmp_path: Path) -> None:
    pairs = [make_pair(text) for text in TEXTS]
    report = pair_classifier.export(tmp_path / "int8", quantize="int8", texts=pairs)
    assert (report.quantize, report.runtime) == ("int8", "onnxruntime")
    assert report.same_labels >= 0.99
    assert 0 < report.largest_difference < 0.2
    assert report.accuracy is None
    close = SentimentClassifier.from_pretrained(tmp_path / "int8").predict_proba(pairs)
    np.testing.assert_allclose(close, pair_classifier.predict_proba(pairs), atol=report.largest_difference + 1e-6)


@pytest.mark.integration
def test_one_that_says_something_else_is_not_kept(
    classifier: SentimentClassifier,
    exported: tuple[Path, ExportReport],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = exported[0] / "model.onnx"  # to write it again takes five seconds
    monkeypatch.setattr("imdb_sentiment.persistence.onnx_model._write_graph", lambda file, *_: shutil.copy(graph, file))
    right = OpenVinoBackend.logits
    monkeypatch.setattr(OpenVinoBackend, "logits", lambda *arguments: -right(*arguments))
    with pytest.raises(ModelError, match="differs from the original, and was not kept") as caught:
        classifier.export(tmp_path / "model", texts=TEXTS)
    assert caught.value.found == "0.0% of 100 texts get the same label"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.integration
def test_an_existing_folder_stays(classifier: SentimentClassifier, exported: tuple[Path, ExportReport]) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in exported[0].iterdir()}
    with pytest.raises(OutputExistsError):
        classifier.export(exported[0])
    assert {path.name: path.stat().st_mtime_ns for path in exported[0].iterdir()} == before


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"format": "tflite"}, ConfigError, "format='tflite'"),
        ({"quantize": "int4"}, ConfigError, "quantize='int4'"),
        ({"labels": [0, 1]}, ConfigError, "labels are given without the texts"),
        ({"texts": ["good", " "]}, DataError, "blank"),
        ({"texts": ["good"], "labels": [0, 1]}, DataError, "the labels do not fit"),
    ],
)
def test_what_cannot_be_exported(
    fields: dict[str, Any], error: type[Exception], message: str, classifier: SentimentClassifier, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        classifier.export(tmp_path / "model", **fields)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.integration
def test_the_extra_is_named_where_it_is_missing(
    classifier: SentimentClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx_ir", None)
    with pytest.raises(MissingExtraError, match="needs the extra 'onnx'"):
        classifier.export(tmp_path / "model")

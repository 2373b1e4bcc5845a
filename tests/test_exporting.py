"""An exported model: written whole or not at all, the same as before, and opened without PyTorch."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import make_reviews
from imdb_sentiment import (
    ConfigError,
    DataError,
    ExportReport,
    MissingExtraError,
    ModelError,
    OutputExistsError,
    SentimentClassifier,
)

TEXTS, LABELS = make_reviews(100)
LONG = "wonderful " * 60


@pytest.fixture(scope="module")
def classifier(saved_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_model, device="cpu")


@pytest.fixture(scope="module")
def exported(classifier: SentimentClassifier, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ExportReport]:
    folder = tmp_path_factory.mktemp("exported") / "model"
    return folder, classifier.export(folder, texts=TEXTS, labels=LABELS)


@pytest.fixture(scope="module")
def opened(exported: tuple[Path, ExportReport]) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(exported[0])


@pytest.mark.integration
def test_what_was_written_is_compared_with_what_it_was_made_from(exported: tuple[Path, ExportReport]) -> None:
    folder, report = exported
    assert (report.texts, report.same_labels) == (100, 1.0)
    assert 0 < report.largest_difference < 1e-5
    assert report.accuracy is not None
    assert report.accuracy[0] == report.accuracy[1] > 0.9
    assert json.loads((folder / "imdb_sentiment.json").read_text())["export"] == report.to_dict()
    card = (folder / "README.md").read_text()
    assert "SentimentClassifier.from_pretrained" in card
    assert "pipeline(" not in card
    assert str(report).splitlines()[0].split() == ["texts", "compared", "100"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "cascade.npz",
        "config.json",
        "imdb_sentiment.json",
        "model.onnx",
        "seen_rows.npz",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


@pytest.mark.integration
def test_the_scores_are_the_same_to_the_fifth_digit(
    classifier: SentimentClassifier, opened: SentimentClassifier
) -> None:
    texts = [*TEXTS[:20], LONG, "It starts well.<br /><br />Then\u200b it goes on."]
    np.testing.assert_allclose(opened.predict_proba(texts), classifier.predict_proba(texts), atol=1e-5)
    assert [one.truncated for one in opened.predict(texts)] == [one.truncated for one in classifier.predict(texts)]
    assert opened.labels == classifier.labels
    assert opened.threshold == classifier.threshold
    assert opened.saw(texts) == classifier.saw(texts)


@pytest.mark.integration
def test_it_measures_too(classifier: SentimentClassifier, opened: SentimentClassifier) -> None:
    texts = [f"{text} Again." for text in TEXTS[:40]]
    expected, report = (one.evaluate(texts, LABELS[:40]) for one in (classifier, opened))
    assert report.confusion_matrix == expected.confusion_matrix
    assert report.log_loss == pytest.approx(expected.log_loss, abs=1e-5)


@pytest.mark.integration
def test_a_model_of_two_columns(saved_pair_model: Path, tmp_path: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(saved_pair_model, device="cpu")
    report = classifier.export(tmp_path / "pairs")
    assert report.texts > 1000
    pairs = [("A title", text) for text in TEXTS[:10]]
    opened = SentimentClassifier.from_pretrained(tmp_path / "pairs")
    np.testing.assert_allclose(opened.predict_proba(pairs), classifier.predict_proba(pairs), atol=1e-5)


@pytest.mark.integration
def test_rounded_to_eight_bits_it_is_smaller(classifier: SentimentClassifier, tmp_path: Path) -> None:
    report = classifier.export(tmp_path / "int8", quantize="int8", texts=TEXTS)
    assert report.quantize == "int8"
    assert report.same_labels >= 0.99
    assert 0 < report.largest_difference < 0.2
    assert report.accuracy is None
    close = SentimentClassifier.from_pretrained(tmp_path / "int8").predict_proba(TEXTS)
    np.testing.assert_allclose(close, classifier.predict_proba(TEXTS), atol=report.largest_difference + 1e-6)


@pytest.mark.integration
def test_one_that_says_something_else_is_not_kept(
    classifier: SentimentClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imdb_sentiment.scoring.onnx_backend.OnnxBackend.logits", upside_down)
    with pytest.raises(ModelError, match="is not the same, and was not kept") as caught:
        classifier.export(tmp_path / "model", texts=TEXTS)
    assert caught.value.found == "0.0% of 100 texts get the same label"
    assert list(tmp_path.iterdir()) == []


def upside_down(backend: Any, inputs: dict[str, Any]) -> np.ndarray:
    (logits,) = backend._session.run(None, {name: inputs[name] for name in backend._names})
    return np.asarray(-logits, dtype=np.float64)


LIGHT = r"""
import sys, time
started = time.perf_counter()
from imdb_sentiment import SentimentClassifier
prediction = SentimentClassifier.from_pretrained(sys.argv[1]).predict("Seen at home: superb.")
seconds = time.perf_counter() - started
heavy = {"torch", "transformers", "datasets", "sklearn", "pandas", "pyarrow", "scipy"} & set(sys.modules)
import json, re
peak = int(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())[1])  # ru_maxrss is also the parent's
print(json.dumps([prediction.label, seconds, peak / 1024, sorted(heavy)]))
"""


@pytest.mark.integration
def test_it_is_opened_without_pytorch(exported: tuple[Path, ExportReport]) -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT, str(exported[0])], capture_output=True, text=True, check=True)
    label, seconds, megabytes, heavy = json.loads(done.stdout)
    assert (label, heavy) == ("positive", [])
    assert seconds < 5  # under 1 on a quiet machine
    assert megabytes < 150


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
def test_what_an_exported_model_cannot_do(opened: SentimentClassifier, tmp_path: Path) -> None:
    for ask in (
        lambda: opened.explain("superb"),
        lambda: opened.export(tmp_path / "again"),
        lambda: opened.push_to_hub("someone/model"),
    ):
        with pytest.raises(ModelError, match="needs the weights, which an exported model does not have"):
            ask()


@pytest.mark.parametrize("fields", [{"device": "cuda"}, {"precision": "bf16"}], ids=str)
@pytest.mark.integration
def test_an_exported_model_computes_as_it_was_exported(
    fields: dict[str, Any], exported: tuple[Path, ExportReport]
) -> None:
    with pytest.raises(ConfigError, match="computes on the CPU, as it was exported"):
        SentimentClassifier.from_pretrained(exported[0], **fields)


@pytest.mark.integration
def test_a_damaged_graph_is_refused(exported: tuple[Path, ExportReport], tmp_path: Path) -> None:
    for name in ("cascade.npz", "config.json", "imdb_sentiment.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((exported[0] / name).read_bytes())
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="cannot be opened"):
        SentimentClassifier.from_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be read"):
        SentimentClassifier.from_pretrained(tmp_path)


@pytest.mark.parametrize("module", ["onnxruntime", "onnx_ir"])
@pytest.mark.integration
def test_the_extra_is_named_where_it_is_missing(
    module: str,
    classifier: SentimentClassifier,
    exported: tuple[Path, ExportReport],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    asked: dict[str, Callable[[], object]] = {
        "onnxruntime": lambda: SentimentClassifier.from_pretrained(exported[0]),
        "onnx_ir": lambda: classifier.export(tmp_path / "model"),
    }
    with pytest.raises(MissingExtraError, match="needs the extra 'onnx'"):
        asked[module]()

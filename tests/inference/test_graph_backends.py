"""An exported model, opened by ONNX Runtime and by OpenVINO: the same scores, and without PyTorch."""

import json
import math
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from conftest import make_reviews
from forked import Child
from imdb_sentiment import ConfigError, MissingExtraError, ModelError, SentimentClassifier
from imdb_sentiment.inference.graph_backends import open_graph
from imdb_sentiment.results import ExportReport
from tasks import close_and_be_told

pytestmark = pytest.mark.integration

TEXTS, LABELS = make_reviews(100)
LONG = "wonderful " * 60


@pytest.fixture(scope="module")
def folder(exported: tuple[Path, ExportReport]) -> Path:
    return exported[0]


@pytest.fixture(scope="module")
def classifier(saved_model: Path) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(saved_model, device="cpu", precision="fp32")


@pytest.fixture
def hide_openvino(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setitem(sys.modules, "openvino", None)


@pytest.fixture(params=["onnxruntime", "openvino"])
def opened(
    request: pytest.FixtureRequest, folder: Path, hide_openvino: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> SentimentClassifier:
    if request.param == "onnxruntime":
        hide_openvino()
    else:
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
    classifier = SentimentClassifier.from_pretrained(folder, precision="fp32")
    backend: Any = classifier._opened.scorer.backend
    assert backend.runtime == request.param
    return classifier


def test_the_scores_are_the_same_to_the_fifth_digit(
    classifier: SentimentClassifier, opened: SentimentClassifier
) -> None:
    texts = [*TEXTS[:20], LONG, "It starts well.<br /><br />Then\u200b it goes on."]
    np.testing.assert_allclose(opened.predict_proba(texts), classifier.predict_proba(texts), atol=1e-5)
    np.testing.assert_allclose(opened.predict_proba(texts[:1]), classifier.predict_proba(texts[:1]), atol=1e-5)
    assert [one.truncated for one in opened.predict(texts)] == [one.truncated for one in classifier.predict(texts)]
    assert opened.labels == classifier.labels
    assert opened.threshold == classifier.threshold
    assert opened.seen_in_training(texts) == classifier.seen_in_training(texts)


def test_many_passes_at_once_give_the_same(
    classifier: SentimentClassifier, opened: SentimentClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened._opened.scorer, "max_tokens", 1)  # a pass for each text
    np.testing.assert_allclose(opened.predict_proba(TEXTS), classifier.predict_proba(TEXTS), atol=1e-5)


def test_it_measures_too(classifier: SentimentClassifier, opened: SentimentClassifier) -> None:
    texts = [f"{text} Again." for text in TEXTS[:40]]
    expected, report = (one.evaluate(texts, LABELS[:40]) for one in (classifier, opened))
    assert report.confusion_matrix == expected.confusion_matrix
    assert report.log_loss == pytest.approx(expected.log_loss, abs=1e-5)


def test_with_the_cascade_too(classifier: SentimentClassifier, opened: SentimentClassifier) -> None:
    expected, found = (one.predict([*TEXTS[:20], LONG], cascade=True) for one in (classifier, opened))
    assert [one.answered_by for one in found] == [one.answered_by for one in expected]
    assert [one.score for one in found] == pytest.approx([one.score for one in expected], abs=1e-5)


def test_threads_may_share_it(opened: SentimentClassifier) -> None:
    expected = opened.predict_proba(TEXTS[:8]).tolist()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: opened.predict_proba(TEXTS[:8]).tolist(), range(16)))
    assert found == [expected] * 16


def test_bf16_differs_in_the_third_digit(classifier: SentimentClassifier, folder: Path) -> None:
    half = SentimentClassifier.from_pretrained(folder, precision="bf16")
    np.testing.assert_allclose(half.predict_proba(TEXTS), classifier.predict_proba(TEXTS), atol=0.05)
    assert [one.label for one in half.predict(TEXTS)] == [one.label for one in classifier.predict(TEXTS)]


def test_openvino_is_taken_where_it_is_quicker(folder: Path, hide_openvino: Callable[[], None]) -> None:
    graph = folder / "model.onnx"
    assert open_graph(graph, quantized=False).runtime == "openvino"
    assert open_graph(graph, quantized=True).runtime == "onnxruntime"
    hide_openvino()
    assert open_graph(graph, quantized=False).runtime == "onnxruntime"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_eight_bits_have_no_other_precision(precision: Any, folder: Path) -> None:
    with pytest.raises(ConfigError, match=f"precision='{precision}' cannot be set"):
        open_graph(folder / "model.onnx", quantized=True, precision=precision)


def test_the_extra_is_named_where_it_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match="needs the extra 'openvino'"):
        SentimentClassifier.from_pretrained(folder, precision="bf16")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match="needs the extra 'onnx'"):
        SentimentClassifier.from_pretrained(folder)


def test_signals_are_heeded_after_models_are_closed(folder: Path) -> None:
    assert Child(close_and_be_told, folder).result() == signal.SIGINT


def test_it_stays_on_the_cpu(folder: Path) -> None:
    with pytest.raises(ConfigError, match="device='cuda': an exported model computes on the CPU"):
        SentimentClassifier.from_pretrained(folder, device="cuda")


def test_what_needs_the_weights(opened: SentimentClassifier, tmp_path: Path) -> None:
    for ask in (
        lambda: opened.explain("superb"),
        lambda: opened.export(tmp_path / "again"),
        lambda: opened.push_to_hub("someone/model"),
    ):
        with pytest.raises(ModelError, match="needs the weights, which an exported model does not have"):
            ask()


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_damaged_graph_is_refused(
    runtime: str, folder: Path, tmp_path: Path, hide_openvino: Callable[[], None]
) -> None:
    if runtime == "onnxruntime":
        hide_openvino()
    for name in ("cascade.npz", "config.json", "imdb_sentiment.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    for content in (b"no graph", (folder / "model.onnx").read_bytes()[:9000]):
        (tmp_path / "model.onnx").write_bytes(content)
        with pytest.raises(ModelError, match="cannot be opened") as caught:
            SentimentClassifier.from_pretrained(tmp_path)
        assert caught.value.found
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be read"):
        SentimentClassifier.from_pretrained(tmp_path)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_graph_that_answers_no_number_is_refused(
    runtime: str, value: float, folder: Path, saved_model: Path, tmp_path: Path, hide_openvino: Callable[[], None]
) -> None:
    if runtime == "onnxruntime":
        hide_openvino()
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    content = bytearray((copy / "model.onnx").read_bytes())
    bias = load_file(saved_model / "model.safetensors")["classifier.bias"].numpy()
    assert content.count(bias.tobytes()) == 1
    place = content.index(bias.tobytes())
    bias[1] = value
    content[place : place + bias.nbytes] = bias.tobytes()
    (copy / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="the model returned an invalid logit"):
        SentimentClassifier.from_pretrained(copy)


@pytest.mark.parametrize("vocabulary", [10, 10**12])
def test_a_graph_with_the_tokenizer_of_another_is_refused(vocabulary: int, folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    content = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(content | {"vocab_size": vocabulary}))
    if vocabulary == 10:
        with pytest.raises(ModelError, match="does not match its weights"):
            SentimentClassifier.from_pretrained(copy)
    else:  # of which nothing is made: the graph is as it is
        SentimentClassifier.from_pretrained(copy)


LIGHT = r"""
import sys
if sys.argv[2] == "onnxruntime":
    sys.modules["openvino"] = None
from imdb_sentiment import SentimentClassifier
prediction = SentimentClassifier.from_pretrained(sys.argv[1]).predict("Seen at home: superb.")
heavy = {"torch", "transformers", "datasets", "sklearn", "pandas", "scipy"} & set(sys.modules)
import json, re
peak = int(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())[1])  # ru_maxrss is also the parent's
print(json.dumps([prediction.label, peak / 1024, sorted(heavy), sys.argv[2] in sys.modules]))
"""


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_it_is_opened_without_pytorch(runtime: str, folder: Path) -> None:
    command = [sys.executable, "-c", LIGHT, str(folder), runtime]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    label, megabytes, heavy, used = json.loads(done.stdout)
    assert (label, heavy, used) == ("positive", [], True)
    assert megabytes < 200


def test_a_graph_of_two_outputs_is_refused(folder: Path, tmp_path: Path, hide_openvino: Callable[[], None]) -> None:
    import onnx

    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    graph = onnx.load(copy / "model.onnx")
    graph.graph.node.append(onnx.helper.make_node("Neg", [graph.graph.output[0].name], ["other"]))
    other = onnx.helper.make_tensor_value_info("other", onnx.TensorProto.FLOAT, [None, 2])
    graph.graph.output.insert(0, other)
    onnx.save(graph, copy / "model.onnx")
    with pytest.raises(ModelError, match="is not a classifier"):
        SentimentClassifier.from_pretrained(copy)
    hide_openvino()
    with pytest.raises(ModelError, match="the model failed"):
        SentimentClassifier.from_pretrained(copy)


def test_files_are_not_scored_by_weights_that_may_change_beside_the_graph(folder: Path, tmp_path: Path) -> None:
    import onnx

    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    graph = onnx.load(copy / "model.onnx")
    onnx.save_model(graph, copy / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    (tmp_path / "in.csv").write_text("text\nWonderful\n", encoding="utf-8")
    opened = SentimentClassifier.from_pretrained(copy)
    with pytest.raises(ModelError, match="has weights in another file"):
        opened.predict_file(tmp_path / "in.csv", tmp_path / "out.csv")
    assert [path.name for path in tmp_path.glob("*.csv")] == ["in.csv"]

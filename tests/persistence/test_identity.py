"""A model is the same wherever it lies, and another one as soon as anything is changed that decides its answers."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import make_reviews
from forked import Child
from imdb_sentiment import ModelError, OutputExistsError, SentimentClassifier
from imdb_sentiment.inference import file
from imdb_sentiment.inference.row_labels import label_batch
from imdb_sentiment.results import ExportReport
from tasks import identity_of

TEXTS, _ = make_reviews(20)
KINDS = ["own", "foreign", pytest.param("exported", marks=pytest.mark.integration)]


@pytest.fixture
def folder(request: pytest.FixtureRequest, saved_model: Path, tmp_path: Path) -> Path:
    """A copy of a model of one of the kinds."""
    if request.param == "exported":
        exported: tuple[Path, ExportReport] = request.getfixturevalue("exported")
        shutil.copy(saved_model / "model.safetensors", tmp_path / "weights.safetensors")
        return Path(shutil.copytree(exported[0], tmp_path / "model"))
    copy = Path(shutil.copytree(saved_model, tmp_path / "model"))
    if request.param == "foreign":
        (copy / "imdb_sentiment.json").unlink()
    return copy


def opened(folder: Path | str) -> SentimentClassifier:
    return SentimentClassifier.from_pretrained(folder, device="cpu", precision="fp32")


def change_json(name: str, **fields: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        for field, value in fields.items():
            *path, last = field.split("__")
            part = content
            for step in path:
                part = part[step]
            part[last] = value
        (folder / name).write_text(json.dumps(content))

    return change


def change_weights(folder: Path) -> None:
    """Change one number, by as little as can be, in a file of the same length and time."""
    file = folder / "model.safetensors"
    if not file.exists():
        change_graph(folder)
        return
    before, weights = file.stat(), load_file(file)
    weights["bert.encoder.layer.0.output.dense.bias"].view(torch.int32)[3] ^= 1
    save_file(weights, file, metadata={"format": "pt"})
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size


def change_graph(folder: Path) -> None:
    content = bytearray((folder / "model.onnx").read_bytes())
    bias = load_file(folder.parent / "weights.safetensors")["bert.encoder.layer.0.output.dense.bias"].numpy().tobytes()
    content[content.index(bias)] ^= 1
    (folder / "model.onnx").write_bytes(bytes(content))


def change_vocabulary(folder: Path) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    vocab = content["model"]["vocab"]
    vocab["wonderful"], vocab["dreadful"] = vocab["dreadful"], vocab["wonderful"]
    (folder / "tokenizer.json").write_text(json.dumps(content))


def change_cascade(folder: Path) -> None:
    with np.load(folder / "cascade.npz") as arrays:
        changed = dict(arrays)
    changed["bias"] = changed["bias"] + 1
    np.savez(folder / "cascade.npz", **changed)


@pytest.mark.integration
@pytest.mark.parametrize("folder", KINDS, indirect=True)
def test_it_is_the_same_wherever_it_lies(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = opened(folder)._opened.identity
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / "copy")
    assert opened(copy)._opened.identity == identity
    monkeypatch.chdir(tmp_path)
    relative = opened("model")
    assert relative._opened.identity == identity
    assert Child(identity_of, pickle.dumps(relative)).result() == identity


CHANGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "weights": ("own foreign", change_weights),
    "vocabulary": ("own foreign exported", change_vocabulary),
    "activation": ("own foreign", change_json("config.json", hidden_act="relu")),
    "epsilon": ("own foreign", change_json("config.json", layer_norm_eps=1e-3)),
    "longest input": ("own exported", change_json("imdb_sentiment.json", length_policy__max_length=16)),
    "truncation": ("own exported", change_json("imdb_sentiment.json", length_policy__truncation="tail")),
    "threshold": ("own exported", change_json("imdb_sentiment.json", calibration__threshold=0.25)),
    "margin": ("own", change_json("imdb_sentiment.json", cascade__margin=0.75)),
    "cascade": ("own exported", change_cascade),
    "padding side": ("own foreign exported", change_json("tokenizer_config.json", padding_side="left")),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("folder", KINDS, indirect=True)
def test_whatever_decides_answers_makes_another_model(folder: Path, change: str) -> None:
    kinds, do = CHANGES[change]
    if kind_of(folder) not in kinds.split():
        return
    before = opened(folder)._opened.identity
    do(folder)
    assert opened(folder)._opened.identity != before


def kind_of(folder: Path) -> str:
    if (folder / "model.onnx").exists():
        return "exported"
    return "own" if (folder / "imdb_sentiment.json").exists() else "foreign"


@pytest.mark.parametrize("folder", KINDS[::2], indirect=True)
def test_what_decides_nothing_makes_no_other_model(folder: Path) -> None:
    before = opened(folder)._opened.identity
    change_json("imdb_sentiment.json", seed=7, base_model="another name", metrics={"validation": None, "test": None})(
        folder
    )
    (folder / "README.md").write_text("Another card.")
    (folder / "seen_rows.npz").unlink()
    assert opened(folder)._opened.identity == before


@pytest.mark.parametrize("folder", KINDS, indirect=True)
def test_the_work_of_a_killed_run_is_not_mixed_with_that_of_another_model(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "_PART_ROWS", 4)
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    classifier, judged = opened(folder), 0

    def killed_at_the_third(*arguments: Any, **named: Any) -> Any:
        nonlocal judged
        judged += 1
        if judged == 3:
            raise KeyboardInterrupt
        return label_batch(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr("imdb_sentiment.inference.file.label_batch", killed_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            classifier.predict_file(source, target)
    first = opened(folder)
    change_weights(folder)
    with pytest.raises(OutputExistsError, match="holds parts of another job"):
        opened(folder).predict_file(source, target)
    assert not target.exists()
    if kind_of(folder) == "exported":
        with pytest.raises(ModelError, match="was changed since it was opened"):
            first.predict_file(source, target)
    else:
        assert first.predict_file(source, target).scored_before == 8  # what is open is what was opened

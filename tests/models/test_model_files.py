"""What folders with weights may hold: refused before anything of it runs, is made, or answers."""

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from imdb_sentiment import FineTuneConfig, ModelError, SentimentClassifier
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.models.model_files import read_json
from imdb_sentiment.models.pretrained import load_encoder, load_model
from imdb_sentiment.results import ExportReport

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


@pytest.fixture
def folder(saved_model: Path, tmp_path: Path) -> Path:
    """A copy of the saved model that a test may damage."""
    return Path(shutil.copytree(saved_model, tmp_path / "model"))


def open_as_own(folder: Path) -> None:
    SentimentClassifier.from_pretrained(folder, device="cpu")


def open_as_foreign(folder: Path) -> None:
    (folder / "imdb_sentiment.json").unlink()
    SentimentClassifier.from_pretrained(folder, device="cpu")


def train_from(folder: Path) -> None:
    config = FineTuneConfig(model_name=str(folder), max_length=16)
    load_model(load_encoder(config), config, LabelNames("negative", "positive"))


OPENERS: list[Callable[[Path], None]] = [open_as_own, open_as_foreign, train_from]


def change_json(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def change_weights(change: Callable[[torch.Tensor], torch.Tensor], name: str = "classifier.weight") -> Any:
    def damage(folder: Path) -> None:
        weights = load_file(folder / WEIGHTS)
        weights[name] = change(weights[name])
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})

    return damage


def one_number(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        tensor.view(-1)[-1] = value
        return tensor

    return change


def shard(folder: Path, place: str = "model-00001-of-00001.safetensors") -> Path:
    """Have an index name the file of the weights, and return where that is to lie."""
    names = dict.fromkeys(load_file(folder / WEIGHTS), place)
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": names}))
    return folder / place


def pickled(place: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        torch.save(load_file(folder / WEIGHTS), shard(folder, place))
        (folder / WEIGHTS).unlink()

    return damage


def elsewhere(folder: Path) -> None:
    target = folder.parent / "elsewhere.safetensors"
    shard(folder, str(target))
    (folder / WEIGHTS).rename(target)


def above(folder: Path) -> None:
    (folder / WEIGHTS).rename(shard(folder, "../above.safetensors"))


def below(folder: Path) -> None:
    (folder / "weights").mkdir()
    (folder / WEIGHTS).rename(shard(folder, "weights/../weights/model.safetensors"))


def linked(folder: Path) -> None:
    target = folder.parent / "linked.safetensors"
    shard(folder).symlink_to(target)
    (folder / WEIGHTS).rename(target)


def set_config(**fields: Any) -> Callable[[Path], None]:
    return lambda folder: change_json(folder / "config.json", **fields)


NAN, INFINITE = "are NaN or infinite", "not floating-point numbers"
ELSEWHERE, LARGER = "names weights outside the folder", "describes a larger model than its weights"
REFUSALS: dict[str, tuple[Callable[[Path], object], str]] = {
    "one number is none": (change_weights(one_number(math.nan)), NAN),
    "one number is infinite": (change_weights(one_number(math.inf), "bert.pooler.dense.bias"), NAN),
    "minus infinity": (change_weights(one_number(-math.inf), "bert.embeddings.word_embeddings.weight"), NAN),
    "too large for fp32": (change_weights(lambda tensor: tensor.double() + 1e300), NAN),
    "head as int8": (change_weights(lambda tensor: (tensor * 100).to(torch.int8)), INFINITE),
    "head as bool": (change_weights(lambda tensor: tensor > 0), INFINITE),
    "bias as int64": (change_weights(lambda tensor: tensor.long(), "classifier.bias"), INFINITE),
    "encoder as uint8": (change_weights(lambda tensor: tensor.to(torch.uint8), "bert.pooler.dense.weight"), INFINITE),
    "complex": (change_weights(lambda tensor: tensor.to(torch.complex64)), INFINITE),
    "shard is a pickle": (pickled("pytorch_model-00001-of-00001.bin"), "has no safetensors weights"),
    "shard is a pickle by another name": (pickled("model.pt"), "has no safetensors weights"),
    "absolute path": (elsewhere, ELSEWHERE),
    "path above": (above, ELSEWHERE),
    "path below": (below, ELSEWHERE),
    "link that leads out": (linked, ELSEWHERE),
    "shard that is not there": (
        lambda f: (f / WEIGHTS).rename(shard(f).with_suffix(".old")),
        "is not a complete model",
    ),
    "index of nothing": (lambda f: (f / WEIGHTS).rename(f / "old").with_name(INDEX).write_text("{}"), "cannot be read"),
    "adapter": (lambda f: (f / "adapter_config.json").write_text("{}"), "holds an adapter"),
    "weights by another name": (set_config(transformers_weights="adapter_model.bin"), "in an unsupported form"),
    "quantized": (set_config(quantization_config={"quant_method": "bitsandbytes"}), "in an unsupported form"),
    "kernel": (set_config(attn_implementation="someone/kernel"), "requires a kernel from the hub"),
    "vocabulary": (set_config(vocab_size=10**12), LARGER),
    "vocabulary beyond any integer": (set_config(vocab_size=10**30), "cannot be loaded"),
    "vocabulary below zero": (set_config(vocab_size=-1), "cannot be loaded|does not fit|does not match"),
    "positions": (set_config(max_position_embeddings=10**10), LARGER),
    "width": (set_config(intermediate_size=10**9), LARGER),
    "layers": (set_config(num_hidden_layers=10**9), "does not describe a model"),
    "some more layers": (set_config(num_hidden_layers=9_000), LARGER),
    "labels": (set_config(id2label=None, label2id=None, num_labels=10**9), "does not describe a model"),
    "padding beyond the vocabulary": (set_config(pad_token_id=10**6), "cannot be loaded"),
    "probability above one": (set_config(hidden_dropout_prob=5), "cannot be loaded"),
    "no such activation": (set_config(hidden_act="nothing"), "cannot be loaded"),
    "no such model": (set_config(model_type="nothing"), "cannot be loaded"),
}


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("case", REFUSALS)
def test_a_folder_that_cannot_be_trusted_is_refused(folder: Path, case: str, opener: Callable[[Path], None]) -> None:
    damage, message = REFUSALS[case]
    damage(folder)
    with pytest.raises(ModelError, match=message):
        opener(folder)


@pytest.mark.parametrize("opener", OPENERS)
def test_weights_in_several_files_are_opened(folder: Path, opener: Callable[[Path], None]) -> None:
    weights = load_file(folder / WEIGHTS)
    names = {name: f"model-0000{1 + place % 2}-of-00002.safetensors" for place, name in enumerate(weights)}
    for file in set(names.values()):
        part = {name: tensor for name, tensor in weights.items() if names[name] == file}
        save_file(part, folder / file, metadata={"format": "pt"})
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": names}))
    (folder / WEIGHTS).unlink()
    opener(folder)


def test_files_in_the_cache_of_the_hub_are_opened(folder: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--a--b" / "snapshots" / "0123"
    snapshot.parent.mkdir(parents=True)
    shutil.copytree(folder, snapshot)
    (snapshot.parent.parent / "blobs").mkdir()
    place = shard(snapshot)
    (snapshot / WEIGHTS).rename(snapshot.parent.parent / "blobs" / "4567")
    place.symlink_to("../../blobs/4567")
    open_as_own(snapshot)


def test_whole_numbers_of_old_checkpoints_are_no_weights(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS) | {"bert.embeddings.position_ids": torch.arange(512)[None]}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    open_as_own(folder)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_point_numbers_are_opened(folder: Path, kind: torch.dtype) -> None:
    before = SentimentClassifier.from_pretrained(folder, device="cpu").predict_proba(["wonderful"])
    change_weights(lambda tensor: tensor.to(kind))(folder)
    after = SentimentClassifier.from_pretrained(folder, device="cpu").predict_proba(["wonderful"])
    assert abs(before - after).max() < 0.02


def test_a_file_that_is_written_to_changes_nothing_that_is_open(folder: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(folder, device="cpu")
    before = classifier.predict_proba(["wonderful"]).tolist()
    with (folder / WEIGHTS).open("r+b") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(length // 4)
        file.write(b"\0" * (length // 2))
        file.truncate(length // 2)
    assert classifier.predict_proba(["wonderful"]).tolist() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"a": 1, "a": 2}',
        b'{"b": {"a": 1, "a": 1}}',
        b'{"a": NaN}',
        b'{"a": [-Infinity]}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
    ],
)
def test_json_that_readers_would_understand_differently(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"file\.json cannot be read"):
        read_json(tmp_path / "file.json")


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "file.json")
    with pytest.raises(ModelError, match=r"file\.json cannot be read"):
        read_json(tmp_path / "file.json")


@pytest.mark.parametrize("setting", [{"return_dict": False}, {"chunk_size_feed_forward": 7}])
def test_a_setting_of_how_a_model_answers_changes_nothing(
    folder: Path, saved_model: Path, setting: dict[str, Any]
) -> None:
    change_json(folder / "config.json", **setting)
    changed, usual = (SentimentClassifier.from_pretrained(place, device="cpu") for place in (folder, saved_model))
    assert changed.predict("dull " * 11) == usual.predict("dull " * 11)
    config = FineTuneConfig(model_name=str(folder), max_length=16)
    model = load_model(load_encoder(config), config, LabelNames("negative", "positive")).model
    assert model(torch.arange(8)[None]).logits.shape == (1, 2)


@pytest.mark.parametrize("kind", ["endless", "pipe", "loop", "dangling"])
@pytest.mark.parametrize(
    "name", ["config.json", "imdb_sentiment.json", "tokenizer.json", "seen_rows.npz", "cascade.npz"]
)
@pytest.mark.parametrize("form", ["saved", "exported"])
def test_a_name_of_no_file_is_not_read(
    saved_model: Path, exported: tuple[Path, ExportReport], tmp_path: Path, form: str, name: str, kind: str
) -> None:
    source = saved_model if form == "saved" else exported[0]
    file = Path(shutil.copytree(source, tmp_path / "model")) / name
    file.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to({"endless": "/dev/zero", "loop": name, "dangling": "nothing"}[kind])
    with pytest.raises(ModelError, match="cannot be read"):
        SentimentClassifier.from_pretrained(file.parent, device="cpu")


def test_a_folder_in_the_place_of_the_metadata_makes_no_model_of_another_kind(folder: Path) -> None:
    (folder / "imdb_sentiment.json").unlink()
    (folder / "imdb_sentiment.json").mkdir()
    with pytest.raises(ModelError, match="is not a model of this library"):
        SentimentClassifier.from_pretrained(folder, device="cpu")

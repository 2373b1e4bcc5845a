"""The files of a model, checked before the libraries that open them see them, and while they do."""

import json
import math
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from imdb_sentiment.errors import ImdbSentimentError, ModelError
from imdb_sentiment.runtime.huggingface import describe_fault, hub_errors, hub_or_cache, is_fault, quiet
from imdb_sentiment.runtime.messages import quote
from imdb_sentiment.runtime.process_wide import LOADING_LOCK

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = [
    "HOW_IT_ANSWERS",
    "check_files",
    "check_settings",
    "check_weights",
    "fetch_folder",
    "loading_folder",
    "own_finite_weights",
    "read_json",
]

_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"
_COUNTED = re.compile(r"layer|label|group|depth|stage|block")
_MOST_COUNTED = 10_000
_SLACK_TENSORS, _SLACK_NUMBERS = 100, 10**8
_MOST_TENSORS, _MOST_NUMBERS = 10_000, 10**11

HOW_IT_ANSWERS: dict[str, Any] = {"return_dict": True, "chunk_size_feed_forward": 0}
"""Settings that change no answer but its form and what lengths a model can read, so no folder decides on them."""


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object, which any reader would understand alike.

    Raises:
        ModelError: It is not there, or holds none, or names a key twice or a number that is infinite or none.
    """
    if not path.exists():
        raise ModelError(f"{path.parent} is not a whole model folder", found=f"no {path.name}")
    if not path.is_file():
        raise ModelError(f"{path} cannot be read", found="no file")
    try:
        content = json.loads(
            path.read_text(encoding="utf-8"),
            object_pairs_hook=_without_repeats,
            parse_float=_finite,
            parse_constant=_not_finite,
        )
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read", found=str(error)) from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} cannot be read", found=f"a {type(content).__name__}", expected="an object")
    return content


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {quote(repeated)} twice")
    return content


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _not_finite(text)


def _not_finite(text: str) -> NoReturn:
    raise ValueError(f"{text}, which is no number in JSON")


def fetch_folder(name: str, revision: str | None, *, files: Sequence[str], hint: str) -> Path:
    """Return where the cache of the hub has the files of a model, fetched if they are not there.

    Args:
        name: Id of the repository.
        revision: Branch, tag or commit.
        files: Patterns of their names; what lies in folders of the repository is left out.
        hint: A way out without the hub.

    Raises:
        ModelError: There is no such repository or revision.
        HubUnavailableError: The hub did not answer.
    """
    from huggingface_hub import snapshot_download

    reach = hub_or_cache(name, "model", revision)
    with quiet(), hub_errors(f"model {name!r}", ModelError, hint=hint), reach:
        return Path(snapshot_download(name, revision=revision, allow_patterns=[*files], ignore_patterns="*/*"))


def check_files(folder: Path) -> None:
    """Check that all files of a folder are there and come to an end.

    Raises:
        ModelError: One is, or leads to, a device, a pipe or a socket, or a link leads nowhere.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise ModelError(f"{folder} cannot be read", found=error.strerror) from None
    for path in paths:
        if (path.exists() or path.is_symlink()) and not (path.is_file() or path.is_dir()):
            found = "a device, a pipe or a socket" if path.exists() else "a link that leads nowhere"
            raise ModelError(f"{path} cannot be read", found=found, expected="a file")


def check_settings(folder: Path) -> dict[str, Any]:
    """Check that opening a folder runs no code that it brings along, and that its `config.json` describes a model.

    Returns:
        The content of its `config.json`.

    Raises:
        ModelError: It asks to run code, has its weights quantized, or is no model but an adapter for one.
    """
    check_files(folder)
    settings = read_json(folder / "config.json")
    tokenizer = read_json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").exists() else {}
    if "auto_map" in settings or "auto_map" in tokenizer:
        raise ModelError(f"{folder} asks to run code of its own", found="auto_map", expected="a standard architecture")
    attention = [value for key, value in settings.items() if "attn_implementation" in key]
    if any("/" in str(value) for value in attention):  # a kernel, which upstream fetches from the hub and runs
        raise ModelError(f"{folder} asks to run code of the hub", found=str(attention[0]), expected="no kernel's name")
    if (folder / "adapter_config.json").exists():
        raise ModelError(
            f"{folder} holds an adapter, which changes what a model says",
            found="adapter_config.json",
            expected="a whole model",
            hint="merge it into its model (merge_and_unload of peft), and save that",
        )
    for key in ("quantization_config", "transformers_weights"):
        if settings.get(key) is not None:
            expected = f"plain weights in {_WEIGHTS}"
            raise ModelError(f"{folder} has its weights in another form", found=key, expected=expected)
    for key, value in _numbers(settings):
        if _COUNTED.search(key) and value > _MOST_COUNTED:
            raise ModelError(f"{folder / 'config.json'} describes no model", found=f"{key}: {value}")
    return settings


def _numbers(content: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _numbers(value)
        elif isinstance(value, int):
            yield key, value


def check_weights(folder: Path) -> list[Path]:
    """Return the files that hold the weights.

    Raises:
        ModelError: There are none, or pickles, or an index names files that lie elsewhere.
    """
    if (folder / _WEIGHTS).is_file():
        return [folder / _WEIGHTS]
    if not (folder / _INDEX).is_file():
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        found = f"{', '.join(pickled)}, a pickle, which can run any code when opened" if pickled else "no weights"
        raise ModelError(f"{folder} has no safetensors weights", found=found, expected=_WEIGHTS)
    places = read_json(folder / _INDEX).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ModelError(f"{folder / _INDEX} cannot be read", found="no weight_map")
    names = sorted(set(map(str, places.values())))
    for name in names:
        if not name.endswith(".safetensors"):
            pickle = f"{name}, which may be a pickle, and a pickle can run any code when opened"
            raise ModelError(f"{folder} has no safetensors weights", found=pickle, expected="names of .safetensors")
        if Path(name).name != name or not _lies_in(folder, folder / name):
            expected = "the name of a file in the folder"
            raise ModelError(f"{folder / _INDEX} names weights that lie elsewhere", found=name, expected=expected)
        if not (folder / name).is_file():
            raise ModelError(f"{folder} is not a whole model folder", found=f"no {name}")
    return [folder / name for name in names]


def _lies_in(folder: Path, file: Path) -> bool:
    """Tell whether a file lies in a folder, or where the hub's cache keeps the files of the folder."""
    inside, target = folder.resolve(), file.resolve()
    cached = inside.parent.name == "snapshots" and target.parent == inside.parent.parent / "blobs"
    return cached or target.parent == inside


class _Stored(NamedTuple):
    """What safetensors files say of themselves."""

    kinds: dict[str, str]
    """Types of numbers by the name of the tensor."""

    numbers: int


def _stored(folder: Path) -> _Stored:
    from safetensors import safe_open

    kinds, numbers = {}, 0
    for file in check_weights(folder):
        with safe_open(file, "pt") as weights:
            for name in weights.keys():  # noqa: SIM118 - it is no dictionary
                tensor = weights.get_slice(name)
                kinds[name] = tensor.get_dtype()
                if kinds[name].startswith("C"):  # of which half would be lost on the way
                    raise _no_weights(folder, name, kinds[name])
                numbers += math.prod(tensor.get_shape())
    return _Stored(kinds, numbers)


@contextmanager
def loading_folder(folder: Path, what: str, *, hint: str) -> Iterator[None]:
    """Open files of a folder inside; whatever their content makes upstream raise becomes one error.

    What is made of `config.json` may not be far larger than the weights are, if they are there: it would take any time,
    and any memory.

    Args:
        folder: The folder.
        what: What is opened, e.g. `model 'folder'`.
        hint: A way out.

    Raises:
        ModelError: They cannot be opened.
    """
    try:
        with quiet(), hub_errors(what, ModelError, hint=hint), LOADING_LOCK, _no_larger_than(folder):
            yield
    except BaseException as error:
        if isinstance(error, ImdbSentimentError) or not is_fault(error):
            raise
        raise ModelError(f"{what} cannot be loaded", found=describe_fault(error), hint=hint) from error


@contextmanager
def _no_larger_than(folder: Path) -> Iterator[None]:
    """Let this thread make no model inside that has far more tensors or numbers than are stored.

    Upstream makes a model without memory for its numbers first, and counting then costs nothing.
    """
    from torch.nn.modules import module

    there = any((folder / name).exists() for name in (_WEIGHTS, _INDEX))
    kinds, stored = _stored(folder) if there else ({}, _MOST_NUMBERS)
    most = 2 * len(kinds) + _SLACK_TENSORS if there else _MOST_TENSORS
    thread, tensors, numbers = threading.get_ident(), 0, 0

    def count(_: object, name: str, tensor: "torch.Tensor | None") -> None:
        nonlocal tensors, numbers
        if tensor is None or not tensor.is_meta or threading.get_ident() != thread:
            return
        tensors, numbers = tensors + 1, numbers + tensor.numel()
        if tensors > most or numbers > 2 * stored + _SLACK_NUMBERS:
            raise ModelError(
                f"config.json of {folder} describes a larger model than its weights are of",
                found=f"more than {tensors:,} tensors of {numbers:,} numbers",
                expected=f"{len(kinds):,} tensors of {stored:,} numbers" if there else "a model of any use",
            )

    hooks = [
        module.register_module_parameter_registration_hook(count),
        module.register_module_buffer_registration_hook(count),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def own_finite_weights(model: "PreTrainedModel", folder: Path) -> None:
    """Check that all numbers of a model can be computed with, and take them out of the file.

    As it is loaded, a model lies in the file: who wrote to that, or cut it, would change or kill what computes.

    Raises:
        ModelError: A number is infinite or none, or numbers were stored as something else.
    """
    import torch

    whole = {name.rpartition(".")[2] for name, buffer in model.named_buffers() if not buffer.is_floating_point()}
    for name, kind in _stored(folder).kinds.items():
        if not kind.startswith(("F", "BF")) and name.rpartition(".")[2] not in whole:
            raise _no_weights(folder, name, kind)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        tensor.data = tensor.data.clone()
        if (
            tensor.is_floating_point()
            and tensor.numel()
            and not math.isfinite(sum(map(abs, torch.aminmax(tensor.data))))
        ):
            raise ModelError(
                f"{folder} has weights that are infinite or not a number, and would answer nothing else",
                found=name,
                expected="weights of a training that did not diverge",
            )


def _no_weights(folder: Path, name: str, kind: str) -> ModelError:
    return ModelError(
        f"{folder} has weights that are no floating-point numbers",
        found=f"{name} as {kind}",
        expected="weights as they were trained",
    )

"""Validation of model files before and while other libraries open them."""

import json
import math
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from imdb_sentiment.errors import ImdbSentimentError, ModelError
from imdb_sentiment.runtime.huggingface import describe_fault, hub_errors, hub_or_cache, is_fault, quiet
from imdb_sentiment.runtime.messages import quote
from imdb_sentiment.runtime.process_wide import LOADING_LOCK

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = [
    "OUTPUT_SETTINGS",
    "check_files",
    "check_settings",
    "check_weights",
    "copy_finite_weights",
    "faults_as_model_errors",
    "fetch_folder",
    "loading_folder",
    "read_json",
]

_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"
_COUNT_KEYS = re.compile(r"layer|label|group|depth|stage|block")
_MAX_COUNT = 10_000
_EXTRA_TENSORS, _EXTRA_PARAMETERS = 100, 10**8
_MAX_TENSORS, _MAX_PARAMETERS = 10_000, 10**11

OUTPUT_SETTINGS: dict[str, Any] = {"return_dict": True, "chunk_size_feed_forward": 0}
"""Settings that override `config.json`: they affect the form of the output and the supported lengths only."""


def read_json(path: Path) -> dict[str, Any]:
    """Read a file with one JSON object, strictly.

    Raises:
        ModelError: The file is missing or not a JSON object, or has a duplicate key or a NaN or infinite number.
    """
    if not path.exists():
        raise ModelError(f"{path.parent} is not a complete model folder", found=f"no {path.name}")
    if not path.is_file():
        raise ModelError(f"{path} cannot be read", found="not a file")
    try:
        content = json.loads(
            path.read_text(encoding="utf-8"),
            object_pairs_hook=_unique_keys,
            parse_float=_finite,
            parse_constant=_not_finite,
        )
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read", found=str(error)) from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} cannot be read", found=f"a {type(content).__name__}", expected="an object")
    return content


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        duplicate = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {quote(duplicate)} twice")
    return content


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _not_finite(text)


def _not_finite(text: str) -> NoReturn:
    raise ValueError(f"{text}, which is not a number in JSON")


def fetch_folder(name: str, revision: str | None, *, files: Sequence[str], hint: str) -> Path:
    """Return the folder of a repository in the hub's cache, downloading files of the given patterns as needed.

    Raises:
        ModelError: There is no such repository or revision.
        HubUnavailableError: The hub did not answer.
    """
    from huggingface_hub import snapshot_download

    reach = hub_or_cache(name, "model", revision)
    with quiet(), hub_errors(f"model {name!r}", ModelError, hint=hint), reach:
        return Path(snapshot_download(name, revision=revision, allow_patterns=[*files], ignore_patterns="*/*"))


def check_files(folder: Path) -> None:
    """Check that a folder holds regular files only.

    Raises:
        ModelError: A file is a device, a pipe, a socket or a broken link.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise ModelError(f"{folder} cannot be read", found=error.strerror) from None
    for path in paths:
        if (path.exists() or path.is_symlink()) and not (path.is_file() or path.is_dir()):
            found = "a device, a pipe or a socket" if path.exists() else "a broken link"
            raise ModelError(f"{path} cannot be read", found=found, expected="a file")


def check_settings(folder: Path) -> dict[str, Any]:
    """Check that opening a folder runs no code of its own, and return the content of its `config.json`.

    Raises:
        ModelError: The folder has remote code, quantized weights or an adapter, or `config.json` is implausible.
    """
    check_files(folder)
    settings = read_json(folder / "config.json")
    tokenizer = read_json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").exists() else {}
    if "auto_map" in settings or "auto_map" in tokenizer:
        raise ModelError(f"{folder} requires remote code", found="auto_map", expected="a standard architecture")
    attention = [value for key, value in settings.items() if "attn_implementation" in key]
    if any("/" in str(value) for value in attention):  # a kernel, which upstream downloads from the hub and runs
        raise ModelError(f"{folder} requires a kernel from the hub", found=str(attention[0]), expected="no kernel")
    if (folder / "adapter_config.json").exists():
        raise ModelError(
            f"{folder} holds an adapter, not a complete model",
            found="adapter_config.json",
            expected="a complete model",
            hint="merge it into its model (merge_and_unload of peft), and save that",
        )
    for key in ("quantization_config", "transformers_weights"):
        if settings.get(key) is not None:
            expected = f"unquantized weights in {_WEIGHTS}"
            raise ModelError(f"{folder} has weights in an unsupported form", found=key, expected=expected)
    for key, value in _integers(settings):
        if _COUNT_KEYS.search(key) and value > _MAX_COUNT:
            raise ModelError(f"{folder / 'config.json'} does not describe a model", found=f"{key}: {value}")
    return settings


def _integers(content: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _integers(value)
        elif isinstance(value, int):
            yield key, value


def check_weights(folder: Path) -> list[Path]:
    """Return the files of the weights.

    Raises:
        ModelError: There are none, or pickles, or the index names files outside the folder.
    """
    if (folder / _WEIGHTS).is_file():
        return [folder / _WEIGHTS]
    if not (folder / _INDEX).is_file():
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        found = f"{', '.join(pickled)}, a pickle, which can run any code when opened" if pickled else "no weights"
        raise ModelError(f"{folder} has no safetensors weights", found=found, expected=_WEIGHTS)
    weight_map = read_json(folder / _INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelError(f"{folder / _INDEX} cannot be read", found="no weight_map")
    names = sorted(set(map(str, weight_map.values())))
    for name in names:
        if not name.endswith(".safetensors"):
            pickle = f"{name}, which may be a pickle, and a pickle can run any code when opened"
            raise ModelError(f"{folder} has no safetensors weights", found=pickle, expected="names of .safetensors")
        if Path(name).name != name or not _is_inside(folder, folder / name):
            expected = "the name of a file in the folder"
            raise ModelError(f"{folder / _INDEX} names weights outside the folder", found=name, expected=expected)
        if not (folder / name).is_file():
            raise ModelError(f"{folder} is not a complete model folder", found=f"no {name}")
    return [folder / name for name in names]


def _is_inside(folder: Path, file: Path) -> bool:
    """Return whether a file is in a folder, or among the blobs of the hub's cache that the folder links to."""
    inside, target = folder.resolve(), file.resolve()
    cached = inside.parent.name == "snapshots" and target.parent == inside.parent.parent / "blobs"
    return cached or target.parent == inside


def _stored(folder: Path) -> tuple[dict[str, str], int]:
    """Return the data type of each stored tensor and the number of all parameters, from the headers of the files."""
    from safetensors import safe_open

    dtypes, parameters = {}, 0
    for file in check_weights(folder):
        with safe_open(file, "pt") as weights:
            for name in weights.keys():  # noqa: SIM118 - it is no dictionary
                tensor = weights.get_slice(name)
                dtypes[name] = tensor.get_dtype()
                if dtypes[name].startswith("C"):  # the imaginary part would be lost
                    raise _wrong_dtype(folder, name, dtypes[name])
                parameters += math.prod(tensor.get_shape())
    return dtypes, parameters


@contextmanager
def loading_folder(folder: Path, what: str, *, hint: str) -> Iterator[None]:
    """Turn any error of upstream while files of a folder are opened into a `ModelError`.

    The model described by `config.json` may not be much larger than the weights, as it could exhaust time and memory.
    The message calls what is opened `what`, such as `model 'folder'`.
    """
    failing = faults_as_model_errors(f"{what} cannot be loaded", hint=hint)
    with failing, quiet(), hub_errors(what, ModelError, hint=hint), LOADING_LOCK, _limited_size(folder):
        yield


@contextmanager
def faults_as_model_errors(summary: str, *, hint: str | None = None) -> Iterator[None]:
    """Turn errors and Rust panics of other libraries, which damaged files cause, into a `ModelError`."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, ImdbSentimentError) or not is_fault(error):
            raise
        raise ModelError(summary, found=describe_fault(error), hint=hint) from error


@contextmanager
def _limited_size(folder: Path) -> Iterator[None]:
    """Refuse to create a model in this thread with far more tensors or parameters than are stored.

    Upstream first creates a model on the meta device, where counting is free.
    """
    from torch.nn.modules import module

    has_weights = any((folder / name).exists() for name in (_WEIGHTS, _INDEX))
    dtypes, stored = _stored(folder) if has_weights else ({}, _MAX_PARAMETERS)
    max_tensors = 2 * len(dtypes) + _EXTRA_TENSORS if has_weights else _MAX_TENSORS
    thread, tensors, parameters = threading.get_ident(), 0, 0

    def count(_: object, name: str, tensor: "torch.Tensor | None") -> None:
        nonlocal tensors, parameters
        if tensor is None or not tensor.is_meta or threading.get_ident() != thread:
            return
        tensors, parameters = tensors + 1, parameters + tensor.numel()
        if tensors > max_tensors or parameters > 2 * stored + _EXTRA_PARAMETERS:
            raise ModelError(
                f"config.json of {folder} describes a larger model than its weights",
                found=f"more than {tensors:,} tensors with {parameters:,} parameters",
                expected=f"{len(dtypes):,} tensors with {stored:,} parameters" if has_weights else "a smaller model",
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


def copy_finite_weights(model: "PreTrainedModel", folder: Path) -> None:
    """Check that all weights of a model are finite, and copy them out of the memory-mapped file.

    A memory-mapped model would change or crash if the file were overwritten or truncated.

    Raises:
        ModelError: A weight is NaN or infinite, or was not stored as a floating-point number.
    """
    import torch

    integers = {name.rpartition(".")[2] for name, buffer in model.named_buffers() if not buffer.is_floating_point()}
    dtypes, _ = _stored(folder)
    for name, dtype in dtypes.items():
        if not dtype.startswith(("F", "BF")) and name.rpartition(".")[2] not in integers:
            raise _wrong_dtype(folder, name, dtype)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        tensor.data = tensor.data.clone()
        if (
            tensor.is_floating_point()
            and tensor.numel()
            and not math.isfinite(sum(map(abs, torch.aminmax(tensor.data))))
        ):
            raise ModelError(
                f"{folder} has weights that are NaN or infinite",
                found=name,
                expected="weights of a training that did not diverge",
            )


def _wrong_dtype(folder: Path, name: str, dtype: str) -> ModelError:
    return ModelError(
        f"{folder} has weights that are not floating-point numbers",
        found=f"{name} as {dtype}",
        expected="weights as they were trained",
    )

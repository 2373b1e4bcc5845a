"""The model folder: the standard Hugging Face files, and one JSON file of ours beside them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from imdb_sentiment.card import CARD_FILE, model_card
from imdb_sentiment.data.seen import SEEN_ROWS_FILE, SeenRows
from imdb_sentiment.encoding import TextEncoder, Truncation
from imdb_sentiment.errors import ModelError
from imdb_sentiment.metadata import SCHEMA_VERSION, ModelMetadata
from imdb_sentiment.output import METADATA_FILE, new_folder
from imdb_sentiment.upstream import hub_errors, hub_or_cache, quiet

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Artifact", "load_artifact", "save_artifact"]

_FILES = ["*.json", "*.safetensors", SEEN_ROWS_FILE]
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


class Artifact(NamedTuple):
    """What a model folder holds."""

    model: "PreTrainedModel"
    encoder: TextEncoder
    metadata: ModelMetadata
    seen: SeenRows | None
    """None if the file was removed, for the sake of its readers or of the writers of the texts."""


def save_artifact(folder: Path, artifact: Artifact, *, overwrite: bool = False, name: str | None = None) -> None:
    """Write a model folder, whole or not at all.

    Args:
        folder: Where to.
        artifact: What to write.
        overwrite: Replace a model of this library that is there.
        name: What its card calls the model; by default as the folder is called.

    Raises:
        OutputExistsError: `folder` is not empty; see `imdb_sentiment.output.check_output`.
    """
    model, encoder, metadata, seen = artifact
    tokenizer = encoder.tokenizer
    with new_folder(folder, overwrite=overwrite) as partial, quiet():
        model.save_pretrained(partial)
        tokenizer.model_max_length = encoder.max_length
        tokenizer.save_pretrained(partial)
        _complete_tokenizer_config(partial / "tokenizer_config.json", encoder.truncation)
        text = json.dumps(metadata.model_dump(mode="json"), indent=2, ensure_ascii=False)
        (partial / METADATA_FILE).write_text(text + "\n", encoding="utf-8")
        (partial / CARD_FILE).write_text(model_card(metadata, name=name or folder.resolve().name), encoding="utf-8")
        if seen:
            seen.save(partial / SEEN_ROWS_FILE)


def load_artifact(name: str, *, revision: str | None = None) -> Artifact:
    """Open a model folder saved by `save_artifact`, checking it first.

    Args:
        name: A folder on disk, or the id of a repository on the hub that holds one.
        revision: Branch, tag or commit on the hub.

    Raises:
        ModelError: It is no such folder, or cannot be trusted: missing or fresh head, weights in pickle form, remote
            code, unknown schema version, other than two labels, or label names that disagree.
        HubUnavailableError: `name` is on the hub, and the hub did not answer.
    """
    folder = _find(name, revision)
    metadata = _read_metadata(folder)
    settings = _read_json(folder / "config.json")
    _check_settings(folder, settings, metadata)

    import torch
    from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

    with quiet(), hub_errors(f"model {name!r}", ModelError, hint="save the model again"):
        model, loading = AutoModelForSequenceClassification.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,  # reported below, by name
            output_loading_info=True,
        )
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    if loading["missing_keys"] or loading["mismatched_keys"]:
        missing = sorted([*loading["missing_keys"], *(key for key, *_ in loading["mismatched_keys"])])
        raise ModelError(
            f"{folder} lacks trained weights, and would predict at random",
            found=f"no fitting {', '.join(missing[:3])} in the safetensors file",
            expected="the weights of the encoder and of its trained head",
        )
    if loading["unexpected_keys"]:
        raise ModelError(
            f"{folder} holds weights that its config.json knows nothing of",
            found=", ".join(sorted(loading["unexpected_keys"])[:3]),
            expected="a config.json that was saved with these weights",
        )
    policy = metadata.length_policy
    encoder = TextEncoder(tokenizer, max_length=policy.max_length, truncation=policy.truncation)
    return Artifact(model.eval(), encoder, metadata, _read_seen(folder))


def _find(name: str, revision: str | None) -> Path:
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.exists() or path.is_absolute() or name.startswith((".", "~")) or name.count("/") != 1:
        found = "a file" if path.exists() else None
        expected = "a folder that SentimentFineTuner.save or imdb-sentiment train wrote"
        raise ModelError(f"there is no model folder {path}", found=found, expected=expected)
    from huggingface_hub import snapshot_download

    reach = hub_or_cache(name, "model", revision)
    with quiet(), hub_errors(f"model {name!r}", ModelError, hint="a folder on disk"), reach:
        return Path(snapshot_download(name, revision=revision, allow_patterns=_FILES))


def _read_metadata(folder: Path) -> ModelMetadata:
    if not (folder / METADATA_FILE).is_file():
        raise ModelError(
            f"{folder} is not a model of this library",
            found=f"no {METADATA_FILE}",
            expected="a folder that SentimentFineTuner.save or imdb-sentiment train wrote",
            hint="for other Hugging Face models, transformers.pipeline('text-classification', ...)",
        )
    content = _read_json(folder / METADATA_FILE)
    version = content.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ModelError(
            f"{folder} has an unknown schema version",
            found=repr(version),
            expected=str(SCHEMA_VERSION),
            hint="the version of imdb-sentiment that saved it, or a newer one",
        )
    try:
        return ModelMetadata(**content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise ModelError(f"{folder / METADATA_FILE} is damaged", found=f"{field}: {first['msg']}") from None


def _check_settings(folder: Path, settings: dict[str, Any], metadata: ModelMetadata) -> None:
    tokenizer = _read_json(folder / "tokenizer_config.json")
    if "auto_map" in settings or "auto_map" in tokenizer:
        raise ModelError(f"{folder} asks to run code of its own", found="auto_map", expected="a standard architecture")
    if not any((folder / file).is_file() for file in _WEIGHTS):
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        found = f"{', '.join(pickled)}, a pickle, which can run any code when opened" if pickled else "no weights"
        raise ModelError(f"{folder} has no safetensors weights", found=found, expected=_WEIGHTS[0])
    names = settings.get("id2label")
    if not isinstance(names, dict):
        names = {}
    if len(names) != 2:
        found = f"{len(names)}: {', '.join(map(str, names.values()))}" if names else "none in config.json"
        raise ModelError(f"{folder} does not have two labels", found=found, expected=" and ".join(metadata.labels))
    if (names.get("0"), names.get("1")) != metadata.labels:
        raise ModelError(
            f"the label names of {folder} disagree, so that labels might be flipped",
            found=f"{names.get('0')}, {names.get('1')} in config.json",
            expected=f"{', '.join(metadata.labels)} as in {METADATA_FILE}",
        )


def _read_seen(folder: Path) -> SeenRows | None:
    path = folder / SEEN_ROWS_FILE
    try:
        return SeenRows.load(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read", found=str(error), hint="remove it to go without") from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path.parent} is not a whole model folder", found=f"no {path.name}") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read", found=str(error)) from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} cannot be read", found=f"a {type(content).__name__}", expected="an object")
    return content


def _complete_tokenizer_config(path: Path, truncation: Truncation) -> None:
    """Write what `save_pretrained` leaves out, for stock code, and leave out what is of no use elsewhere."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for of_this_machine in ("is_local", "local_files_only"):  # noted of a tokenizer that was opened from a folder
        content.pop(of_this_machine, None)
    content["truncation_side"] = "left" if truncation == "tail" else "right"
    # the name that transformers 4 knows too; 5 takes it for the same class
    content["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")

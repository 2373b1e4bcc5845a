"""What the folder of any saved model holds: where it is, how the model was made, and which rows it has seen."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from imdb_sentiment.data.seen import SEEN_ROWS_FILE, SeenRows
from imdb_sentiment.errors import ModelError
from imdb_sentiment.metadata import SCHEMA_VERSION, ModelMetadata
from imdb_sentiment.output import METADATA_FILE
from imdb_sentiment.scoring.cascade import Cascade
from imdb_sentiment.scoring.hashed_words import HashedWords
from imdb_sentiment.upstream import hub_errors, hub_or_cache, quiet

__all__ = [
    "CASCADE_FILE",
    "check_label_names",
    "find_folder",
    "read_cascade",
    "read_json",
    "read_metadata",
    "read_seen",
]

CASCADE_FILE = "cascade.npz"

_FILES = ["*.json", "*.safetensors", "*.onnx", "*.txt", "*.model", SEEN_ROWS_FILE, CASCADE_FILE]
"""With what a tokenizer of a model made elsewhere may consist of."""


def find_folder(name: str, revision: str | None = None) -> Path:
    """Return the folder of a model, fetched from the hub if there is no such folder on disk.

    Args:
        name: A folder on disk, or the id of a repository on the hub that holds one.
        revision: Branch, tag or commit on the hub.

    Raises:
        ModelError: There is neither.
        HubUnavailableError: `name` is on the hub, and the hub did not answer.
    """
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


def read_metadata(folder: Path) -> ModelMetadata:
    """Read how the model was made.

    Raises:
        ModelError: The folder does not say, or not in a form that is known.
    """
    if not (folder / METADATA_FILE).is_file():
        raise ModelError(
            f"{folder} is not a model of this library",
            found=f"no {METADATA_FILE}",
            expected="a folder that SentimentFineTuner.save or imdb-sentiment train wrote",
        )
    content = read_json(folder / METADATA_FILE)
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


def read_seen(folder: Path) -> SeenRows | None:
    """Read which rows the model has seen; None if the file was removed.

    Raises:
        ModelError: The file is damaged.
    """
    path = folder / SEEN_ROWS_FILE
    try:
        return SeenRows.load(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read", found=str(error), hint="remove it to go without") from None


def read_cascade(folder: Path, metadata: ModelMetadata) -> Cascade | None:
    """Read the quick model; None if there is none.

    Raises:
        ModelError: There should be one, and its file is missing or damaged.
    """
    chosen, path = metadata.cascade, folder / CASCADE_FILE
    if chosen is None:
        return None
    try:
        words = HashedWords.load(path, cleans=metadata.cleaning.clean_text)
    except FileNotFoundError:
        raise ModelError(f"{folder} is not a whole model folder", found=f"no {path.name}") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read", found=str(error), hint="train or save the model again") from None
    return Cascade(words, chosen.margin, chosen.blend)


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that holds a JSON object.

    Raises:
        ModelError: It is not there, or holds none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path.parent} is not a whole model folder", found=f"no {path.name}") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read", found=str(error)) from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} cannot be read", found=f"a {type(content).__name__}", expected="an object")
    return content


def check_label_names(folder: Path, settings: dict[str, Any], metadata: ModelMetadata) -> None:
    """Check that `config.json` and our own file call the labels the same.

    Raises:
        ModelError: They do not, or there are not two.
    """
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

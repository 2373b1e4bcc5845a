"""What the folder of any saved model holds: where it is, how the model was made, and which rows it has seen."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from imdb_sentiment.data.fingerprints import SEEN_ROWS_FILE, TrainingFingerprints
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.errors import ModelError
from imdb_sentiment.inference.bag_of_words import TfidfModel
from imdb_sentiment.inference.cascade import Cascade
from imdb_sentiment.models.model_files import check_files, fetch_folder, read_json
from imdb_sentiment.persistence.metadata import SCHEMA_VERSION, ModelMetadata
from imdb_sentiment.runtime.files import METADATA_FILE
from imdb_sentiment.runtime.messages import list_values, quote

__all__ = [
    "CASCADE_FILE",
    "check_label_names",
    "find_folder",
    "read_cascade",
    "read_label_names",
    "read_metadata",
    "read_seen",
]

CASCADE_FILE = "cascade.npz"

_FILES = ["*.json", "*.safetensors", "*.onnx", "*.txt", "*.model", SEEN_ROWS_FILE, CASCADE_FILE]
"""With what a tokenizer of a model made elsewhere may consist of."""

_UNNAMED = {"0": "LABEL_0", "1": "LABEL_1"}
"""What upstream calls two labels that nobody named, and leaves out of the file."""

_ONE_OF_TWO = {
    "problem_type": "single_label_classification",
    "num_labels": 2,
    "_num_labels": 2,
    "function_to_apply": "softmax",
}
"""What else `config.json` may say of the outputs, and must say if it does."""

_ACTIVATIONS = ("sentence_transformers", "sbert_ce_default_activation_function")
"""Where cross-encoders of sentence-transformers say what becomes of their outputs."""


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
    return fetch_folder(name, revision, files=_FILES, hint="a folder on disk")


def read_metadata(folder: Path) -> ModelMetadata:
    """Read how the model was made.

    Raises:
        ModelError: The folder does not say, or not in a form that is known.
    """
    check_files(folder)
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


def read_seen(folder: Path) -> TrainingFingerprints | None:
    """Read which rows the model has seen; None if the file was removed.

    Raises:
        ModelError: The file is damaged.
    """
    path = folder / SEEN_ROWS_FILE
    try:
        return TrainingFingerprints.load(path)
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
        words = TfidfModel.load(path, cleans=metadata.cleaning.clean_text)
    except FileNotFoundError:
        raise ModelError(f"{folder} is not a complete model folder", found=f"no {path.name}") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read", found=str(error), hint="train or save the model again") from None
    return Cascade(words, chosen.margin, chosen.blend)


def check_label_names(folder: Path, settings: dict[str, Any], metadata: ModelMetadata) -> None:
    """Check that `config.json` and our own file call the labels the same.

    Raises:
        ModelError: They do not, or there are not two.
    """
    names = read_label_names(settings, str(folder))
    if names != metadata.labels:
        raise ModelError(
            f"the label names of {folder} disagree, so that labels might be flipped",
            found=f"{list_values(names)} in config.json",
            expected=f"{list_values(metadata.labels)} as in {METADATA_FILE}",
        )


def read_label_names(settings: dict[str, Any], name: str) -> LabelNames:
    """Return what `config.json` calls the two outputs of a classifier that chooses one of two labels.

    Args:
        settings: Its content.
        name: What the user calls the model.

    Raises:
        ModelError: It is the file of another kind of model, or contradicts itself.
    """
    names = settings.get("id2label", _UNNAMED)
    if not isinstance(names, dict) or sorted(names) != ["0", "1"]:
        found = f"{len(names)}: {list_values(names.values())}" if isinstance(names, dict) else quote(names)
        raise ModelError(f"{name} does not have two labels", found=found, expected="two names in id2label")
    negative, positive = labels = LabelNames(*(str(names[number]) for number in ("0", "1")))
    plain = all(isinstance(label, str | int) for label in names.values())
    if not plain or negative == positive or not all(map(str.strip, labels)):
        raise ModelError(
            f"{name} does not have two labels", found=list_values(labels), expected="two names that differ"
        )
    for key, expected in _ONE_OF_TWO.items():
        if settings.get(key) not in (None, expected):
            raise ModelError(
                f"{name} is no classifier that chooses one of two labels",
                found=f"{key}: {settings[key]}",
                expected=f"{expected}, or no {key}",
            )
    if "sigmoid" in str([settings.get(key) for key in _ACTIVATIONS]).casefold():
        found = "a sigmoid for each label, which may both be true, or neither"
        raise ModelError(f"{name} is no classifier that chooses one of two labels", found=found, expected="a softmax")
    numbers = settings.get("label2id") or {"": 0, " ": 1}
    stated = {str(label): str(number) for label, number in numbers.items()} if isinstance(numbers, dict) else {}
    if {*stated.values()} != {"0", "1"} or stated.get(negative, "0") != "0" or stated.get(positive, "1") != "1":
        raise ModelError(
            f"the label names of {name} disagree, so that labels might be flipped",
            found=f"label2id: {numbers}",
            expected=f"the numbers that id2label has: {names}",
        )
    return labels

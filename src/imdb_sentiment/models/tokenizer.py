"""A tokenizer made ready for `TextEncoder`: prepared from a pretrained one or opened from a file, and checked."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.data.cleaning import CLEANING_RULES
from imdb_sentiment.errors import ModelError
from imdb_sentiment.models.model_files import faults_as_model_errors

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

__all__ = ["SavedTokenizer", "check_tokenizer", "open_tokenizer", "prepare_tokenizer"]

_MAX_GROWTH = 10**6
_PROBE_TEXT = f"{'a' * 60}! {' ' * 60}x {'1' * 60}, Wonderful-1.5 é 中 😀 \U0001f9a4"
"""Runs that trigger catastrophic backtracking, and characters that a vocabulary may lack."""


def prepare_tokenizer(tokenizer: "PreTrainedTokenizerFast", *, clean: bool) -> "PreTrainedTokenizerFast":
    """Return a copy of a pretrained tokenizer, without truncation and padding, that cleans texts first if asked.

    The copy is a `PreTrainedTokenizerFast`, which keeps its normalizer when it is saved and loaded; a model's own class
    such as `BertTokenizer` would lose the cleaning.
    """
    from tokenizers import Regex, Tokenizer, normalizers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.no_truncation()
    backend.no_padding()
    if clean:
        rules = [normalizers.Replace(Regex(pattern), replacement) for pattern, replacement in CLEANING_RULES]
        own = [] if backend.normalizer is None else [backend.normalizer]
        backend.normalizer = normalizers.Sequence([*rules, *own])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=tokenizer.model_max_length,
        model_input_names=list(tokenizer.model_input_names),
        padding_side=tokenizer.padding_side,
        clean_up_tokenization_spaces=False,
        **tokenizer.special_tokens_map,
    )


class SavedTokenizer(NamedTuple):
    """What `TextEncoder` uses of `PreTrainedTokenizerFast`, without transformers, which is slow to import."""

    backend_tokenizer: "Tokenizer"
    model_input_names: list[str]
    pad_token_id: int | None
    pad_token_type_id: int
    padding_side: str


def open_tokenizer(file: Path, settings: dict[str, Any]) -> SavedTokenizer:
    """Open a file `tokenizer.json` with the settings of `tokenizer_config.json`.

    Raises:
        ModelError: It is damaged.
    """
    from tokenizers import Tokenizer

    with faults_as_model_errors(f"{file} cannot be read"):
        backend = Tokenizer.from_file(str(file))
        backend.no_truncation()
        backend.no_padding()
        pad_token = str(settings["pad_token"])
        return SavedTokenizer(
            backend_tokenizer=backend,
            model_input_names=[str(name) for name in settings["model_input_names"]],
            pad_token_id=backend.token_to_id(pad_token),
            pad_token_type_id=int(settings.get("pad_token_type_id", 0)),
            padding_side=str(settings.get("padding_side", "right")),
        )


def check_tokenizer(
    tokenizer: "SavedTokenizer | PreTrainedTokenizerFast", name: str, *, vocabulary: int | None, max_length: int
) -> None:
    """Check that a tokenizer is usable for inputs of `max_length` tokens, and matches the number of token embeddings.

    Raises:
        ModelError: It is not usable, or does not match.
    """
    backend = tokenizer.backend_tokenizer
    if tokenizer.pad_token_id is None:
        expected = "a fast tokenizer with a padding token, as BERT-like encoders have"
        raise ModelError(f"the tokenizer of {name!r} cannot be used", found="no padding token", expected=expected)
    plain = all(isinstance(name, str) for name in tokenizer.model_input_names)
    if not plain or "input_ids" not in tokenizer.model_input_names or tokenizer.padding_side not in ("left", "right"):
        found = f"{', '.join(map(str, tokenizer.model_input_names))}; padding on side {tokenizer.padding_side!r}"
        raise ModelError(f"the tokenizer of {name!r} cannot be used", found=found, expected="input_ids; left or right")
    if backend.normalizer is not None and _growth(json.loads(backend.normalizer.__getstate__())) > _MAX_GROWTH:
        found = "replacements that can make a text a million times as long"
        raise ModelError(f"the tokenizer of {name!r} cannot be used", found=found)
    with faults_as_model_errors(f"the tokenizer of {name!r} fails"):
        alone, paired = (backend.encode(*texts).ids for texts in (("",), ("", "")))
        backend.encode(_PROBE_TEXT)
    if len(paired) >= max_length:
        raise ModelError(
            f"the tokenizer of {name!r} leaves no room for a text",
            found=f"{len(paired):,} special tokens around two texts",
            expected=f"fewer than the longest input, {max_length:,} tokens",
        )
    size = max([*backend.get_vocab().values(), *alone, *paired, tokenizer.pad_token_id]) + 1
    if vocabulary is not None and size > vocabulary:
        raise ModelError(
            f"the tokenizer of {name!r} does not match its weights",
            found=f"{size:,} tokens in the tokenizer",
            expected=f"{vocabulary:,} at most, as in config.json",
        )


def _growth(normalizer: dict[str, Any]) -> int:
    """Return the factor by which replacements can lengthen a text; each may replace or follow every character."""
    parts = normalizer.get("normalizers", ())
    own = len(normalizer.get("content", "")) + 1 if normalizer.get("content") else 1
    return math.prod(map(_growth, parts), start=own)

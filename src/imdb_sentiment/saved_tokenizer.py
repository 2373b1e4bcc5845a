"""A saved tokenizer, opened without transformers, whose import takes seconds."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["SavedTokenizer", "open_tokenizer"]


class SavedTokenizer(NamedTuple):
    """What `TextEncoder` reads of transformers' `PreTrainedTokenizerFast`, by the same names."""

    backend_tokenizer: "Tokenizer"
    model_input_names: list[str]
    pad_token_id: int
    pad_token_type_id: int
    padding_side: str


def open_tokenizer(file: Path, settings: dict[str, Any]) -> SavedTokenizer:
    """Open `tokenizer.json`.

    Args:
        file: Where it is.
        settings: The content of `tokenizer_config.json` beside it.

    Raises:
        ValueError: It is damaged.
    """
    from tokenizers import Tokenizer

    try:
        backend = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises nothing more exact
        raise ValueError(str(error)) from None
    backend.no_truncation()
    backend.no_padding()
    filler = backend.token_to_id(str(settings["pad_token"]))
    if filler is None:
        raise ValueError(f"the padding token {settings['pad_token']!r} is not in {file.name}")
    return SavedTokenizer(
        backend_tokenizer=backend,
        model_input_names=list(settings["model_input_names"]),
        pad_token_id=filler,
        pad_token_type_id=int(settings.get("pad_token_type_id", 0)),
        padding_side=str(settings.get("padding_side", "right")),
    )

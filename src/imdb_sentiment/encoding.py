"""Texts become token ids: one place for cleaning, cutting and padding, shared by training and scoring."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from imdb_sentiment.data.cleaning import CLEANING_RULES
from imdb_sentiment.progress import progress_bar

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerFast

__all__ = ["EncodedText", "TextEncoder", "Truncation", "prepare_tokenizer"]

Truncation = Literal["head", "tail", "head_tail"]

_CHUNK = 1000
_HEAD_SHARE = 4  # head+tail keeps a quarter from the beginning, near the 128 of 512 of Sun et al. (2019)


class EncodedText(NamedTuple):
    """One text as a model reads it."""

    inputs: "dict[str, NDArray[np.int64]]"
    """Model input names (`input_ids`, `attention_mask`, ...) to arrays of shape (tokens,)."""

    truncated: bool
    """Whether tokens were cut off."""

    @property
    def length(self) -> int:
        """Number of tokens, special tokens included."""
        return len(self.inputs["input_ids"])


class TextEncoder:
    """Turns texts into padded batches under one length policy.

    Args:
        tokenizer: A tokenizer made by `prepare_tokenizer`.
        max_length: Longest input in tokens, special tokens included.
        truncation: What is kept of longer texts; see `FineTuneConfig.truncation`.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerFast", *, max_length: int, truncation: Truncation) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.truncation = truncation
        special = tokenizer.backend_tokenizer.encode("a").special_tokens_mask
        self._before = special.index(0) if 0 in special else 0
        self._after = special[::-1].index(0) if 0 in special else len(special)

    def encode(self, texts: Sequence[str], *, description: str = "tokenizing") -> list[EncodedText]:
        """Encode texts in order, with a progress bar when that takes more than two seconds."""
        encoded: list[EncodedText] = []
        with progress_bar(description, total=len(texts), unit="text") as bar:
            for start in range(0, len(texts), _CHUNK):
                encoded += self._encode_chunk(texts[start : start + _CHUNK])
                bar.update(min(_CHUNK, len(texts) - start))
        return encoded

    def pad(self, batch: Sequence[EncodedText], *, to_max_length: bool = False) -> "dict[str, torch.Tensor]":
        """Stack encoded texts, padded to the longest of them or to `max_length`.

        Returns:
            Model input names to int64 tensors of shape (batch, tokens).
        """
        columns: dict[str, Any] = {name: [text.inputs[name] for text in batch] for name in batch[0].inputs}
        padded = self.tokenizer.pad(
            columns,
            padding="max_length" if to_max_length else "longest",
            max_length=self.max_length if to_max_length else None,
            return_tensors="pt",
        )
        return dict(padded)

    def _encode_chunk(self, texts: Sequence[str]) -> Iterator[EncodedText]:
        import numpy as np

        names = self.tokenizer.model_input_names
        for encoding in self.tokenizer.backend_tokenizer.encode_batch(list(texts)):
            columns = {
                "input_ids": encoding.ids,
                "token_type_ids": encoding.type_ids,
                "attention_mask": encoding.attention_mask,
            }
            keep = self._kept(len(encoding.ids))
            arrays = {name: np.asarray(columns[name], dtype=np.int64)[keep] for name in names if name in columns}
            yield EncodedText(arrays, truncated=len(encoding.ids) > self.max_length)

    def _kept(self, length: int) -> "NDArray[np.intp] | slice":
        """Return which of `length` tokens stay: the special tokens around the text, and the part of it that fits."""
        import numpy as np

        if length <= self.max_length:
            return slice(None)
        room = self.max_length - self._before - self._after
        head = {"head": room, "tail": 0, "head_tail": room // _HEAD_SHARE}[self.truncation]
        from_end = length - self._after - (room - head)
        return np.concatenate((np.arange(self._before + head), np.arange(from_end, length)))


def prepare_tokenizer(tokenizer: "PreTrainedTokenizerFast", *, clean: bool) -> "PreTrainedTokenizerFast":
    """Return a copy of a pretrained tokenizer that cleans texts itself and neither cuts nor pads on its own.

    The copy is of the general class that keeps its normalizer when it is saved and loaded; a model's own class
    (`BertTokenizer`) builds a new one and would lose the cleaning.

    Args:
        tokenizer: Any tokenizer backed by the `tokenizers` package.
        clean: Put the cleaning rules before the tokenizer's own normalizer.
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

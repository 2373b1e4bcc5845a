"""Tokenization, truncation and padding, shared by training and inference."""

from collections.abc import Iterator, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.labels import Labelled, Texts
from imdb_sentiment.errors import ModelError
from imdb_sentiment.models.encoded import EncodedText, ModelInputs, window_starts
from imdb_sentiment.runtime.huggingface import describe_fault, is_fault
from imdb_sentiment.runtime.progress import progress_bar

if TYPE_CHECKING:
    import datasets
    import torch
    from tokenizers import Encoding, Tokenizer
    from transformers import PreTrainedTokenizerFast

__all__ = [
    "LongTexts",
    "Span",
    "TextEncoder",
    "Truncation",
    "labelled_texts",
    "padded_length",
    "texts_of",
]

Truncation = Literal["head", "tail", "head_tail"]
LongTexts = Literal["truncate", "windows"]


_COLUMNS = {"input_ids": "ids", "token_type_ids": "type_ids", "attention_mask": "attention_mask"}
_CHUNK = 1000
_MAX_CHARACTERS = 2**18
"""Characters at the start and the end of a text that are tokenized; no model reads more."""

_SHORT = 64
_HEAD_SHARE = 4  # head+tail keeps a quarter from the start, close to the 128 of 512 of Sun et al. (2019)


class Span(NamedTuple):
    """Where a token begins."""

    part: int
    """0, or 1 in the second text of a pair."""

    start: int
    """Position of its first character in the original text."""


class TextEncoder:
    """Encodes texts, with truncation and padding.

    Args:
        tokenizer: A tokenizer from `prepare_tokenizer`.
        max_length: Longest input in tokens, special tokens included.
        truncation: Part of longer texts to keep; see `FineTuneConfig.truncation`.
        long_texts: How longer texts are scored; see `FineTuneConfig.long_texts`.
    """

    def __init__(
        self,
        tokenizer: "PreTrainedTokenizerFast",
        *,
        max_length: int,
        truncation: Truncation,
        long_texts: LongTexts = "truncate",
    ) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.truncation = truncation
        self.long_texts = long_texts

    def encode(self, texts: Texts, *, description: str | None = "tokenizing") -> list[EncodedText]:
        """Encode texts or pairs in order, with a progress bar after two seconds.

        Of a pair above `max_length`, the longer text is truncated until both are of equal length, then both are.
        Without a description there is no bar.
        """
        if description is None:
            return list(self._encode_chunk(texts))
        encoded: list[EncodedText] = []
        with progress_bar(description, total=len(texts), unit="text") as bar:
            for start in range(0, len(texts), _CHUNK):
                encoded += self._encode_chunk(texts[start : start + _CHUNK])
                bar.update(min(_CHUNK, len(texts) - start))
        return encoded

    def inputs(self, texts: Texts) -> ModelInputs:
        """Return what a model reads of texts or pairs, in order.

        A long text is one input, truncated, or several windows, as `long_texts` says; a long pair is always truncated.
        """
        if self.long_texts == "truncate":
            return ModelInputs.of([[text] for text in self._encode_chunk(texts)])
        return ModelInputs.of([self._windows(text, encoding) for text, encoding in self._tokenize(texts)])

    def spans(self, text: str | tuple[str, str]) -> list[list[Span | None]]:
        """Return the position of each token of each input of a text or pair; None for special tokens."""
        (encoding,) = self.tokenizer.backend_tokenizer.encode_batch([text])
        spans = [
            None if part is None else Span(part, start)
            for part, (start, _) in zip(encoding.sequence_ids, encoding.offsets, strict=True)
        ]
        if len(spans) <= self.max_length:
            return [spans]
        if self.long_texts == "truncate" or not isinstance(text, str):
            return [[spans[i] for i in np.flatnonzero(self._kept(encoding)).tolist()]]
        return [[spans[i] for i in kept.tolist()] for kept in self._kept_in_windows(encoding)]

    def cut_at(self, max_length: int) -> "TextEncoder":
        """Return the same encoder with another longest input."""
        other = copy(self)
        other.max_length = max_length
        return other

    def reading(self, long_texts: LongTexts) -> "TextEncoder":
        """Return the same encoder that reads long texts in another way."""
        other = copy(self)
        other.long_texts = long_texts
        return other

    def stack(self, batch: Sequence[EncodedText], *, pad_to: int | None = None) -> dict[str, NDArray[np.int64]]:
        """Stack encoded texts, padded to the longest of them or to `pad_to` tokens.

        Returns:
            Model input names to arrays of shape (batch, tokens).
        """
        shape = len(batch), max(pad_to or 0, *(text.length for text in batch), 0)
        if shape == (1, batch[0].length):  # fast path for a single text, without padding
            return {name: values[None].astype(np.int64) for name, values in batch[0].inputs.items()}
        left = self.tokenizer.padding_side == "left"
        padding = {"input_ids": self.tokenizer.pad_token_id, "token_type_ids": self.tokenizer.pad_token_type_id}
        stacked = {}
        for name in batch[0].inputs:
            stacked[name] = np.full(shape, padding.get(name, 0), dtype=np.int64)
            for row, text in zip(stacked[name], batch, strict=True):
                row[-text.length if left else 0 :][: text.length] = text.inputs[name]
        return stacked

    def pad(self, batch: Sequence[EncodedText], *, pad_to: int | None = None) -> "dict[str, torch.Tensor]":
        """Return the result of `stack` as tensors."""
        import torch

        return {name: torch.from_numpy(rows) for name, rows in self.stack(batch, pad_to=pad_to).items()}

    def _encode_chunk(self, texts: Texts) -> Iterator[EncodedText]:
        for _, encoding in self._tokenize(texts):
            yield self._truncated(encoding)

    def _tokenize(self, texts: Texts) -> "Iterator[tuple[Any, Encoding]]":
        shortened = [self._shortened(text) for text in texts]
        return zip(texts, _tokenized(self.tokenizer.backend_tokenizer, shortened), strict=True)

    def _truncated(self, encoding: "Encoding") -> EncodedText:
        columns = self._columns(encoding)
        if len(encoding) <= self.max_length:
            return EncodedText(columns, truncated=False)
        kept = self._kept(encoding)
        return EncodedText({name: values[kept] for name, values in columns.items()}, truncated=True)

    def _windows(self, text: Any, encoding: "Encoding") -> list[EncodedText]:
        if not isinstance(text, str) or len(encoding) <= self.max_length:
            return [self._truncated(encoding)]
        columns, truncated = self._columns(encoding), len(text) > 2 * _MAX_CHARACTERS
        return [
            EncodedText({name: values[kept] for name, values in columns.items()}, truncated=truncated)
            for kept in self._kept_in_windows(encoding)
        ]

    def _kept_in_windows(self, encoding: "Encoding") -> Iterator[NDArray[np.int64]]:
        """Yield the positions of the tokens of each window: all special tokens, and a part of the text."""
        own = np.array([part is not None for part in encoding.sequence_ids])
        start, tokens = int(own.argmax()), int(own.sum())
        room, special = self.max_length - (len(own) - tokens), np.flatnonzero(~own)
        for first in window_starts(tokens, room):
            of_text = start + first + np.arange(room)
            yield np.concatenate([special[special < start], of_text, special[special > start]])

    def _columns(self, encoding: "Encoding") -> dict[str, NDArray[np.int32]]:
        names = [name for name in self.tokenizer.model_input_names if name in _COLUMNS]
        return {name: np.asarray(getattr(encoding, _COLUMNS[name]), dtype=np.int32) for name in names}

    def _shortened(self, text: Any) -> Any:
        """Remove the middle of a very long text, which is truncated anyway, to save memory."""
        if not isinstance(text, str):
            return tuple(map(self._shortened, text))
        if len(text) <= 2 * _MAX_CHARACTERS:
            return text
        head, tail = text[:_MAX_CHARACTERS], text[-_MAX_CHARACTERS:]
        # cut between words
        return f"{head.rpartition(' ')[0] or head} {tail.partition(' ')[2] or tail}"

    def _kept(self, encoding: "Encoding") -> NDArray[np.bool_]:
        """Mark the tokens to keep: all special tokens, and as much of the texts as fits."""
        text_of = encoding.sequence_ids  # None for special tokens
        lengths = [text_of.count(text) for text in range(encoding.n_sequences)]
        shares = _shares(lengths, self.max_length - text_of.count(None))
        keep = np.ones(len(text_of), dtype=np.bool_)
        for text, (length, share) in enumerate(zip(lengths, shares, strict=True)):
            if length > share:
                head = {"head": share, "tail": 0, "head_tail": share // _HEAD_SHARE}[self.truncation]
                start = text_of.index(text)
                keep[start + head : start + length - (share - head)] = False
        return keep


def _tokenized(tokenizer: "Tokenizer", texts: Texts) -> "list[Encoding]":
    try:
        if len(texts) == 1:  # a batch starts threads, which is slower for a single text
            (text,) = texts
            return [tokenizer.encode(text) if isinstance(text, str) else tokenizer.encode(*text)]
        encodings: list[Encoding] = tokenizer.encode_batch_fast(list(texts))  # without offsets
    except BaseException as error:
        if not is_fault(error) or isinstance(error, MemoryError):
            raise
        raise ModelError("the tokenizer of the model fails at a text", found=describe_fault(error)) from error
    return encodings


def padded_length(tokens: int, limit: int) -> int:
    """Return the padded length of a batch: a multiple of 8 up to 64, of 32 above.

    Few distinct shapes save memory and time: matmul libraries cache a kernel for each shape, and the allocator can
    reuse blocks.
    """
    step = 8 if tokens <= _SHORT else 32
    return min(limit, -(-tokens // step) * step)


def texts_of(rows: "datasets.Dataset") -> Texts:
    """Return the texts of a split, or its pairs if it has a column `text_pair`."""
    if "text_pair" not in rows.column_names:
        texts: Sequence[str] = rows["text"]
        return texts
    return list(zip(rows["text"], rows["text_pair"], strict=True))


def labelled_texts(rows: "datasets.Dataset") -> Labelled:
    """Return the texts and labels of a split."""
    return Labelled(texts_of(rows), rows["label"])


def _shares(lengths: Sequence[int], room: int) -> list[int]:
    """Divide `room` tokens between one or two longer texts, as `longest_first` of transformers does."""
    if len(lengths) == 1:
        return [room]
    shorter = min(*lengths, room // 2)
    return [shorter, room - shorter] if lengths[0] <= lengths[1] else [room - shorter, shorter]

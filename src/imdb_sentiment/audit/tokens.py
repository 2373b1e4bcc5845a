"""Measure texts with a model's tokenizer: lengths and unknown tokens."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.audit.finding_codes import find
from imdb_sentiment.audit.sampling import read_texts
from imdb_sentiment.audit.vocabulary import find_mismatch
from imdb_sentiment.data.cleaning import divide
from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.audit import Finding, TokenLengths

if TYPE_CHECKING:
    from imdb_sentiment.data.inspection import Rows
    from imdb_sentiment.models.tokenization import TextEncoder

__all__ = ["measure_tokens"]

_LIMITS = (128, 256, 512)
_MANY_UNKNOWN = 0.01
# limits of one tokenizer call, which needs some 50 bytes per token
_CHUNK_TEXTS = 1000
_CHUNK_CHARS = 1 << 22
_PART_CHARS = 1 << 18


class _Counts(NamedTuple):
    """Token counts of the rows of a split; int64 of shape (n,) each."""

    lengths: NDArray[np.int64]
    """Including special tokens."""

    unknown: NDArray[np.int64]


def measure_tokens(
    parts: "Mapping[str, Rows]", encoder: "TextEncoder", model_name: str
) -> tuple[TokenLengths | None, list[Finding]]:
    """Count the tokens of the rows.

    Returns:
        The lengths over all splits, None without rows; and the findings.
    """
    counts = {split: _count_tokens(rows, encoder) for split, rows in parts.items()}
    lengths = np.concatenate([count.lengths for count in counts.values()])
    unknown = sum(int(count.unknown.sum()) for count in counts.values())
    if not len(lengths):
        return None, []
    paired = any("text_pair" in rows.raw.table.column_names for rows in parts.values())
    special = encoder.tokenizer.num_special_tokens_to_add(pair=paired)
    own = int((lengths - special).sum())
    measured = TokenLengths(
        model=model_name,
        rows=len(lengths),
        mean=float(lengths.mean()),
        median=float(np.median(lengths)),
        longest=int(lengths.max()),
        truncated={str(limit): float((lengths > limit).mean()) for limit in _LIMITS},
        unknown=unknown / own if own else 0.0,
    )
    findings: list[Finding] = []
    for split, count in counts.items():
        findings += _find_tokens(split, parts[split], count, special)
    return measured, [*findings, *find_mismatch(parts, encoder.tokenizer)]


def _find_tokens(split: str, rows: "Rows", count: _Counts, special: int) -> Iterator[Finding]:
    def found(code: str, mask: NDArray[np.bool_], what: str) -> Finding:
        numbers = rows.positions[mask] + 1
        return find(code, rows.raw, split, numbers.tolist(), f"{count_rows(len(numbers))} of {split} {what}")

    for limit in _LIMITS:
        longer = count.lengths > limit
        if longer.any():
            yield found(f"truncated_at_{limit}", longer, f"({longer.mean():.1%}) have more than {limit} tokens")
    own = int((count.lengths - special).sum())
    unknown = int(count.unknown.sum())
    if unknown >= _MANY_UNKNOWN * own > 0:
        share = f"{unknown / own:.1%} of all tokens"
        yield found("unknown_tokens", count.unknown > 0, f"contain unknown tokens, {share}")
    empty = count.lengths <= special
    if empty.any():
        yield found("no_tokens", empty, "give special tokens only")


def _count_tokens(rows: "Rows", encoder: "TextEncoder") -> _Counts:
    backend, unknown_id = encoder.tokenizer.backend_tokenizer, encoder.tokenizer.unk_token_id
    lengths: list[int] = []
    unknown: list[int] = []
    for texts in read_texts(rows, "counting tokens"):
        for chunk in _divide(texts):
            if len(chunk) == 1 and sum(map(len, chunk[0])) > _CHUNK_CHARS:
                length, count = _count_long(chunk[0], encoder)
                lengths.append(length)
                unknown.append(count)
                continue
            inputs = [pair if len(pair) == 2 else pair[0] for pair in chunk]
            for encoding in backend.encode_batch_fast(inputs):
                ids = encoding.ids
                lengths.append(len(ids))
                unknown.append(ids.count(unknown_id))
    return _Counts(np.array(lengths, dtype=np.int64), np.array(unknown, dtype=np.int64))


def _count_long(texts: tuple[str, ...], encoder: "TextEncoder") -> tuple[int, int]:
    """Count the tokens and unknown tokens of a long row in parts."""
    length, unknown = encoder.tokenizer.num_special_tokens_to_add(pair=len(texts) == 2), 0
    for part in (part for text in texts for part in divide(text, _PART_CHARS)):
        for start in range(0, len(part), _CHUNK_CHARS):
            some = part[start : start + _CHUNK_CHARS]
            ids = encoder.tokenizer.backend_tokenizer.encode(some, add_special_tokens=False).ids
            length += len(ids)
            unknown += ids.count(encoder.tokenizer.unk_token_id)
    return length, unknown


def _divide(texts: Sequence[tuple[str, ...]]) -> Iterator[Sequence[tuple[str, ...]]]:
    """Divide texts into chunks with a bounded number of characters; a longer text is a chunk of its own."""
    start = chars = 0
    for i, pair in enumerate(texts):
        length = sum(map(len, pair))
        if i > start and (chars + length > _CHUNK_CHARS or i - start == _CHUNK_TEXTS):
            yield texts[start:i]
            start, chars = i, 0
        chars += length
    if start < len(texts):
        yield texts[start:]

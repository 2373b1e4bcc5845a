"""Inspect rows for splits, folds and the audit: validity, label, text key and group."""

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.cleaning import key_of_normalised, normalise
from imdb_sentiment.data.near_duplicates import MinHashIndex, number_components
from imdb_sentiment.data.raw_rows import RawRows
from imdb_sentiment.errors import DataError
from imdb_sentiment.runtime.messages import Advice, Setting
from imdb_sentiment.runtime.progress import progress_bar

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["InspectedRows", "Invalid", "Rows", "inspect_rows", "join_groups", "number_equal"]

Invalid = Mapping[str, Sequence[int]]
"""Numbers, from 1, of the unusable rows by reason."""

_VALID = "a text and a label in each row"
_NO_TIE = bytes(8)


def number_equal(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Number rows by their keys of two words, shape (n, 2), so that equal keys get equal numbers."""
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    ordered = keys[order]
    is_new = np.ones(len(keys), dtype=bool)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    numbers = np.empty(len(keys), dtype=np.int64)
    numbers[order] = np.cumsum(is_new) - 1
    return numbers


def join_groups(
    same: NDArray[np.int64], near: NDArray[np.int64], ties: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Join the rows of equal texts to larger groups.

    Args:
        same: Number of each row's text, shape (n,).
        near: Pairs of rows, shape (m, 2).
        ties: One word per row, shape (n,); 0 for a row without a group.

    Returns:
        `near` and `tied` of `Rows`.
    """
    texts = int(same.max(initial=-1)) + 1
    tied_rows = np.flatnonzero(ties)
    _, tie = np.unique(ties[tied_rows], return_inverse=True)
    # each value of the group column is one more node, linked to the texts of its rows
    links = np.column_stack((same[tied_rows], texts + tie))
    by_text = number_components(same[near].T, texts)
    by_tie = number_components(np.concatenate((same[near], links)).T, texts + int(tie.max(initial=-1)) + 1)
    return by_text[same], by_tie[same]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Usable rows of one split, as parallel arrays.

    Attributes:
        raw: The rows of the source.
        positions: Positions in `raw`, from 0, ascending; int64 of shape (n,).
        labels: Indices of labels; int64 of shape (n,).
        keys: `text_key` of each text, as two big-endian words; uint64 of shape (n, 2).
        digests: Hash of each text as it is, to tell spellings apart; uint64 of shape (n,).
        same: Group of equal normalised texts, numbered across all splits like the next two; int64 of shape (n,).
        near: Group of equal and near-duplicate texts.
        tied: Group of rows that are never split: as `near`, or by the group column.
    """

    raw: RawRows
    positions: NDArray[np.int64]
    labels: NDArray[np.int64]
    keys: NDArray[np.uint64]
    digests: NDArray[np.uint64]
    same: NDArray[np.int64]
    near: NDArray[np.int64]
    tied: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.positions)

    def where(self, keep: NDArray[np.bool_]) -> "Rows":
        """Return the rows selected by a mask of shape (n,), in order."""
        arrays = ("positions", "labels", "keys", "digests", "same", "near", "tied")
        return replace(self, **{name: getattr(self, name)[keep] for name in arrays})


class InspectedRows(NamedTuple):
    """The inspected rows of a source."""

    parts: Mapping[str, Rows]
    """The usable rows of each split; their labels index `label_values`."""

    invalid: Mapping[str, Invalid]
    """The unusable rows of each split."""

    label_values: tuple[str, ...]
    """Each distinct label, as spelled in the source."""


def inspect_rows(splits: Mapping[str, RawRows], config: "DataConfig", *, check: bool = True) -> InspectedRows:
    """Find the usable rows, and their duplicates and near duplicates.

    Args:
        splits: The rows of each split.
        config: Decides whether near duplicates are searched for.
        check: Refuse unusable rows as `config.invalid_rows` demands, before texts are compared.

    Raises:
        DataError: There are unusable rows that are not to be left out, or no usable ones.
        MissingExtraError: Near-duplicate detection is on and its extra is not installed.
    """
    vocabulary: dict[str, int] = {}
    with ExitStack() as stack:
        index = stack.enter_context(MinHashIndex()) if config.near_duplicates == "group" else None
        scanned = {split: _scan(rows, vocabulary, index) for split, rows in splits.items()}
        for split, part in scanned.items():
            if check:
                _refuse_invalid(splits[split], part.invalid, config)
        same = number_equal(np.concatenate([part.keys for part in scanned.values()]))
        fetch = partial(_normalised_at, [(splits[split], part.positions) for split, part in scanned.items()])
        pairs = index.pairs(same, fetch) if index else np.empty((0, 2), dtype=np.int64)
    groups = (same, *join_groups(same, pairs, np.concatenate([part.ties for part in scanned.values()])))
    parts: dict[str, Rows] = {}
    start = 0
    for split, part in scanned.items():
        here = slice(start, start + len(part.positions))
        parts[split] = Rows(splits[split], *part[:4], *(numbers[here] for numbers in groups))
        start = here.stop
    return InspectedRows(parts, {split: part.invalid for split, part in scanned.items()}, tuple(vocabulary))


def _refuse_invalid(rows: RawRows, invalid: Invalid, config: "DataConfig") -> None:
    """Check that some rows are usable, and all of them unless `config.invalid_rows` allows others."""
    numbers = sorted(chain.from_iterable(invalid.values()))
    found = "; ".join(f"{reason} in {rows.locate(numbers)}" for reason, numbers in invalid.items())
    if len(numbers) == len(rows):
        summary = f"{rows.origin} has no rows that can be used"
        raise DataError(summary, found=found or "no rows at all", expected=_VALID, rows=numbers)
    if numbers and config.invalid_rows == "error":
        raise DataError(
            f"{rows.origin} has rows that cannot be used",
            found=found,
            expected=_VALID,
            hint=Advice("correct the rows, or leave them out: ", Setting("invalid_rows", "drop", "DataConfig")),
            rows=numbers,
        )


class _ScannedRows(NamedTuple):
    """The usable rows of one split as in `Rows`, and the unusable ones."""

    positions: NDArray[np.int64]
    labels: NDArray[np.int64]
    keys: NDArray[np.uint64]
    digests: NDArray[np.uint64]
    ties: NDArray[np.uint64]
    """Hash of the value of the group column; 0 for none."""

    invalid: Invalid


def _scan(raw: RawRows, vocabulary: dict[str, int], index: MinHashIndex | None) -> _ScannedRows:
    positions, labels = array("q"), array("q")
    keys, digests, ties = bytearray(), bytearray(), bytearray()
    invalid: dict[str, list[int]] = {}
    not_text = set(raw.not_text)
    number = 0
    with progress_bar("checking rows", total=len(raw), unit="row") as bar:
        for batch in raw.batches():
            columns = batch.to_pydict()
            nothing = [None] * len(batch)
            seconds, groups = (columns.get(name, nothing) for name in ("text_pair", "group"))
            compared: list[str] = []
            for text, second, label, group in zip(columns["text"], seconds, columns["label"], groups, strict=True):
                number += 1
                normalised = "" if text is None else normalise(text, second)
                if reason := _invalid_reason(number in not_text, text, normalised, label):
                    invalid.setdefault(reason, []).append(number)
                    continue
                positions.append(number - 1)
                labels.append(vocabulary.setdefault(label, len(vocabulary)))
                keys += key_of_normalised(normalised)
                digests += _digest(text if second is None else f"{text}\0{second}")
                ties += _digest(group) if group else _NO_TIE
                compared.append(normalised)
            if index:
                index.add(compared)
            bar.update(len(batch))
    return _ScannedRows(
        np.frombuffer(positions, dtype=np.int64),
        np.frombuffer(labels, dtype=np.int64),
        _words(keys).reshape(-1, 2),
        _words(digests),
        _words(ties),
        invalid,
    )


def _invalid_reason(no_text: bool, text: str | None, normalised: str, label: str | None) -> str | None:
    if no_text:
        return "text is not a string"
    if text is None:
        return "text is null"
    if not normalised:
        return "text is blank"
    return "label is null" if label is None else None


def _words(content: bytearray) -> NDArray[np.uint64]:
    return np.frombuffer(content, dtype=">u8").astype(np.uint64)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def _normalised_at(parts: Sequence[tuple[RawRows, NDArray[np.int64]]], places: NDArray[np.int64]) -> list[str]:
    """Look up normalised texts by their indices among the usable rows of all parts."""
    starts = np.cumsum([0, *(len(positions) for _, positions in parts)])
    texts = [""] * len(places)
    part_of = np.searchsorted(starts, places, side="right") - 1
    for part, (raw, positions) in enumerate(parts):
        chosen = np.flatnonzero(part_of == part)
        found = raw.texts_at(positions[places[chosen] - starts[part]])
        for i, text in zip(chosen.tolist(), found, strict=True):
            texts[i] = normalise(*text)
    return texts

"""Find texts that occur repeatedly: within a split, in two splits, or with two labels."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.audit.finding_codes import SPLIT_PAIRS, find, find_across, name_row, say_rows
from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.audit import Finding

if TYPE_CHECKING:
    from imdb_sentiment.data.inspection import Rows

__all__ = ["find_conflicts", "find_duplicates", "find_overlaps"]

_HOW = {"exact": "character for character", "normalised": "after normalisation", "near": "with small changes"}


def find_duplicates(parts: "Mapping[str, Rows]") -> list[Finding]:
    """Find rows that repeat an earlier row of their split; each row counts once, for its closest kind of match."""
    findings = []
    for split, rows in parts.items():
        new_digest, new_same, new_near = (_is_first(numbers) for numbers in (rows.digests, rows.same, rows.near))
        for kind, mask, numbers in (
            ("exact", ~new_digest, rows.digests),
            ("normalised", new_digest & ~new_same, rows.same),
            ("near", new_same & ~new_near, rows.near),
        ):
            if not mask.any():
                continue
            repeated = rows.positions[mask] + 1
            original = rows.positions[numbers == numbers[mask][0]][0] + 1
            example = f"{name_row(rows.raw, repeated[0])} and {name_row(rows.raw, original)}"
            repeat = say_rows(len(repeated), split, "repeats", "repeat")
            summary = f"{repeat} an earlier row, {_HOW[kind]} ({example})"
            findings.append(find(f"duplicates_{kind}", rows.raw, split, repeated.tolist(), summary))
    return findings


def find_overlaps(parts: "Mapping[str, Rows]", group_column: str | None) -> list[Finding]:
    """Find rows of one split that also occur in another; each row counts once per pair of splits."""
    findings = []
    for first, second in SPLIT_PAIRS:
        if first not in parts or second not in parts:
            continue
        rows, others = parts[first], parts[second]
        clear = np.ones(len(rows), dtype=bool)
        for kind, numbers, there in (
            ("exact", rows.digests, others.digests),
            ("normalised", rows.same, others.same),
            ("near", rows.near, others.near),
            ("group", rows.tied, others.tied),
        ):
            mask = clear & np.isin(numbers, there)
            clear &= ~mask
            if not mask.any():
                continue
            found = rows.positions[mask] + 1
            twin = others.positions[there == numbers[mask][0]][0] + 1
            how = f"in {second} too, {_HOW[kind]}" if kind in _HOW else f"tied to rows of {second} by {group_column}"
            example = f"{name_row(rows.raw, found[0])} and there {name_row(others.raw, twin)}"
            summary = f"{say_rows(len(found), first, 'is', 'are')} {how} ({example})"
            findings.append(find(f"overlap_{kind}_{first}_{second}", rows.raw, first, found.tolist(), summary))
    return findings


def find_conflicts(parts: "Mapping[str, Rows]", classes: Mapping[str, NDArray[np.int64]]) -> list[Finding]:
    """Find rows whose normalised text has two labels in the source."""
    same = np.concatenate([rows.same for rows in parts.values()])
    labels = np.concatenate([classes[split] for split in parts])
    texts, group_of = np.unique(same, return_inverse=True)
    kinds = labels.max(initial=0) + 1
    text_of_each_label = np.unique(group_of * kinds + labels) // kinds
    has_two = np.bincount(text_of_each_label, minlength=len(texts)) > 1
    in_conflict = has_two[group_of]
    ends = np.cumsum([len(rows) for rows in parts.values()])[:-1]
    masks = dict(zip(parts, np.split(in_conflict, ends), strict=True))
    number, rows = int(has_two.sum()), int(in_conflict.sum())
    have = "text has" if number == 1 else "texts have"
    summary = f"{number:,} {have} different labels, in {count_rows(rows)}"
    return find_across("conflicting_labels", parts, masks, summary)


def _is_first(numbers: NDArray[np.int64] | NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Mark the first occurrence of each number."""
    mask = np.zeros(len(numbers), dtype=bool)
    mask[np.unique(numbers, return_index=True)[1]] = True
    return mask

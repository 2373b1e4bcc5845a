"""Seeded selection of rows: whole groups for splits and folds, single rows for stratified samples."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.inspection import Rows
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.errors import DataError
from imdb_sentiment.runtime.messages import Advice, Setting, list_counts
from imdb_sentiment.runtime.process_wide import WARNINGS_LOCK

__all__ = ["assign_folds", "class_counts", "group_keys", "hash_order", "split_off", "stratified_sample"]


def split_off(rows: Rows, fraction: float, seed: int, name: str, names: LabelNames) -> tuple[Rows, Rows]:
    """Split off about `fraction` of each class, moving whole groups.

    Returns:
        The rows split off, and the rest.

    Raises:
        DataError: Either part would lack a class.
    """
    keys, group_of = group_keys(rows)
    sizes = np.zeros((len(keys), 2), dtype=np.int64)
    np.add.at(sizes, (group_of, rows.labels), 1)
    totals = np.bincount(rows.labels, minlength=2).tolist()
    quotas = [max(1, round(fraction * total)) for total in totals]
    missing = list(quotas)
    chosen = np.zeros(len(keys), dtype=bool)
    order = np.argsort(hash_order(keys, seed, name), kind="stable")
    for group in order.tolist():
        after = [lacking - size for lacking, size in zip(missing, sizes[group].tolist(), strict=True)]
        if abs(after[0]) + abs(after[1]) < abs(missing[0]) + abs(missing[1]):
            missing = after
            chosen[group] = True
            if missing == [0, 0]:
                break
    if any(quotas[label] - missing[label] in (0, totals[label]) for label in (0, 1)):
        raise _too_few(rows, len(keys), fraction, name, names)
    inside = chosen[group_of]
    return rows.where(inside), rows.where(~inside)


def stratified_sample(rows: Rows, size: int, seed: int, names: LabelNames) -> Rows:
    """Draw `size` rows, stratified by class; a larger size draws a superset.

    Raises:
        DataError: There are fewer rows, or a class would get none.
    """
    if size > len(rows):
        found = f"{len(rows):,} training rows"
        raise DataError(
            f"max_train_samples={size:,} exceeds the number of training rows",
            found=found,
            hint=Advice(Setting("max_train_samples", len(rows), "DataConfig")),
        )
    positives = round(size * int(rows.labels.sum()) / len(rows))
    quotas = {0: size - positives, 1: positives}
    if 0 in quotas.values():
        found = list_counts(class_counts(rows, names))
        raise DataError(
            f"max_train_samples={size:,} leaves one class without rows", found=found, hint="a larger number"
        )
    # the digest breaks ties between spellings of one key, so that the order of the rows does not matter
    order = np.lexsort((rows.digests, hash_order(rows.keys, seed, "limit")))
    chosen = np.zeros(len(rows), dtype=bool)
    for label, quota in quotas.items():
        chosen[order[rows.labels[order] == label][:quota]] = True
    return rows.where(chosen)


def class_counts(rows: Rows, names: Sequence[str]) -> dict[str, int]:
    """Count the rows of each label."""
    return dict(zip(names, np.bincount(rows.labels, minlength=2).tolist(), strict=True))


def hash_order(keys: NDArray[np.uint64], seed: int, purpose: str) -> NDArray[np.uint64]:
    """Hash each text to its place in a pseudo-random order.

    Args:
        keys: Text keys, shape (n, 2).
        seed: Seed of the order.
        purpose: Makes the orders for different purposes independent.

    Returns:
        One 64-bit word per text, shape (n,).
    """
    content = keys.astype(">u8").tobytes()
    key, person = seed.to_bytes(8, "big"), purpose.encode()
    words = bytearray()
    for start in range(0, len(content), 16):
        words += hashlib.blake2b(content[start : start + 16], digest_size=16, key=key, person=person).digest()[:8]
    return np.frombuffer(words, dtype=">u8").astype(np.uint64)


def group_keys(rows: Rows) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the smallest key of each tied group, which does not depend on the order of the rows.

    Returns:
        Keys, shape (groups, 2), and the group index of each row, shape (n,).
    """
    order = np.lexsort((rows.keys[:, 1], rows.keys[:, 0], rows.tied))
    _, first, inverse = np.unique(rows.tied[order], return_index=True, return_inverse=True)
    group_of = np.empty(len(rows), dtype=np.int64)
    group_of[order] = inverse
    return rows.keys[order][first], group_of


def _too_few(rows: Rows, groups: int, fraction: float, name: str, names: LabelNames) -> DataError:
    counts = list_counts(class_counts(rows, names))
    texts = len(np.unique(rows.same))
    together = (
        f", in {groups:,} group{'s that stay' if groups > 1 else ' that stays'} together" if groups < texts else ""
    )
    hint = f"more rows, or another {name}_fraction"
    if len(np.unique(rows.near)) < texts:
        hint += "; near_duplicates='ignore' lets near duplicates be split"
    return DataError(
        f"there are too few rows to hold out a {name} split",
        found=f"{counts} rows; different texts: {texts:,}{together}",
        expected=f"enough of each class that {fraction:.0%} of it is at least one row, and some remain",
        hint=hint,
    )


@WARNINGS_LOCK
def assign_folds(rows: Rows, folds: int, seed: int, names: LabelNames) -> NDArray[np.int64]:
    """Assign each row to a fold, from 0, with scikit-learn's `StratifiedGroupKFold`.

    Raises:
        DataError: A fold would lack a class.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    keys, group_of = group_keys(rows)
    rank = np.empty(len(keys), dtype=np.int64)
    rank[np.argsort(hash_order(keys, seed, "folds"), kind="stable")] = np.arange(len(keys))
    groups = rank[group_of]  # numbered independently of the order of the rows
    least = min(len(np.unique(groups[rows.labels == label])) for label in (0, 1))
    if least < folds:
        raise _too_few_for_folds(rows, folds, least, names)
    fold_of = np.empty(len(rows), dtype=np.int64)
    splitter = StratifiedGroupKFold(n_splits=folds)
    for fold, (_, held_out) in enumerate(splitter.split(np.zeros(len(rows)), rows.labels, groups)):
        fold_of[held_out] = fold
    if any(0 in np.bincount(rows.labels[fold_of == fold], minlength=2) for fold in range(folds)):
        raise _too_few_for_folds(rows, folds, least, names)
    return fold_of


def _too_few_for_folds(rows: Rows, folds: int, groups: int, names: LabelNames) -> DataError:
    counts = list_counts(class_counts(rows, names))
    return DataError(
        f"there are too few rows for {folds} folds",
        found=f"{counts} rows; groups of rows that stay together, in one of the labels: {groups:,}",
        expected="rows of both labels in each fold",
        hint="fewer folds, or more rows",
    )

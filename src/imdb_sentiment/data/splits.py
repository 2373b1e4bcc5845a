"""Divide labelled rows into train, validation and test without leaks.

Rows form groups: texts that are equal after normalisation (case, white space, HTML breaks, invisible characters), near
duplicates, and rows with a common value in a group column. Each group stays in one split. Groups are ordered by a keyed
hash of their text and taken from the front until each class has its share. So the result is stratified, depends on the
seed, and does not depend on the order of the rows or the file format.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imdb_sentiment.data.data_like import DataSplits
from imdb_sentiment.data.inspection import InspectedRows, Rows, inspect_rows
from imdb_sentiment.data.labels import Labelling, LabelNames, resolve_labels
from imdb_sentiment.data.near_duplicates import require_rensa
from imdb_sentiment.data.raw_rows import RawData
from imdb_sentiment.data.sampling import assign_folds, class_counts, split_off, stratified_sample
from imdb_sentiment.data.slices import slices_of_rows
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.errors import DataError
from imdb_sentiment.results.splits import LeftOut, SplitSummary
from imdb_sentiment.runtime.messages import list_counts, quote

if TYPE_CHECKING:
    import datasets

    from imdb_sentiment.config import DataConfig

__all__ = [
    "LoadedSplits",
    "divide",
    "drop_overlap",
    "fingerprint",
    "finish",
    "given_splits",
    "hold_out",
    "invalid_left_out",
    "label_rows",
    "limit_rows",
    "load_checked",
    "load_splits",
]

_LABELS_LOCATED = 3
_FOLDS = 5
_TEST_FRACTION = 0.2
_MIN_ROWS_FOR_TEST = 500
"""A fifth of fewer rows is below 100, on which an accuracy of 80 % is known only to within 8 points."""


class LoadedSplits(NamedTuple):
    """Splits, and the source that they were made from."""

    splits: DataSplits
    names: LabelNames
    source: tuple[RawData, InspectedRows] | None
    """The raw and the inspected rows; None if only the splits are known."""

    train_positions: NDArray[np.int64]
    """Position of each training row in the training split of the source, from 0, shape (n,)."""


def given_splits(splits: DataSplits) -> LoadedSplits:
    """Check splits that the caller made.

    Raises:
        DataError: A split lacks a column or a class.
    """
    names = getattr(splits.train.features.get("label"), "names", None) or ()
    for split in ("train", "validation", "test"):
        rows = getattr(splits, split)
        if "text" not in rows.column_names or getattr(rows.features.get("label"), "names", None) != names:
            expected = "columns text and label, the label a ClassLabel of the same two names in each split"
            raise DataError(f"the {split} split cannot be used", found=str(rows.features), expected=expected)
        spared = bool(splits.folds) and split != "train" and not len(rows)
        if len(names) != 2 or (len(set(rows["label"])) != 2 and not spared):
            raise DataError(f"the {split} split lacks a class", expected="rows of two labels")
    return LoadedSplits(splits, LabelNames(*names), None, np.arange(len(splits.train)))


def load_splits(config: "DataConfig", data: object = None, *, cross_below: int = 0) -> LoadedSplits:
    """Load a source and divide it; see `load_checked` and `divide`."""
    raw = load_checked(config, data)
    inspected = inspect_rows(raw.splits, config)
    splits, names, positions = divide(raw, inspected, config, cross_below=cross_below)
    return LoadedSplits(splits, names, (raw, inspected), positions)


def load_checked(config: "DataConfig", data: object = None) -> RawData:
    """Load a source and check that it has training rows.

    Raises:
        DataError: The source cannot be used as it is.
        HubUnavailableError: The source is on the hub, and the hub did not answer.
        MissingExtraError: Near-duplicate detection is on and its extra is not installed.
    """
    if config.near_duplicates == "group":
        require_rensa()  # before the source is read, which may take long
    raw = load_source(config, data)
    if "train" not in raw.splits:
        found = f"splits {', '.join(raw.splits)}"
        raise DataError(f"{raw.origin} has no training rows", found=found, expected="a split train")
    return raw


def divide(
    raw: RawData, inspected: InspectedRows, config: "DataConfig", *, cross_below: int = 0
) -> tuple[DataSplits, LabelNames, NDArray[np.int64]]:
    """Divide inspected rows; return the splits, the label names, and the positions of the training rows.

    If the source has no test split, one is split off first, given enough rows. Training rows that overlap it are
    dropped, then `max_train_samples` is applied. Last, a missing validation split is split off, or folds are assigned.

    Args:
        raw: The raw rows.
        inspected: The inspected rows.
        config: How to divide them.
        cross_below: Number of training rows below which `validation="auto"` means folds.

    Raises:
        DataError: Labels are not understood, or there are too few rows.
    """
    parts, (names, *_) = label_rows(inspected, config, raw.origin)
    left_out = invalid_left_out(inspected)
    # evaluation uses out-of-fold scores if there are few rows; max_train_samples leaves rows over for a test split
    few = len(parts["train"]) < _MIN_ROWS_FOR_TEST and config.max_train_samples is None
    undivided = config.test_fraction == "auto" and not {"test", "validation"} & parts.keys()
    spared = few and undivided and _uses_folds(parts["train"], config, cross_below)
    tested = "test" in parts or not (spared or config.test_fraction == 0)
    if not tested:
        parts["test"] = _empty(parts["train"])
    elif "test" not in parts:
        fraction = _TEST_FRACTION if config.test_fraction == "auto" else config.test_fraction
        parts["test"], parts["train"] = split_off(parts["train"], fraction, config.split_seed, "test", names)
    overlap = drop_overlap(parts, config, left_out)
    parts["train"] = limit_rows(parts["train"], config, names, left_out)
    folds: tuple[int, ...] = ()
    if "validation" not in parts:
        parts["train"], parts["validation"], folds = hold_out(parts["train"], config, names, cross_below=cross_below)
    for split, part in parts.items():
        if split == "train" or (split == "test" and tested) or (split == "validation" and not folds):
            _check_classes(split, part, names)
    slices_of_rows(parts["test" if tested else "train"])  # fail before training if a slice cannot be reported
    splits = finish(parts, names, left_out=left_out, overlap=overlap, notes=raw.notes, folds=folds)
    return splits, names, parts["train"].positions


def hold_out(
    train: Rows, config: "DataConfig", names: LabelNames, *, cross_below: int
) -> tuple[Rows, Rows, tuple[int, ...]]:
    """Hold out a validation split, or assign folds so that each row is held out once.

    Args:
        train: The training rows.
        config: How to divide them.
        names: Names of the labels.
        cross_below: See `divide`.

    Returns:
        Training rows, validation rows, and the fold of each training row; validation rows or folds are empty.

    Raises:
        DataError: There are too few rows.
    """
    if _uses_folds(train, config, cross_below):
        _check_classes("train", train, names)
        return train, _empty(train), tuple(_folds(train, config.split_seed, names).tolist())
    validation, rest = split_off(train, config.validation_fraction, config.split_seed, "validation", names)
    return rest, validation, ()


def _empty(rows: Rows) -> Rows:
    return rows.where(np.zeros(len(rows), dtype=bool))


def _uses_folds(train: Rows, config: "DataConfig", cross_below: int) -> bool:
    return config.validation == "cross" or (config.validation == "auto" and len(train) < cross_below)


def _folds(train: Rows, seed: int, names: LabelNames) -> NDArray[np.int64]:
    """Divide rows into five folds, or fewer if a class has fewer groups."""
    found = None
    for folds in range(_FOLDS, 1, -1):
        try:
            return assign_folds(train, folds, seed, names)
        except DataError as error:
            found = error.found
    raise DataError(
        "there are too few rows to hold out any",
        found=found,
        expected="each label in at least two groups, such as two different texts",
        hint="more rows, or smaller groups",
    )


def finish(
    parts: Mapping[str, Rows],
    names: LabelNames,
    *,
    left_out: Iterable[LeftOut],
    overlap: int,
    notes: Iterable[str],
    folds: tuple[int, ...] = (),
) -> DataSplits:
    """Build the three data sets and their summary."""
    ordered = {split: parts[split] for split in ("train", "validation", "test")}
    summary = SplitSummary(
        rows={split: class_counts(part, names) for split, part in ordered.items()},
        left_out=tuple(part for part in left_out if part.rows),
        test_overlap_rows=overlap,
        notes=tuple(notes),
        fingerprint=fingerprint(ordered),
        folds=len(set(folds)),
    )
    sets = {split: to_dataset(part, names) for split, part in ordered.items()}
    return DataSplits(**sets, summary=summary, folds=folds)


def invalid_left_out(inspected: InspectedRows) -> list[LeftOut]:
    """Count the unusable rows."""
    return [
        LeftOut(split=split, reason=reason, rows=len(rows))
        for split, invalid in inspected.invalid.items()
        for reason, rows in invalid.items()
    ]


def limit_rows(rows: Rows, config: "DataConfig", names: LabelNames, left_out: list[LeftOut]) -> Rows:
    """Draw `config.max_train_samples` of the rows, if that is set.

    Raises:
        DataError: There are fewer rows, or a class would get none.
    """
    if config.max_train_samples is None:
        return rows
    reason = f"above max_train_samples={config.max_train_samples:,}"
    left_out.append(LeftOut(split="train", reason=reason, rows=len(rows) - config.max_train_samples))
    return stratified_sample(rows, config.max_train_samples, config.split_seed, names)


def label_rows(
    inspected: InspectedRows, config: "DataConfig", origin: str, *, known: LabelNames | None = None
) -> tuple[dict[str, Rows], Labelling]:
    """Map the labels of the rows to ids 0 and 1.

    Raises:
        DataError: See `resolve_labels`.
    """
    values = inspected.label_values
    codes = np.concatenate([part.labels for part in inspected.parts.values()])
    counts = dict(zip(values, np.bincount(codes, minlength=len(values)).tolist(), strict=True))
    try:
        labelling = resolve_labels(counts, config, origin, known=known)
    except DataError as error:
        raise _with_rows(error, inspected, counts) from None
    ids = np.array([labelling.ids[value] for value in values], dtype=np.int64)
    return {split: replace(part, labels=ids[part.labels]) for split, part in inspected.parts.items()}, labelling


def _with_rows(error: DataError, inspected: InspectedRows, counts: Mapping[str, int]) -> DataError:
    """Add to the error the rows of all labels but the two most frequent."""
    odd = sorted(counts, key=lambda label: -counts[label])[2:]
    found = [error.found or ""]
    numbers: list[int] = []
    for label in odd[:_LABELS_LOCATED]:
        code = inspected.label_values.index(label)
        for part in inspected.parts.values():
            rows = (part.positions[np.flatnonzero(part.labels == code)] + 1).tolist()
            numbers += rows
            found += [f"{quote(label)} in {part.raw.locate(rows)}"] if rows else []
    return DataError(
        error.summary, found="; ".join(found), expected=error.expected, hint=error.hint, rows=sorted(numbers)
    )


def drop_overlap(parts: dict[str, Rows], config: "DataConfig", left_out: list[LeftOut]) -> int:
    """Drop train and validation rows that overlap a later split; return how many overlap test."""
    overlap = 0
    for split, later in (("validation", "test"), ("train", "test"), ("train", "validation")):
        if split not in parts or later not in parts:
            continue
        rows, others = parts[split], parts[later]
        clear = np.ones(len(rows), dtype=bool)
        keep = later == "test" and config.test_overlap == "keep"
        for reason, numbers, there in (
            (f"text also occurs in {later}", rows.same, others.same),
            (f"near duplicate in {later}", rows.near, others.near),
            (f"{config.group_column} also occurs in {later}", rows.tied, others.tied),
        ):
            found = clear & np.isin(numbers, there)
            clear &= ~found
            if not keep:
                left_out.append(LeftOut(split=split, reason=reason, rows=int(found.sum())))
        if later == "test":
            overlap += int((~clear).sum())
        if not keep:
            parts[split] = rows.where(clear)
    return overlap


def _check_classes(split: str, rows: Rows, names: LabelNames) -> None:
    counts = class_counts(rows, names)
    if 0 in counts.values():
        found = list_counts(counts)
        raise DataError(f"the {split} split lacks a class", found=found, expected="rows of both classes")


def fingerprint(parts: Mapping[str, Rows]) -> str:
    """Return the SHA-256 of the sorted digests, labels and any weights of each split."""
    digest = hashlib.sha256()
    for split, rows in parts.items():
        digest.update(split.encode())
        table = rows.raw.table
        weights = [table["weight"].to_numpy()[rows.positions]] if "weight" in table.column_names else []
        order = np.lexsort((*weights, rows.labels, rows.digests))
        digest.update(np.column_stack((rows.digests, rows.labels.astype(np.uint64)))[order].astype(">u8").tobytes())
        for column in weights:
            digest.update(column[order].astype(">f8").tobytes())
    return digest.hexdigest()


def to_dataset(rows: Rows, names: Sequence[str]) -> "datasets.Dataset":
    """Return the rows as a data set that refers to their texts without copying them."""
    import datasets

    labels = np.zeros(len(rows.raw), dtype=np.int64)
    labels[rows.positions] = rows.labels
    table = rows.raw.table
    columns = {name: table[name] for name in table.column_names if name not in ("label", "group")}
    strings = {name: datasets.Value("string") for name in columns if name != "weight"}
    weight = {"weight": datasets.Value("float64")} if "weight" in columns else {}
    kinds = {**strings, **weight, "label": datasets.ClassLabel(names=list(names))}
    features = datasets.Features(kinds)
    whole = datasets.Dataset(
        datasets.table.InMemoryTable(
            pa.table({name: (columns | {"label": labels})[name] for name in kinds}, schema=features.arrow_schema)
        ),
        info=datasets.DatasetInfo(features=features),
        fingerprint=fingerprint({"": rows})[:16],  # else it would be computed from all texts
    )
    return whole.select(rows.positions)

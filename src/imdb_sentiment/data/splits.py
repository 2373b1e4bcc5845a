"""Labelled rows become train, validation and test, such that no text stands on two sides.

Texts that are equal after normalisation (case, white space, HTML breaks, invisible characters) form a group, and a
group goes to one side whole. Groups are put in order by a keyed hash of their text and taken from the front until a
class has its share. The result is stratified, depends on the seed, and does not depend on the order of the rows or on
the format they came in.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.data.cleaning import clean, text_key
from imdb_sentiment.data.columns import RawRows
from imdb_sentiment.data.labels import Labelling, LabelNames, resolve_labels
from imdb_sentiment.errors import DataError, list_rows
from imdb_sentiment.progress import progress_bar
from imdb_sentiment.results import LeftOut, SplitSummary

if TYPE_CHECKING:
    import datasets

    from imdb_sentiment.config import DataConfig
    from imdb_sentiment.data.sources import RawData

__all__ = ["DataSplits", "Rows", "label_rows", "make_splits", "usable_rows"]


@dataclass(frozen=True, slots=True)
class DataSplits:
    """The rows to learn from, to choose on and to measure on.

    Attributes:
        train: Rows to learn from; columns `text` (str) and `label` (0 negative, 1 positive).
        validation: Rows to choose the best epoch on; same columns.
        test: Rows to measure on, once, at the end; same columns.
        summary: Rows per split and class, and the rows left out and why.
    """

    train: "datasets.Dataset"
    validation: "datasets.Dataset"
    test: "datasets.Dataset"
    summary: SplitSummary


class UsableRows(NamedTuple):
    """Texts that are not blank, and their labels as the source has them."""

    texts: list[str]
    labels: list[str]


@dataclass(frozen=True, slots=True)
class Rows:
    """Checked rows: a text, its label id and its normalised key at each position."""

    texts: list[str]
    labels: list[int]
    keys: list[bytes]

    def __len__(self) -> int:
        return len(self.texts)

    def where(self, keep: Iterable[bool]) -> "Rows":
        """Return the rows for which `keep` is true, in order."""
        kept = [i for i, wanted in enumerate(keep) if wanted]
        return Rows([self.texts[i] for i in kept], [self.labels[i] for i in kept], [self.keys[i] for i in kept])

    def part(self, chosen: set[int]) -> tuple["Rows", "Rows"]:
        """Return the rows at the chosen positions, and the others."""
        inside = [i in chosen for i in range(len(self))]
        return self.where(inside), self.where(not here for here in inside)


def make_splits(raw: "RawData", config: "DataConfig") -> tuple[DataSplits, LabelNames]:
    """Check the rows and divide them into train, validation and test.

    A test split is carved first where the source brings none, then rows that also stand in test leave training, then
    `limit` is applied, and validation is carved last where the source brings none.

    Raises:
        DataError: Labels are not understood, rows are not valid, or there are fewer rows than the splits need.
    """
    if "train" not in raw.splits:
        raise DataError(
            f"{raw.origin} has no training rows", found=f"splits {', '.join(raw.splits)}", expected="a split train"
        )
    left_out: list[LeftOut] = []
    usable: dict[str, UsableRows] = {}
    for split, rows in raw.splits.items():
        usable[split], dropped = usable_rows(rows, drop=config.invalid_rows == "drop", split=split)
        left_out += dropped
    counts = Counter(label for part in usable.values() for label in part.labels)
    labelling = resolve_labels(counts, config, raw.origin)
    names = labelling.names
    parts = {split: label_rows(part, labelling) for split, part in usable.items()}

    if "test" not in parts:
        parts["test"], parts["train"] = _carve(parts["train"], config.test_fraction, config.split_seed, "test", names)
    overlap = _drop_overlap(parts, config, left_out)
    if config.limit is not None:
        before = len(parts["train"])
        parts["train"] = _stratified_sample(parts["train"], config.limit, config.split_seed, names)
        left_out.append(
            LeftOut(split="train", reason=f"above the limit of {config.limit:,}", rows=before - config.limit)
        )
    if "validation" not in parts:
        carved = _carve(parts["train"], config.validation_fraction, config.split_seed, "validation", names)
        parts["validation"], parts["train"] = carved

    ordered = {split: parts[split] for split in ("train", "validation", "test")}
    for split, part in ordered.items():
        _check_classes(split, part, names)
    summary = SplitSummary(
        rows={split: _class_counts(part, names) for split, part in ordered.items()},
        left_out=tuple(part for part in left_out if part.rows),
        test_overlap_rows=overlap,
        notes=tuple(raw.notes),
        fingerprint=_fingerprint(ordered),
    )
    return DataSplits(**{split: _to_dataset(part, names) for split, part in ordered.items()}, summary=summary), names


def usable_rows(rows: RawRows, *, drop: bool, split: str) -> tuple[UsableRows, list[LeftOut]]:
    """Check the rows of one split.

    Args:
        rows: Raw rows.
        drop: Leave invalid rows out and count them, instead of refusing.
        split: Name of the split, for what was left out.

    Raises:
        DataError: There are no rows; or some texts are null, blank or not strings, or some labels are null, and `drop`
            is false or no other rows are left.
    """
    texts: list[str | None] = rows.texts.to_pylist()
    labels: list[str | None] = rows.labels.to_pylist()
    not_text = set(rows.not_text)
    invalid: dict[str, list[int]] = {}
    usable = UsableRows([], [])
    with progress_bar("checking rows", total=len(texts), unit="row") as bar:
        for number, (text, label) in enumerate(zip(texts, labels, strict=True), start=1):
            bar.update(1)
            if number in not_text:
                invalid.setdefault("text is not a string", []).append(number)
            elif text is None:
                invalid.setdefault("text is null", []).append(number)
            elif not clean(text).strip():
                invalid.setdefault("text is blank", []).append(number)
            elif label is None:
                invalid.setdefault("label is null", []).append(number)
            else:
                usable.texts.append(text)
                usable.labels.append(label)
    found = "; ".join(f"{reason} in {list_rows(numbers)}" for reason, numbers in invalid.items())
    expected = "a text and a label in each row"
    numbers = sorted(number for numbers in invalid.values() for number in numbers)
    if not usable.texts:
        summary = f"{rows.origin} has no rows that can be used"
        raise DataError(summary, found=found or "no rows at all", expected=expected, rows=numbers)
    if invalid and not drop:
        raise DataError(
            f"{rows.origin} has rows that cannot be used",
            found=found,
            expected=expected,
            hint="mend the rows, or leave them out: --set invalid_rows=drop (invalid_rows='drop' in Python)",
            rows=numbers,
        )
    return usable, [LeftOut(split=split, reason=reason, rows=len(numbers)) for reason, numbers in invalid.items()]


def label_rows(usable: UsableRows, labelling: Labelling) -> Rows:
    """Give each row its label id and its key."""
    ids = [labelling.ids[label] for label in usable.labels]
    keys: list[bytes] = []
    with progress_bar("comparing texts", total=len(ids), unit="row") as bar:
        for text in usable.texts:
            keys.append(text_key(text))
            bar.update(1)
    return Rows(usable.texts, ids, keys)


def _class_counts(rows: Rows, names: LabelNames) -> dict[str, int]:
    return {name: rows.labels.count(label) for label, name in enumerate(names)}


def _hashed(key: bytes, seed: int, purpose: str) -> bytes:
    """Give each text its own pseudo-random place; `purpose` keeps the choices for test, validation and limit apart."""
    return hashlib.blake2b(key, digest_size=16, key=seed.to_bytes(8, "big"), person=purpose.encode()).digest()


def _carve(rows: Rows, fraction: float, seed: int, name: str, names: LabelNames) -> tuple[Rows, Rows]:
    """Take groups of equal texts until each class has `fraction` of its rows.

    Returns:
        The rows taken, and the rows left.
    """
    groups: dict[bytes, list[int]] = {}
    for i, key in enumerate(rows.keys):
        groups.setdefault(key, []).append(i)
    totals = Counter(rows.labels)
    wanted = {label: max(1, round(fraction * total)) for label, total in totals.items()}
    taken: Counter[int] = Counter()
    chosen: set[int] = set()
    for key in sorted(groups, key=lambda key: _hashed(key, seed, name)):
        sizes = Counter(rows.labels[i] for i in groups[key])
        if all(taken[label] + size <= wanted[label] for label, size in sizes.items()):
            taken.update(sizes)
            chosen.update(groups[key])
    if any(taken[label] == 0 or taken[label] == totals[label] for label in (0, 1)):
        found = ", ".join(f"{n:,} {label}" for label, n in _class_counts(rows, names).items())
        raise DataError(
            f"there are too few rows to hold out a {name} split",
            found=f"{found} rows; different texts: {len(groups):,}",
            expected=f"enough of each class for {fraction:.0%} of them to be at least one row, with others left over",
            hint=f"more rows, or another {name}_fraction",
        )
    return rows.part(chosen)


def _drop_overlap(parts: dict[str, Rows], config: "DataConfig", left_out: list[LeftOut]) -> int:
    """Take rows out of train and validation whose text stands on a later side; count those that stand in test."""
    overlap = 0
    for split, later in (("validation", "test"), ("train", "test"), ("train", "validation")):
        if split not in parts or later not in parts:
            continue
        there = set(parts[later].keys)
        clear = [key not in there for key in parts[split].keys]
        if later == "test":
            overlap += clear.count(False)
            if config.test_overlap == "keep":
                continue
        left_out.append(LeftOut(split=split, reason=f"text also stands in {later}", rows=clear.count(False)))
        parts[split] = parts[split].where(clear)
    return overlap


def _stratified_sample(rows: Rows, size: int, seed: int, names: LabelNames) -> Rows:
    if size > len(rows):
        found = f"{len(rows):,} training rows"
        raise DataError(f"limit={size:,} asks for more rows than there are", found=found, hint=f"--limit {len(rows)}")
    # the text itself decides between spellings of one key, so that the order of the rows does not
    order = sorted(range(len(rows)), key=lambda i: (_hashed(rows.keys[i], seed, "limit"), rows.texts[i]))
    positives = round(size * rows.labels.count(1) / len(rows))
    wanted = {0: size - positives, 1: positives}
    if 0 in wanted.values():
        found = ", ".join(f"{n:,} {label}" for label, n in _class_counts(rows, names).items())
        raise DataError(f"limit={size:,} leaves one class without rows", found=found, hint="a larger limit")
    chosen: set[int] = set()
    for label, quota in wanted.items():
        chosen.update([i for i in order if rows.labels[i] == label][:quota])
    return rows.part(chosen)[0]


def _check_classes(split: str, rows: Rows, names: LabelNames) -> None:
    counts = _class_counts(rows, names)
    if 0 in counts.values():
        found = ", ".join(f"{n:,} {label}" for label, n in counts.items())
        raise DataError(f"the {split} split lacks a class", found=found, expected="rows of both classes")


def _fingerprint(parts: dict[str, Rows]) -> str:
    digest = hashlib.sha256()
    for split, rows in parts.items():
        digest.update(split.encode())
        for row in sorted(f"{label}{text}" for text, label in zip(rows.texts, rows.labels, strict=True)):
            digest.update(hashlib.sha256(row.encode()).digest())
    return digest.hexdigest()


def _to_dataset(rows: Rows, names: Sequence[str]) -> "datasets.Dataset":
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(names))})
    return datasets.Dataset.from_dict({"text": rows.texts, "label": rows.labels}, features=features)

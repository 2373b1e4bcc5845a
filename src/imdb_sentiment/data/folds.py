"""Divide labelled rows into cross-validation folds; no group of rows is in two folds."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.data_like import DataSplits
from imdb_sentiment.data.inspection import Rows, inspect_rows
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.data.raw_rows import collect
from imdb_sentiment.data.sampling import assign_folds, stratified_sample
from imdb_sentiment.data.splits import (
    drop_overlap,
    fingerprint,
    finish,
    hold_out,
    invalid_left_out,
    label_rows,
    limit_rows,
    load_checked,
)
from imdb_sentiment.errors import ConfigError, count_rows
from imdb_sentiment.results.splits import LeftOut

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["Folds", "load_folds"]


class Folds(NamedTuple):
    """The rows of a source and their folds."""

    rows: Rows
    names: LabelNames
    fold_of: NDArray[np.int64]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over texts, labels and folds."""
        parts = {str(fold): self.rows.where(self.fold_of == fold) for fold in range(self.fold_of.max() + 1)}
        return fingerprint(parts)

    @property
    def fewest(self) -> int:
        """The number of rows outside the largest fold."""
        return len(self.rows) - int(np.bincount(self.fold_of).max())

    def cross_validated(self) -> DataSplits:
        """Return splits of which all rows are training rows, each to be held out once, in its fold."""
        none = self.rows.where(np.zeros(len(self.rows), dtype=bool))
        parts = {"train": self.rows, "validation": none, "test": none}
        folds = tuple(self.fold_of.tolist())
        return finish(parts, self.names, left_out=self.left_out, overlap=0, notes=self.notes, folds=folds)

    def splits(self, config: "DataConfig", *, cross_below: int = 0, size: int | None = None) -> Iterator[DataSplits]:
        """Yield, for each fold, the splits that hold it out as test.

        Args:
            config: How to hold out validation rows from the rest.
            cross_below: See `divide`.
            size: Number of the remaining rows to use, stratified; by default all. A larger size uses a superset.
        """
        for fold in range(self.fold_of.max() + 1):
            held_out = self.fold_of == fold
            rest = self.rows.where(~held_out)
            if size is not None:
                rest = stratified_sample(rest, size, config.split_seed, self.names)
            train, validation, folds = hold_out(rest, config, self.names, cross_below=cross_below)
            parts = {"train": train, "validation": validation, "test": self.rows.where(held_out)}
            yield finish(parts, self.names, left_out=self.left_out, overlap=0, notes=self.notes, folds=folds)


def load_folds(config: "DataConfig", folds: int, data: object = None, *, known: LabelNames | None = None) -> Folds:
    """Load a source and assign its rows to folds.

    The source's training and validation rows are pooled. Its test split, and rows that overlap it, are left out.

    Args:
        config: Names the source, its columns and labels; `split_seed` orders the rows.
        folds: Number of folds.
        data: Used instead of `config.source`; see `load_source`.
        known: Label names of a trained model, which the data may use too.

    Raises:
        ConfigError: `folds` is below 2.
        DataError: The source cannot be used as it is, or a fold would lack a class.
        MissingExtraError: Near-duplicate detection is on and its extra is not installed.
    """
    if folds < 2:
        raise ConfigError(f"folds={folds} holds nothing out", expected="2 or more")
    source = load_checked(config, data)
    trainable = [source.splits[split] for split in ("train", "validation") if split in source.splits]
    pool = {"train": collect(trainable, source.origin)} | {s: rows for s, rows in source.splits.items() if s == "test"}
    inspected = inspect_rows(pool, config)
    parts, (names, *_) = label_rows(inspected, config, source.origin, known=known)
    left_out = invalid_left_out(inspected)
    notes = source.notes
    if "test" in parts:
        notes = (*notes, f"the {count_rows(len(parts['test']))} of the test split were not used")
        drop_overlap(parts, config, left_out)
    rows = limit_rows(parts["train"], config, names, left_out)
    fold_of = assign_folds(rows, folds, config.split_seed, names)
    return Folds(rows, names, fold_of, tuple(left_out), notes)

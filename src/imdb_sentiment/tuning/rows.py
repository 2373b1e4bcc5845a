"""The rows of a search on the disk, for the processes of its trials: training and validation rows, never test rows."""

import json
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.data_like import DataSplits
from imdb_sentiment.results.base import restore
from imdb_sentiment.results.splits import SplitSummary
from imdb_sentiment.runtime.files import make_folder, write_json
from imdb_sentiment.runtime.huggingface import quiet

__all__ = ["held_out_labels", "load_rows", "save_rows"]

_SPLITS = ("train", "validation")
_DESCRIPTION = "splits.json"


def save_rows(folder: Path, splits: DataSplits) -> None:
    """Write the rows to a folder, in place of what is there."""
    shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder)
    with quiet():
        for split in _SPLITS:
            if rows := getattr(splits, split):  # no rows could be written, and not be read again
                rows.save_to_disk(folder / split)
    write_json(
        folder / _DESCRIPTION, {"summary": splits.summary.to_dict(), "folds": list(splits.folds)}, overwrite=True
    )


def load_rows(folder: Path) -> DataSplits:
    """Read the rows, which are not copied into memory; the test split is empty."""
    from datasets import Dataset

    with quiet():
        train = Dataset.load_from_disk(folder / "train")
        none = train.select([])
        held_out = folder / "validation"
        validation = Dataset.load_from_disk(held_out) if held_out.exists() else none
    described = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
    return DataSplits(train, validation, none, restore(SplitSummary, described["summary"]), tuple(described["folds"]))


def held_out_labels(splits: DataSplits) -> NDArray[np.int64]:
    """Return the labels of the rows that trials are measured on, 0 or 1, shape (n,)."""
    return np.array((splits.train if splits.folds else splits.validation)["label"], dtype=np.int64)

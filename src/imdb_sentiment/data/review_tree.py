"""The layout of the Large Movie Review Dataset (Maas et al., 2011): one file a review."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.data.columns import RawRows, collect
from imdb_sentiment.data.pieces import pieces_from_rows
from imdb_sentiment.data.wanted import wanted_columns
from imdb_sentiment.errors import DataError
from imdb_sentiment.messages import quote

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["read_review_tree"]


def read_review_tree(folder: Path, config: "DataConfig") -> tuple[dict[str, RawRows], tuple[str, ...]] | None:
    """Read `train/pos/*.txt`, `train/neg/*.txt`, and the same of `test`.

    Returns:
        The rows of each split and notes for the user; None if the folder has no such layout.

    Raises:
        DataError: A split has no reviews, one of them is not UTF-8, or columns are asked for that no such tree has.
    """
    roots = {"train": folder / "train", "test": folder / "test"}
    found = {split: root for split, root in roots.items() if (root / "pos").is_dir() and (root / "neg").is_dir()}
    if not found:
        return None
    wanted = wanted_columns(config)
    if more := [column for column in wanted if column.role not in ("text", "label")]:
        summary = f"{folder} is a tree of reviews, which has no column {quote(more[0].name)}"
        raise DataError(summary, found="a text and a label for each review", hint=f"without {more[0].field}")
    splits: dict[str, RawRows] = {}
    for split, root in found.items():
        paths = [(path, name) for name in ("neg", "pos") for path in sorted((root / name).glob("*.txt"))]
        if not paths:
            raise DataError(f"{root} has no reviews", expected="text files in pos/ and neg/")
        splits[split] = collect(pieces_from_rows(_reviews(paths), wanted, str(root)), str(root))
    note = "train/unsup was left out: its reviews have no label"
    return splits, ((note,) if (folder / "train" / "unsup").is_dir() else ())


def _reviews(paths: Sequence[tuple[Path, str]]) -> Iterator[tuple[str, str]]:
    for row, (path, label) in enumerate(paths, start=1):
        try:
            text = path.read_bytes().decode()  # read_text would change the line ends
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8", found=str(error), rows=[row]) from None
        except OSError as error:
            raise DataError(f"{path} cannot be read", found=error.strerror or str(error), rows=[row]) from None
        yield text, label

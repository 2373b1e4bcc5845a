"""Files and folders on disk become raw rows per split."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.data.columns import RawRows, check_columns, concatenate, rows_from_arrow, rows_from_values
from imdb_sentiment.data.delimited import read_delimited
from imdb_sentiment.errors import DataError, nearest

if TYPE_CHECKING:
    import pyarrow as pa

    from imdb_sentiment.config import DataConfig

__all__ = ["SUFFIXES", "missing_file", "read_file", "read_folder", "split_of"]

SUFFIXES = (".parquet", ".csv", ".tsv", ".jsonl")

_SPLIT_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}


def split_of(name: str) -> str | None:
    """Return which split a file, folder or split name speaks of (`imdb_train`, `dev-00000-of-00001`), if any."""
    words = re.split(r"[^a-z]+", name.lower())
    found = {split for split, known in _SPLIT_WORDS.items() if any(word in known for word in words)}
    return found.pop() if len(found) == 1 else None


def missing_file(path: Path) -> DataError:
    """Return the error for a path that does not exist, with the nearest name beside it."""
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    match = nearest(path.name, beside)
    hint = str(path.parent / match) if match else None
    return DataError(
        f"there is no file or folder {path}", expected=f"a folder or a file ({', '.join(SUFFIXES)})", hint=hint
    )


def read_file(path: Path, config: "DataConfig") -> tuple[RawRows, tuple[str, ...]]:
    """Read the text and label columns of one file.

    Returns:
        The rows, and notes for the user on how the file was read.

    Raises:
        DataError: The file is missing, of an unknown kind, not readable, broken, empty, or lacks a column.
    """
    if path.is_dir():
        hint = "the folder as the whole source: the names of its files tell the splits"
        raise DataError(f"{path} is a folder", expected=f"a file ({', '.join(SUFFIXES)})", hint=hint)
    if not path.is_file():
        raise missing_file(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"{path} is of no known kind", found=suffix or "no suffix", expected=", ".join(SUFFIXES))
    try:
        rows, notes = _read_rows(path, suffix, config)
    except OSError as error:
        raise DataError(f"{path} cannot be read", found=error.strerror or str(error)) from None
    if len(rows.texts) == 0:
        raise DataError(f"{path} has no rows", expected="at least one row below the header")
    return rows, notes


def read_folder(folder: Path, config: "DataConfig") -> tuple[dict[str, RawRows], tuple[str, ...]]:
    """Read a folder: the `aclImdb` tree, or files whose names (or folders' names) tell their split.

    If no name tells a split, all files are parts of one undivided table. If some do, the others are left out, which a
    note says.

    Raises:
        DataError: There is nothing to read, or one split stands there in two formats.
    """
    if tree := _read_review_tree(folder):
        return tree
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    files = [path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not files:
        raise DataError(
            f"{folder} holds no data", expected=f"files that end in {', '.join(SUFFIXES)}, or train/pos/*.txt"
        )
    by_split: dict[str, list[Path]] = {}
    unnamed: list[Path] = []
    for path in files:
        names = [path.stem, *reversed(path.relative_to(folder).parts[:-1])]
        split = next(filter(None, map(split_of, names)), None)
        (by_split.setdefault(split, []) if split else unnamed).append(path)
    notes = [f"{path.relative_to(folder)} was left out: its name tells no split" for path in unnamed if by_split]
    by_split = by_split or {"train": unnamed}
    splits: dict[str, RawRows] = {}
    for split, paths in by_split.items():
        kinds = {path.suffix.lower() for path in paths}
        if len(kinds) > 1:
            found = ", ".join(str(path.relative_to(folder)) for path in paths)
            raise DataError(
                f"{folder} holds the {split} rows in {len(kinds)} formats", found=found, hint="keep one format"
            )
        parts = [read_file(path, config) for path in paths]
        splits[split] = concatenate([rows for rows, _ in parts], f"{folder} ({split})")
        notes += [note for _, part_notes in parts for note in part_notes]
    return splits, tuple(notes)


def _read_rows(path: Path, suffix: str, config: "DataConfig") -> tuple[RawRows, tuple[str, ...]]:
    wanted = ((config.text_column, "text_column"), (config.label_column, "label_column"))
    if suffix == ".parquet":
        table = _read_parquet(path, wanted)
        return rows_from_arrow(table[config.text_column], table[config.label_column], str(path)), ()
    if suffix == ".jsonl":
        records = _read_jsonl(path)
        check_columns(list(dict.fromkeys(key for record in records for key in record)), wanted, str(path))
        texts, labels = ([record.get(name) for record in records] for name, _ in wanted)
        return rows_from_values(texts, labels, str(path)), ()
    header, cells, note = read_delimited(path)
    check_columns(header, wanted, str(path))
    text, label = header.index(config.text_column), header.index(config.label_column)
    # an empty label cell is a missing label; an empty text is told apart later, as blank
    labels = [row[label] or None for row in cells]
    return rows_from_values([row[text] for row in cells], labels, str(path)), (note,) if note else ()


def _read_parquet(path: Path, wanted: tuple[tuple[str, str], ...]) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            check_columns(file.schema_arrow.names, wanted, str(path))
            return file.read(columns=[name for name, _ in wanted])
    except (pa.ArrowException, OSError) as error:  # Arrow's word for a damaged page is OSError
        raise DataError(f"{path} cannot be read as Parquet", found=str(error)) from None


def _read_jsonl(path: Path) -> list[dict[str, object]]:
    records: list[dict[str, object]] = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except (ValueError, RecursionError) as error:
                raise DataError(
                    f"line {number:,} of {path} is not JSON in UTF-8", found=str(error), rows=[number]
                ) from None
            if not isinstance(record, dict):
                found = f"a {type(record).__name__}"
                expected = 'one object a line, {"text": ..., "label": ...}'
                raise DataError(
                    f"line {number:,} of {path} is no object", found=found, expected=expected, rows=[number]
                )
            records.append(record)
    if not records:
        raise DataError(f"{path} is empty", expected="one JSON object a line")
    return records


def _read_review_tree(folder: Path) -> tuple[dict[str, RawRows], tuple[str, ...]] | None:
    """Read the layout of the Large Movie Review Dataset (Maas et al., 2011): train/pos/*.txt and so on."""
    roots: Mapping[str, Path] = {"train": folder / "train", "test": folder / "test"}
    found = {split: root for split, root in roots.items() if (root / "pos").is_dir() and (root / "neg").is_dir()}
    if not found:
        return None
    splits: dict[str, RawRows] = {}
    for split, root in found.items():
        paths = [(path, name) for name in ("neg", "pos") for path in sorted((root / name).glob("*.txt"))]
        if not paths:
            raise DataError(f"{root} has no reviews", expected="text files in pos/ and neg/")
        texts: list[object] = []
        for row, (path, _) in enumerate(paths, start=1):
            try:
                texts.append(path.read_bytes().decode())  # read_text would change the line ends
            except UnicodeDecodeError as error:
                raise DataError(f"{path} is not UTF-8", found=str(error), rows=[row]) from None
        splits[split] = rows_from_values(texts, [name for _, name in paths], str(root))
    unsupervised = folder / "train" / "unsup"
    note = "train/unsup was left out: its reviews have no label"
    return splits, ((note,) if unsupervised.is_dir() else ())

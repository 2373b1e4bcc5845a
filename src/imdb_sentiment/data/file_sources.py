"""Read rows from files, folders and glob patterns."""

import glob
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.data.formats.arrow import read_arrow
from imdb_sentiment.data.formats.columns import column_specs
from imdb_sentiment.data.formats.compression import plain_suffix
from imdb_sentiment.data.formats.delimited import read_delimited
from imdb_sentiment.data.formats.dialects import no_header_error
from imdb_sentiment.data.formats.jsonl import read_jsonl
from imdb_sentiment.data.raw_rows import RawData, RawRows, batches_from_rows, collect
from imdb_sentiment.data.signatures import check_content, content_hint
from imdb_sentiment.errors import DataError, nearest
from imdb_sentiment.runtime.messages import Advice, cut, either_path, list_values, quote

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = [
    "SUFFIXES",
    "is_pattern",
    "kinds_text",
    "matching_files",
    "missing_file",
    "read_file",
    "read_files",
    "read_folder",
    "read_pattern",
    "read_review_tree",
    "read_split",
    "root_of",
    "split_of",
]

_READERS: dict[str, Callable[[Path, "DataConfig"], Iterator[RawRows]]] = {
    ".parquet": read_arrow,
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".txt": read_delimited,
    ".jsonl": read_jsonl,
    ".arrow": read_arrow,
}
_MAX_PATH_SHOWN = 255

SUFFIXES = tuple(_READERS)
"""Each may be followed by a compression suffix."""

_SPLIT_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}


def read_review_tree(folder: Path, config: "DataConfig") -> RawData | None:
    """Read `train/pos/*.txt`, `train/neg/*.txt`, and the same of `test`; None if the folder has another layout.

    Raises:
        DataError: A split has no reviews, one of them is not UTF-8, or the configuration names other columns.
    """
    roots = {"train": folder / "train", "test": folder / "test"}
    found = {split: root for split, root in roots.items() if (root / "pos").is_dir() and (root / "neg").is_dir()}
    if not found:
        return None
    specs = column_specs(config)
    if more := [column for column in specs if column.role not in ("text", "label")]:
        summary = f"{folder} is a tree of reviews, which has no column {quote(more[0].name)}"
        raise DataError(summary, found="a text and a label for each review", hint=f"without {more[0].field}")
    splits: dict[str, RawRows] = {}
    for split, root in found.items():
        paths = [(path, name) for name in ("neg", "pos") for path in sorted((root / name).glob("*.txt"))]
        if not paths:
            raise DataError(f"{root} has no reviews", expected="text files in pos/ and neg/")
        splits[split] = collect(batches_from_rows(_reviews(paths), specs, str(root)), str(root))
    note = "train/unsup was left out: its reviews have no label"
    return RawData(str(folder), splits, (note,) if (folder / "train" / "unsup").is_dir() else ())


def _reviews(paths: Sequence[tuple[Path, str]]) -> Iterator[tuple[str, str]]:
    for row, (path, label) in enumerate(paths, start=1):
        try:
            text = path.read_bytes().decode()  # read_text would change the line ends
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8", found=str(error), rows=[row]) from None
        except OSError as error:
            raise DataError(f"{path} cannot be read", found=error.strerror or str(error), rows=[row]) from None
        yield text, label


def kinds_text(suffixes: Sequence[str]) -> str:
    """List file suffixes for a message."""
    return f"{', '.join(suffixes)}, each also with .gz or .zst"


_KINDS = kinds_text(SUFFIXES)


def split_of(name: str) -> str | None:
    """Return the split that a name denotes (`imdb_train`, `dev-00000-of-00001`), if any."""
    words = re.split(r"[^a-z]+", name.lower())
    found = {split for split, known in _SPLIT_WORDS.items() if any(word in known for word in words)}
    return found.pop() if len(found) == 1 else None


def missing_file(path: Path, suffixes: Sequence[str] = SUFFIXES) -> DataError:
    """Return the error for a missing path, with the most similar name beside it as the hint."""
    expected = f"a folder or a file ({kinds_text(suffixes)})"
    return DataError(f"there is no file or folder {path}", expected=expected, hint=_nearest_beside(path))


def is_pattern(source: str) -> bool:
    """Return whether a path is a glob pattern; an existing path is never treated as a pattern."""
    return glob.has_magic(source) and not Path(source).expanduser().exists()


def read_file(path: Path, config: "DataConfig") -> RawRows:
    """Read the requested columns of one file.

    Raises:
        DataError: The file is missing, of an unknown kind, unreadable, broken, empty, or lacks a column.
    """
    return read_files([path], config, str(path))


def read_files(paths: Sequence[Path], config: "DataConfig", origin: str) -> RawRows:
    """Read and concatenate the requested columns of several files of one format.

    Raises:
        DataError: The files are of several formats; or see `read_file`.
    """
    kinds = {_kind(path): path for path in reversed(paths)}
    if len(kinds) > 1:
        found = ", ".join(cut(path, _MAX_PATH_SHOWN) for path in sorted(kinds.values()))
        raise DataError(f"{origin} is in {len(kinds)} formats", found=found, hint="keep one format")
    return collect((batch for path in paths for batch in _file_batches(path, config)), origin)


def read_folder(folder: Path, config: "DataConfig") -> RawData:
    """Read a folder: the `aclImdb` tree, or files whose names or folder names denote their split.

    If no name denotes a split, all files form one table. If some do, the others are left out and reported in a note.

    Raises:
        DataError: There are no data files, or a split has two formats.
    """
    if tree := read_review_tree(folder, config):
        return tree
    suffixes = set(SUFFIXES) - ({".txt"} if config.header else set())  # a text file beside data is usually a README
    files = sorted(path for path in folder.rglob("*") if plain_suffix(path) in suffixes and path.is_file())
    files = [path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not files:
        raise DataError(f"{folder} holds no data", expected=f"files that end in {_KINDS}, or train/pos/*.txt")
    return _read_divided(files, folder, str(folder), config)


def read_pattern(pattern: str, config: "DataConfig") -> RawData:
    """Read the files that match a pattern; they are split like those of a folder.

    Raises:
        DataError: No file matches, or a split has two formats.
    """
    files = matching_files(pattern)
    return _read_divided(files, root_of(pattern), pattern, config, [_match_note(files, pattern)])


def read_split(source: str, config: "DataConfig") -> RawRows:
    """Read one split: a file, or the files that match a pattern.

    Raises:
        DataError: See `read_files`.
    """
    if not is_pattern(source):
        return read_file(Path(source).expanduser(), config)
    files = matching_files(source)
    rows = read_files(files, config, source)
    return replace(rows, notes=(_match_note(files, source), *rows.notes))


def root_of(pattern: str) -> Path:
    """Return the deepest folder that contains all possible matches of a pattern."""
    root = Path(pattern).expanduser()
    while glob.has_magic(str(root)):
        root = root.parent
    return root


def matching_files(pattern: str, suffixes: Sequence[str] = SUFFIXES) -> list[Path]:
    """Return the sorted files that match a pattern, without hidden files and unsupported formats.

    Raises:
        DataError: No file matches, or none of a known kind.
    """
    kinds = kinds_text(suffixes)
    full = str(Path(pattern).expanduser())
    found = glob.glob(full, recursive=True)  # noqa: PTH207 - unlike Path.glob it leaves hidden files out
    matches = [path for path in sorted(map(Path, found)) if path.is_file()]
    files = [path for path in matches if plain_suffix(path) in suffixes]
    if files:
        return files
    if matches:
        found_kinds = list_values(sorted({path.suffix.lower() or "no suffix" for path in matches}))
        raise DataError(f"the files that match {pattern} have an unknown format", found=found_kinds, expected=kinds)
    missing = Path(full)
    while glob.has_magic(str(missing.parent)) or not missing.parent.is_dir():  # the first part that does not exist
        missing = missing.parent
    raise DataError(
        f"no file matches {pattern}",
        found=f"{missing.parent} exists, {missing.name} in it does not",
        expected=f"files ({kinds})",
        hint=_nearest_beside(missing),
    )


def _read_divided(
    files: Sequence[Path], root: Path, origin: str, config: "DataConfig", notes: Sequence[str] = ()
) -> RawData:
    by_split: dict[str, list[Path]] = {}
    unnamed: list[Path] = []
    for path in files:
        names = [path.stem, *reversed(path.relative_to(root).parts[:-1])]
        split = next(filter(None, map(split_of, names)), None)
        (by_split.setdefault(split, []) if split else unnamed).append(path)
    left_out = [path.relative_to(root) for path in unnamed if by_split]
    notes = [*notes, *(f"{path} was left out: its name does not denote a split" for path in left_out)]
    splits: dict[str, RawRows] = {}
    for split, paths in (by_split or {"train": unnamed}).items():
        name = str(paths[0]) if len(paths) == 1 else f"{origin} ({split})"
        splits[split] = read_files(paths, config, name)
        notes += splits[split].notes
    return RawData(origin, splits, tuple(notes))


def _match_note(files: Sequence[Path], pattern: str) -> str:
    return f"{len(files):,} files match {pattern}" if len(files) > 1 else f"1 file matches {pattern}"


def _file_batches(path: Path, config: "DataConfig") -> Iterator[RawRows]:
    if path.is_dir():
        hint = "the folder as the whole source: file names denote the splits"
        raise DataError(f"{path} is a folder", expected=f"a file ({_KINDS})", hint=hint)
    if not path.is_file():
        raise missing_file(path)
    read = _READERS.get(plain_suffix(path))
    if read is None:
        found = _kind(path) or "no suffix"
        raise DataError(f"{path} has an unknown format", found=found, expected=_KINDS, hint=content_hint(path))
    if not config.header and read is not read_delimited:
        raise no_header_error(path)
    rows = 0
    try:
        check_content(path)
        for batch in read(path, config):
            rows += len(batch)
            yield batch
    except OSError as error:
        raise DataError(f"{path} cannot be read", found=error.strerror or str(error)) from None
    if rows == 0:
        raise DataError(f"{path} has no rows", expected="at least one row below the header")


def _kind(path: Path) -> str:
    """Return the suffix, including the compression's, since a file in both forms is likely a duplicate."""
    suffix = plain_suffix(path)
    return suffix if path.suffix.lower() == suffix else suffix + path.suffix.lower()


def _nearest_beside(path: Path) -> Advice | None:
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    match = nearest(path.name, beside)
    return Advice(either_path(path.parent / match)) if match else None

"""Load raw rows per split from the hub, files, folders or tables in memory."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imdb_sentiment.data.data_like import is_table
from imdb_sentiment.data.file_sources import (
    SUFFIXES,
    is_pattern,
    read_file,
    read_folder,
    read_pattern,
    read_split,
    split_of,
)
from imdb_sentiment.data.formats.compression import plain_suffix
from imdb_sentiment.data.frames import read_pair, read_table
from imdb_sentiment.data.raw_rows import RawData, RawRows
from imdb_sentiment.errors import DataError
from imdb_sentiment.runtime.huggingface import hub_errors, hub_or_cache, quiet
from imdb_sentiment.runtime.messages import Advice, Setting, list_values, quote

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["load_source"]

_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_SPLITS = ("train", "validation", "test")
_GIVEN = "the given data"


def load_source(config: "DataConfig", data: object = None) -> RawData:
    """Load the rows of `config.source`, or of `data`.

    Args:
        config: Names the source and its columns.
        data: A pandas or polars frame, an Arrow table, a `datasets.Dataset` or `DatasetDict`, a list of dictionaries, a
            mapping from split names to such tables, or a pair `(texts, labels)`; used instead of `config.source`.

    Raises:
        DataError: The source is missing, broken, or lacks a column.
        HubUnavailableError: The source is on the hub, and the hub did not answer.
    """
    if isinstance(data, Mapping):
        return _from_tables(data, config, _GIVEN)
    if isinstance(data, tuple) and len(data) == 2:
        return RawData(_GIVEN, {"train": read_pair(*data, config, _GIVEN)}, ())
    if data is not None:
        return RawData(_GIVEN, {"train": read_table(data, config, _GIVEN)}, ())
    if isinstance(config.source, Mapping):
        return _from_mapping({name: str(path) for name, path in config.source.items()}, config)
    source = str(config.source)
    if is_pattern(source):
        return read_pattern(source, config)
    path = Path(source).expanduser()
    if path.is_dir():
        return read_folder(path, config)
    looks_like_file = plain_suffix(path) in SUFFIXES or path.is_absolute() or source.startswith((".", "~"))
    if path.exists() or looks_like_file or not _HUB_ID.fullmatch(source):
        rows = read_file(path, config)
        return RawData(str(path), {"train": rows}, rows.notes)
    return _from_hub(source, config)


def _from_mapping(paths: Mapping[str, str], config: "DataConfig") -> RawData:
    if not paths:
        raise DataError("the source mapping is empty", expected="a path for each split: " + ", ".join(_SPLITS))
    splits: dict[str, RawRows] = {}
    for name, path in paths.items():
        if name not in _SPLITS:
            found = list_values(paths)
            raise DataError(f"the source mapping has a split {quote(name)}", found=found, expected=", ".join(_SPLITS))
        splits[name] = read_split(path, config)
    notes = tuple(note for rows in splits.values() for note in rows.notes)
    return RawData(", ".join(paths.values()), splits, notes)


def _from_hub(name: str, config: "DataConfig") -> RawData:
    import datasets

    hint = Advice("a file or folder on disk: ", Setting("source", "PATH", "DataConfig", "--data"))
    reach = hub_or_cache(name, "dataset", config.revision)
    with quiet(), hub_errors(f"data set {name!r}", DataError, hint=hint), reach:
        loaded = datasets.load_dataset(name, config.subset, revision=config.revision)
    return _from_tables(dict(loaded), config, name)


def _from_tables(tables: Mapping[Any, object], config: "DataConfig", origin: str) -> RawData:
    named = {name: split_of(str(name)) for name in tables}
    if len(tables) == 1:
        named = dict.fromkeys(tables, "train")
    found = [split for split in named.values() if split]
    if ("train" not in found and "test" not in found) or len(found) != len(set(found)):
        hint = None if any(map(is_table, tables.values())) else "one table: pandas.DataFrame(data)"
        expected = "at most one split each for train, validation and test"
        raise DataError(
            f"the splits of {origin} are not understood", found=list_values(tables), expected=expected, hint=hint
        )
    splits = {split: read_table(tables[name], config, f"{origin} ({name})") for name, split in named.items() if split}
    notes = tuple(f"split {quote(str(name))} was left out" for name, split in named.items() if split is None)
    return RawData(origin, splits, notes)

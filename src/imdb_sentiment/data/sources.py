"""Any source becomes raw rows per split: the hub, files and folders, and tables in memory."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.data.columns import RawRows, check_columns, rows_from_arrow, rows_from_values
from imdb_sentiment.data.files import SUFFIXES, read_file, read_folder, split_of
from imdb_sentiment.errors import DataError
from imdb_sentiment.upstream import hub_errors, hub_or_cache, quiet

if TYPE_CHECKING:
    import datasets

    from imdb_sentiment.config import DataConfig

__all__ = ["RawData", "load_source"]

_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_SPLITS = ("train", "validation", "test")


class RawData(NamedTuple):
    """The rows of each split that the source brings, unchecked."""

    origin: str
    splits: Mapping[str, RawRows]
    """Some of `train`, `validation` and `test`; an undivided source is all `train`."""

    notes: tuple[str, ...]
    """How the source was read, where that is not obvious."""


def load_source(config: "DataConfig", data: object = None) -> RawData:
    """Load the rows that `config.source` names, or that `data` holds.

    Args:
        config: Names the source and its columns.
        data: A DataFrame, a `datasets.Dataset` or `DatasetDict`, a mapping from split names to such tables, or a pair
            `(texts, labels)`; takes the place of `config.source`.

    Raises:
        DataError: The source is missing, broken, or lacks a column.
        HubUnavailableError: The source is on the hub, and the hub did not answer.
    """
    if data is not None:
        return _from_memory(data, config)
    if isinstance(config.source, dict):
        return _from_mapping(config.source, config)
    path = Path(config.source).expanduser()
    if path.is_dir():
        splits, notes = read_folder(path, config)
        return RawData(str(path), splits, notes)
    looks_like_file = path.suffix.lower() in SUFFIXES or path.is_absolute() or config.source.startswith((".", "~"))
    if path.exists() or looks_like_file or not _HUB_ID.fullmatch(config.source):
        rows, notes = read_file(path, config)
        return RawData(str(path), {"train": rows}, notes)
    return _from_hub(config.source, config)


def _from_mapping(paths: Mapping[str, str], config: "DataConfig") -> RawData:
    if not paths:
        raise DataError("the source mapping is empty", expected="a path for each split: " + ", ".join(_SPLITS))
    splits: dict[str, RawRows] = {}
    notes: tuple[str, ...] = ()
    for name, path in paths.items():
        split = _exact_split(name, "the source mapping", paths)
        splits[split], more = read_file(Path(path).expanduser(), config)
        notes += more
    return RawData(", ".join(paths.values()), splits, notes)


def _from_hub(name: str, config: "DataConfig") -> RawData:
    import datasets

    hint = "a file or folder on disk: --data PATH"
    reach = hub_or_cache(name, "dataset", config.revision)
    with quiet(), hub_errors(f"data set {name!r}", DataError, hint=hint), reach:
        loaded = datasets.load_dataset(name, config.subset, revision=config.revision)
    return _from_tables(dict(loaded), config, name)


def _from_memory(data: object, config: "DataConfig") -> RawData:
    if isinstance(data, Mapping):
        return _from_tables(data, config, "the given data")
    if isinstance(data, tuple) and len(data) == 2:
        texts, labels = (_listed(part) for part in data)
        return RawData("the given data", {"train": rows_from_values(texts, labels, "the given data")}, ())
    return RawData("the given data", {"train": _from_table(data, config, "the given data")}, ())


def _from_tables(tables: Mapping[Any, object], config: "DataConfig", origin: str) -> RawData:
    named = {name: split_of(str(name)) for name in tables}
    if len(tables) == 1:
        named = dict.fromkeys(tables, "train")
    found = [split for split in named.values() if split]
    if ("train" not in found and "test" not in found) or len(found) != len(set(found)):
        expected = "at most one split each for train, validation and test"
        raise DataError(
            f"the splits of {origin} are not understood", found=", ".join(map(str, tables)), expected=expected
        )
    splits = {split: _from_table(tables[name], config, f"{origin} ({name})") for name, split in named.items() if split}
    notes = tuple(f"split {str(name)!r} was left out" for name, split in named.items() if split is None)
    return RawData(origin, splits, notes)


def _from_table(table: Any, config: "DataConfig", origin: str) -> RawRows:
    """Read a `datasets.Dataset`, or anything with `columns` and column access by name, such as a pandas frame."""
    wanted = ((config.text_column, "text_column"), (config.label_column, "label_column"))
    if type(table).__module__.partition(".")[0] == "datasets":
        return _from_dataset(table, config, origin)
    columns = getattr(table, "columns", None)
    if columns is None:
        expected = "a DataFrame, a datasets.Dataset or DatasetDict, or a pair (texts, labels)"
        raise DataError("data of this type cannot be read", found=type(table).__name__, expected=expected)
    by_name = {str(name): name for name in columns}  # pandas numbers the columns of a table without a header
    check_columns([str(name) for name in columns], wanted, origin)
    texts, labels = (_listed(table[by_name[name]]) for name, _ in wanted)
    return rows_from_values(texts, labels, origin)


def _from_dataset(table: "datasets.Dataset", config: "DataConfig", origin: str) -> RawRows:
    import datasets
    import pyarrow as pa

    if not isinstance(table, datasets.Dataset):
        hint = "load it whole: load_dataset(...) without streaming=True"
        raise DataError("data of this type cannot be read", found=type(table).__name__, hint=hint)
    wanted = ((config.text_column, "text_column"), (config.label_column, "label_column"))
    check_columns(table.column_names, wanted, origin)
    arrow = table.select_columns([name for name, _ in wanted]).with_format("arrow")[:]
    labels = arrow[config.label_column]
    feature = table.features[config.label_column]
    if isinstance(feature, datasets.ClassLabel):  # ids stand for names there; -1 for no label
        names = [None if i is None else feature.int2str(i) if i >= 0 else str(i) for i in labels.to_pylist()]
        labels = pa.chunked_array([pa.array(names, pa.string())])
    return rows_from_arrow(arrow[config.text_column], labels, origin)


def _exact_split(name: str, origin: str, names: Mapping[str, object]) -> str:
    if name not in _SPLITS:
        found = ", ".join(map(str, names))
        raise DataError(f"{origin} has a split {name!r}", found=found, expected=", ".join(_SPLITS))
    return name


def _listed(values: Any) -> list[object]:
    values = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        found = f"a single {type(values).__name__}"
        raise DataError("data of this type cannot be read", found=found, expected="a list of texts, a list of labels")
    return list(values)

"""Rows to divide, and ways to look at what became of them."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.cleaning import text_key
from imdb_sentiment.data.data_like import DataSplits
from imdb_sentiment.data.inspection import inspect_rows
from imdb_sentiment.data.raw_rows import RawData, RawRows, rows_from_columns
from imdb_sentiment.data.splits import divide, load_splits

Pair = tuple[str, int]
SPLITS = ("train", "validation", "test")


def raw_rows(texts: Any, labels: Any, origin: str = "here", *, before: int = 0, **more: Any) -> RawRows:
    """Rows as a source gives them; `more` has further columns by role."""
    return rows_from_columns({"text": texts, "label": labels, **more}, origin, before=before)


def split_rows(rows: Sequence[tuple[object, object]], config: DataConfig | None = None) -> DataSplits:
    """Divide one undivided table."""
    config = config or DataConfig()
    data = ([text for text, _ in rows], [label for _, label in rows])
    return load_splits(config, data).splits


def split_tables(tables: Mapping[str, Sequence[Pair]], config: DataConfig | None = None) -> DataSplits:
    """Divide rows that bring some splits already."""
    raw = {
        name: raw_rows([text for text, _ in rows], [label for _, label in rows], name) for name, rows in tables.items()
    }
    return divided(RawData("the given data", raw, ()), config or DataConfig())


def divided(raw: RawData, config: DataConfig) -> DataSplits:
    """Divide rows that are read already."""
    return divide(raw, inspect_rows(raw.splits, config), config)[0]


def review(number: int) -> str:
    """A text that is nothing like any other one's."""
    return f"{hashlib.sha256(str(number).encode()).hexdigest()[:12]} {number}"


def reviews(negative: int, positive: int, start: int = 0) -> list[Pair]:
    """Rows with texts of their own, the classes mixed."""
    rows = [(review(start + i), 0) for i in range(negative)]
    rows += [(review(start + negative + i), 1) for i in range(positive)]
    return sorted(rows, key=lambda row: text_key(row[0]))


def pairs(dataset: Any) -> list[Pair]:
    return list(zip(dataset["text"], dataset["label"], strict=True))


def by_split(splits: DataSplits) -> dict[str, list[Pair]]:
    return {name: pairs(getattr(splits, name)) for name in SPLITS}


def keys(rows: Sequence[tuple[str, object]]) -> set[bytes]:
    return {text_key(text) for text, _ in rows}


def left_out(splits: DataSplits) -> dict[tuple[str, str], int]:
    return {(part.split, part.reason): part.rows for part in splits.summary.left_out}

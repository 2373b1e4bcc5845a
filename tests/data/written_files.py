"""Rows, and how they are written to files of each format."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from imdb_sentiment.data.columns import RawRows

ROWS = [("A quiet masterpiece.", "pos"), ('Dull, dull, "dull".', "neg"), ("None", "neg"), ("NA", "pos"), ("123", "neg")]


def write_delimited(path: Path, rows: list[tuple[str, str]], dialect: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, dialect).writerows([("text", "label"), *rows])


def write_csv(path: Path, rows: list[tuple[str, str]]) -> None:
    write_delimited(path, rows, "excel")


def write_tsv(path: Path, rows: list[tuple[str, str]]) -> None:
    write_delimited(path, rows, "excel-tab")


def write_jsonl(path: Path, rows: list[tuple[str, str]]) -> None:
    lines = [json.dumps({"id": i, "text": text, "label": label}) for i, (text, label) in enumerate(rows)]
    path.write_text("\n".join(lines), encoding="utf-8")


def write_parquet(path: Path, rows: list[tuple[str, str]]) -> None:
    texts, labels = zip(*rows, strict=True)
    pq.write_table(pa.table({"id": range(len(rows)), "text": list(texts), "label": list(labels)}), path)


WRITERS: dict[str, Callable[[Path, list[tuple[str, str]]], None]] = {
    ".csv": write_csv,
    ".tsv": write_tsv,
    ".jsonl": write_jsonl,
    ".parquet": write_parquet,
}
"""By suffix."""


def pairs(rows: RawRows) -> list[tuple[str | None, str | None]]:
    return list(zip(rows.texts.to_pylist(), rows.labels.to_pylist(), strict=True))

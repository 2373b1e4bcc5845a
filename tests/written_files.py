"""Rows, and how they are written to files of each format."""

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from imdb_sentiment.data.raw_rows import RawRows

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


def write_arrow(path: Path, rows: list[tuple[str, str]]) -> None:
    texts, labels = zip(*rows, strict=True)
    table = pa.table({"id": range(len(rows)), "text": list(texts), "label": list(labels)})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:  # as `datasets` does
        writer.write_table(table)


WRITERS: dict[str, Callable[[Path, list[tuple[str, str]]], None]] = {
    ".csv": write_csv,
    ".tsv": write_tsv,
    ".txt": write_tsv,
    ".jsonl": write_jsonl,
    ".parquet": write_parquet,
    ".arrow": write_arrow,
}
"""By suffix."""

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".gzip": gzip.compress,
    ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
    ".zstd": lambda content: pa.compress(content, "zstd", asbytes=True),
}
"""By suffix."""


def write(path: Path, rows: list[tuple[str, str]]) -> Path:
    """Write rows to a file, compressed if its name says so."""
    compress = COMPRESSORS.get(path.suffix.lower())
    WRITERS[(Path(path.stem) if compress else path).suffix.lower()](path, rows)
    if compress:
        path.write_bytes(compress(path.read_bytes()))
    return path


def pairs(rows: RawRows) -> list[tuple[str | None, str | None]]:
    return list(zip(rows.table["text"].to_pylist(), rows.table["label"].to_pylist(), strict=True))

"""A file that is something else than its name says is refused with what it is, and what to do."""

import gzip
import io
import json
import pickle
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.file_sources import read_file
from imdb_sentiment.data.formats.opening import open_table
from imdb_sentiment.errors import DataError
from written_files import COMPRESSORS, ROWS, WRITERS, write

OBJECTS = [{"text": text, "label": label} for text, label in ROWS]


def workbook(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")


def archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("reviews.csv", "text,label\n")


def database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table reviews (text, label)")
    connection.commit()
    connection.close()


def tar(path: Path) -> None:
    content = io.BytesIO(b"text,label\n")
    with tarfile.open(path, "w") as file:
        entry = tarfile.TarInfo("reviews.csv")
        entry.size = len(content.getvalue())
        file.addfile(entry, content)


def content(value: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(value)


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "gzip": (content(gzip.compress(b"text,label\nfine,1\n")), "call it {}.gz"),
    "Zstandard": (content(pa.compress(b"text,label\nfine,1\n", "zstd", asbytes=True)), "call it {}.zst"),
    "Parquet": (lambda path: WRITERS[".parquet"](path, ROWS), "call it reviews.parquet"),
    "Arrow": (lambda path: WRITERS[".arrow"](path, ROWS), "call it reviews.arrow"),
    "a spreadsheet": (workbook, "save it as CSV"),
    "a zip archive": (archive, "unzip it"),
    "an SQLite database": (database, "sqlite3"),
    "an archive": (tar, "unpack it"),
    "an old Office file": (content(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)), "save it as CSV"),
    "a PDF document": (content(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), "copy its texts"),
    "HTML": (content(b"\n<!DOCTYPE html>\n<html><body>Sign in, please</body></html>"), "get the data file itself"),
    "a Python object": (content(pickle.dumps(OBJECTS)), "to_parquet"),
    "bzip2": (content(b"BZh91AY&SY" + bytes(20)), "bunzip2"),
    "xz": (content(b"\xfd7zXZ\0" + bytes(20)), "unxz"),
    "a pointer to a file in Git LFS": (
        content(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        "git lfs pull",
    ),
    "JSON, but": (content(json.dumps(OBJECTS).encode()), "pandas.read_json"),
    "JSON, but not one object per line": (content(json.dumps(OBJECTS[0], indent=2).encode()), "pandas.read_json"),
    "JSON, but not": (content(json.dumps({"text": {"0": "fine"}, "label": {"0": 1}}).encode()), "pandas.read_json"),
    "JSON Lines": (lambda path: WRITERS[".jsonl"](path, ROWS), "call it reviews.jsonl"),
    "CSV": (lambda path: WRITERS[".csv"](path, ROWS), "call it reviews.csv"),
    "TSV": (lambda path: WRITERS[".tsv"](path, ROWS), "call it reviews.tsv"),
}
"""What a file may be: how it is written, and what is advised."""

OWN = {
    ".csv": ("CSV", "TSV"),
    ".tsv": ("CSV", "TSV"),
    ".txt": ("CSV", "TSV"),
    ".jsonl": ("JSON Lines",),
    ".parquet": ("Parquet",),
    ".arrow": ("Arrow",),
}


@pytest.mark.parametrize("suffix", OWN)
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_something_else_is_said_to_be_it(kind: str, suffix: str, tmp_path: Path) -> None:
    make, advice = KINDS[kind]
    path = tmp_path / f"reviews{suffix}"
    make(path)
    if kind in OWN[suffix]:
        assert len(read_file(path, DataConfig())) == len(ROWS)
        return
    with pytest.raises(DataError, match="despite its name") as caught:
        read_file(path, DataConfig())
    assert str(caught.value.found).startswith(kind)
    assert advice.format(path.name) in str(caught.value.hint)
    if suffix != ".arrow":
        with pytest.raises(DataError, match="despite its name"), open_table(path, ["text"]):
            pass


@pytest.mark.parametrize("compression", COMPRESSORS)
@pytest.mark.parametrize("suffix", WRITERS)
def test_a_file_that_only_looks_compressed_is_said_not_to_be(suffix: str, compression: str, tmp_path: Path) -> None:
    path = tmp_path / f"reviews{suffix}{compression}"
    WRITERS[suffix](path, ROWS)
    with pytest.raises(DataError, match="despite its name") as caught:
        read_file(path, DataConfig())
    kinds = {".csv": "CSV", ".tsv": "TSV", ".txt": "TSV", ".jsonl": "JSON Lines"}
    kind = kinds.get(suffix, suffix[1:].capitalize())
    assert caught.value.found == f"{kind}, by its first bytes"
    assert caught.value.hint == f"call it reviews{'.tsv' if suffix == '.txt' else suffix}"


def test_what_is_compressed_is_looked_at_too(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv.gz"
    plain = write(tmp_path / "a.parquet", ROWS).read_bytes()
    path.write_bytes(gzip.compress(plain))
    with pytest.raises(DataError, match="is not CSV") as caught:
        read_file(path, DataConfig())
    assert (caught.value.found, caught.value.hint) == ("Parquet, by its first bytes", "call it reviews.parquet.gz")
    path.write_bytes(gzip.compress(gzip.compress(b"text,label\n")))
    with pytest.raises(DataError, match="is not CSV") as caught:
        read_file(path, DataConfig())
    assert caught.value.hint == "decompress it once"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("reviews.xlsx", "a spreadsheet (.xlsx or .ods): open it in the program that wrote it"),
        ("reviews", "a spreadsheet"),
    ],
)
def test_an_unknown_suffix_is_explained_by_the_content(name: str, hint: str, tmp_path: Path) -> None:
    workbook(tmp_path / name)
    with pytest.raises(DataError, match="has an unknown format") as caught:
        read_file(tmp_path / name, DataConfig())
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    "text",
    ["PAR1 is a station", "ORC,label", "BZh", "Obj", "{so it goes", "[sic]", '{"quoted": no json', "PK", "%PDF", "MZ"],
)
def test_texts_that_begin_like_something_else_are_texts(text: str, tmp_path: Path) -> None:
    path = tmp_path / "reviews.tsv"
    path.write_text(f"{text}\t1\nfine\t0\n")
    config = DataConfig(header=False, text_column="1", label_column="2")
    assert read_file(path, config).table["text"].to_pylist() == [text, "fine"]


def test_a_broken_object_is_no_other_format(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_text('{"text": "a", "label": 1}{"text": "b"}\n')
    with pytest.raises(DataError, match="is not JSON in row 1"):
        read_file(path, DataConfig())

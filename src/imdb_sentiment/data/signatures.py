"""Detect the format of a file from its first bytes."""

import codecs
import json
import re
from pathlib import Path
from typing import NamedTuple

from imdb_sentiment.data.formats.compression import COMPRESSIONS, open_bytes, plain_suffix
from imdb_sentiment.data.formats.text import find_mark
from imdb_sentiment.errors import DataError

__all__ = ["check_content", "content_hint", "refuse_binary"]

_HEAD = 2**16


class _Content(NamedTuple):
    """A detected format."""

    name: str

    suffix: str
    """File suffix; empty if the format is not supported."""

    advice: str = ""
    """What to do with an unsupported file."""


_AS_CSV = "open it in the program that wrote it, and save it as CSV (UTF-8)"
_AS_PARQUET = "write it again as Parquet, as pandas does with .to_parquet()"
_AS_TEXT = "copy its texts into a CSV file"
_AS_LINES = 'pandas.read_json(PATH).to_json("NEW.jsonl", orient="records", lines=True) in Python'
_NO_DATA = "get the data file itself; often a web page was saved in its place"

_BYTES: tuple[tuple[bytes, _Content], ...] = (
    (rb"\x1f\x8b", _Content("gzip", ".gz")),
    (rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18", _Content("Zstandard", ".zst")),
    (rb"PAR1.*?[\x00-\x08]", _Content("Parquet", ".parquet")),
    (rb"ARROW1\x00|\xff{4}...\x00", _Content("Arrow", ".arrow")),
    (rb"PK(?:\x03\x04|\x05\x06).*?(?:xl/|spreadsheet)", _Content("a spreadsheet (.xlsx or .ods)", "", _AS_CSV)),
    (rb"PK(?:\x03\x04|\x05\x06)", _Content("a zip archive", "", "unzip it, and name what was in it")),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _Content("an old Office file, such as an .xls spreadsheet", "", _AS_CSV)),
    (
        rb"SQLite format 3\x00",
        _Content("an SQLite database", "", "write its table as CSV: sqlite3 -header -csv FILE 'SELECT ...' > NEW.csv"),
    ),
    (rb"BZh\d1AY&SY", _Content("bzip2", "", "decompress it: bunzip2")),
    (rb"\xfd7zXZ\x00", _Content("xz", "", "decompress it: unxz")),
    (rb"\x04\x22\x4d\x18", _Content("LZ4", "", "decompress it: lz4 -d")),
    (rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|.{257}ustar", _Content("an archive", "", "unpack it, and name what was in it")),
    (rb"(?:FEA1|ORC|PARE).*?[\x00-\x08]|Obj\x01|\x89HDF", _Content("another format of tables", "", _AS_PARQUET)),
    (rb"\x93NUMPY|\x80[\x02-\x05]", _Content("a Python object", "", _AS_PARQUET)),
    (rb"%PDF-\d", _Content("a PDF document", "", _AS_TEXT)),
    (rb"\{\\rtf", _Content("an RTF document", "", _AS_TEXT)),
    (rb"(?:\xef\xbb\xbf)?\s*(?i:<!doctype|<html|<\?xml)", _Content("HTML or XML", "", _NO_DATA)),
    (rb"version https://git-lfs\.github\.com/", _Content("a pointer to a file in Git LFS", "", "git lfs pull")),
)
_CSV, _TSV, _TEXT = _Content("CSV", ".csv"), _Content("TSV", ".tsv"), _Content("text", ".txt")
_JSON_LINES = _Content("JSON Lines", ".jsonl")
_JSON = _Content("JSON, but not one object per line", "", _AS_LINES)

_DELIMITED = ("CSV", "TSV", "text")
_ACCEPTED = {
    ".csv": _DELIMITED,
    ".tsv": _DELIMITED,
    ".txt": _DELIMITED,
    ".jsonl": ("JSON Lines", "text"),  # text: the reader reports what is wrong with it
    ".parquet": ("Parquet",),
    ".arrow": ("Arrow",),
}
"""Formats accepted for each suffix."""

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f]")
"""Control bytes that are rare in text and common in binary formats."""

_JSON_ARRAY = re.compile(r'\[\s*[\[{]\s*[\[{"]')
_JSON_OBJECT = re.compile(r'\{\s*"(?:[^"\\]|\\.)*"\s*:')


def check_content(path: Path) -> None:
    """Check that the first bytes of a file match its suffix; unknown content is left to the reader.

    Args:
        path: A file with a known suffix.

    Raises:
        DataError: The content is another format, or damaged compressed data.
        OSError: The file cannot be read.
    """
    found = _identify(_head(path))
    packed = COMPRESSIONS.get(path.suffix.lower())
    inner = Path(path.stem) if packed else path
    if packed and found and found.name != packed:
        raise _wrong(path, packed, found, _advice(found, inner))
    if packed and found:
        with open_bytes(path) as stream:
            found = _identify(stream.read(_HEAD))
    accepted = _ACCEPTED[plain_suffix(path)]
    if found and found.name not in accepted:
        advice = _advice(found, inner) if not packed else found.suffix in COMPRESSIONS and "decompress it once"
        raise _wrong(path, accepted[0], found, advice or f"{_advice(found, inner)}{path.suffix}")


def content_hint(path: Path) -> str | None:
    """Return what to do with a file of unknown suffix, judging by its first bytes; None if they are unknown too."""
    found = _identify(_head(path))
    return f"it is {found.name}: {_advice(found, path)}" if found else None


def refuse_binary(head: bytes, origin: str) -> None:
    """Check that a stream does not begin with a binary format.

    Raises:
        DataError: It does.
    """
    if found := _of_bytes(head):
        raise DataError(
            f"{origin} is not text",
            found=f"{found.name}, by its first bytes",
            expected="lines of text",
            hint=found.advice or "the file itself: --input FILE --output FILE",
        )


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _wrong(path: Path, kind: str, found: _Content, advice: str) -> DataError:
    return DataError(
        f"{path} is not {kind}, despite its name",
        found=f"{found.name}, by its first bytes",
        expected=f"{kind}, as in files that end in {path.suffix}",
        hint=advice,
    )


def _advice(found: _Content, path: Path) -> str:
    name = f"{path.name}{found.suffix}" if found.suffix in COMPRESSIONS else path.with_suffix(found.suffix).name
    return found.advice or f"call it {name}"


def _identify(head: bytes) -> _Content | None:
    """Return the format that begins with these bytes; None if unknown."""
    if not head or (found := _of_bytes(head)):
        return found if head else None
    mark = find_mark(head)
    if mark is None and _CONTROL.search(head[:4096]):
        return None
    decoder = codecs.getincrementaldecoder(mark.encoding if mark else "utf-8")("replace")
    return _of_text(decoder.decode(head).lstrip("\ufeff").lstrip())


def _of_bytes(head: bytes) -> _Content | None:
    return next((content for pattern, content in _BYTES if re.match(pattern, head, re.DOTALL)), None)


def _of_text(text: str) -> _Content:
    first, more, _ = text.partition("\n" if "\n" in text else "\r")
    if _JSON_ARRAY.match(text) or first.rstrip() in ("{", "["):
        return _JSON
    if _JSON_OBJECT.match(text):
        return _kind_of_objects(text, first, whole=not more)
    if "\t" in first:
        return _TSV
    return _CSV if any(mark in first for mark in ",;|") and not text.startswith(("{", "[")) else _TEXT


def _kind_of_objects(text: str, first: str, *, whole: bool) -> _Content:
    """Distinguish JSON Lines from one JSON object over several lines or of whole columns; anything else is text."""
    try:
        record, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return _JSON_LINES if whole else _TEXT
    of_columns = whole and all(isinstance(value, dict | list) for value in record.values())
    if end > len(first) or of_columns:
        return _JSON
    return _TEXT if first[end:].strip() else _JSON_LINES

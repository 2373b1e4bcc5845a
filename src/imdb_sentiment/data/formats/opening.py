"""Files of rows to score, opened by their suffix."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from imdb_sentiment.data.formats.arrow import ParquetTable
from imdb_sentiment.data.formats.columns import Added, Chunk, text_specs
from imdb_sentiment.data.formats.compression import COMPRESSIONS, plain_suffix, whole_file
from imdb_sentiment.data.formats.delimited import DelimitedTable
from imdb_sentiment.data.formats.dialects import no_header_error
from imdb_sentiment.data.formats.jsonl import JsonTable
from imdb_sentiment.data.formats.text import TextError, TextFile, TooLongError
from imdb_sentiment.data.signatures import check_content, content_hint
from imdb_sentiment.errors import ConfigError, DataError
from imdb_sentiment.runtime.messages import Advice, Either, quote

__all__ = ["KINDS", "Table", "check_suffixes", "open_table", "refuse_endless"]

_DELIMITED = (".csv", ".tsv", ".txt")
KINDS = (*_DELIMITED, ".jsonl", ".parquet")
"""Each may be followed by a compression suffix."""


class Table(Protocol):
    """A file of rows, checked to be readable when it is opened."""

    columns: tuple[str, ...]
    """Names of the columns."""

    rows: int
    """Number of rows."""

    notes: tuple[str, ...]
    """Remarks for the user on how the file is read."""

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield the rows in order, `size` at a time."""

    def write_part(self, part: Path, chunk: Chunk, added: Added) -> None:
        """Write a chunk with the added columns, in a form that `join` reads."""

    def join(self, parts: Sequence[Path], target: Path, names: Sequence[str]) -> None:
        """Write one file from its parts.

        Args:
            parts: Files written by `write_part`, in order.
            target: The file to write; its suffix decides the compression.
            names: Names of the added columns.
        """


@contextmanager
def open_table(
    path: Path,
    texts: Sequence[str],
    *,
    encoding: str | None = None,
    header: bool = True,
    spreadsheet_safe: bool = False,
    field: str = "text_columns",
) -> Iterator[Table]:
    """Open a file whose rows are to be scored, and check that all of it can be read.

    Args:
        path: CSV, TSV, JSONL or Parquet, also compressed.
        texts: Names of the text columns.
        encoding: Encoding of a text file; by default UTF-8, or that of its byte order mark.
        header: Whether the first line of a CSV or TSV file names the columns; else they are counted from 1.
        spreadsheet_safe: Prefix cells that a spreadsheet might take for a formula with an apostrophe; CSV and TSV only.
        field: Argument that names the text columns; empty if there is none.

    Raises:
        DataError: The file is missing, of an unknown kind, broken, or lacks a column.
        ConfigError: An option does not suit the kind of file.
        OSError: The file cannot be read.
    """
    kind = _kind_of(path)
    if encoding is not None:
        _check_encoding(encoding)
    if spreadsheet_safe and kind not in _DELIMITED:
        raise ConfigError("spreadsheet_safe is for CSV and TSV files", found=path.name)
    if not header and kind not in _DELIMITED:
        raise no_header_error(path)
    specs = text_specs(texts, field=field)
    check_content(path)
    if kind == ".parquet":
        with whole_file(path) as whole:
            yield ParquetTable(whole, specs, str(path))
    elif kind == ".jsonl":
        yield JsonTable(TextFile(path, encoding), specs)
    else:
        yield DelimitedTable(TextFile(path, encoding), specs, header=header, spreadsheet_safe=spreadsheet_safe)


def refuse_endless(path: Path, encoding: str | None) -> None:
    """Check that no line of a compressed file exceeds the size limit, before a model is loaded.

    Raises:
        DataError: A line is too long, or the file is missing or of an unknown format.
    """
    kind = _kind_of(path)
    if kind == ".parquet" or path.suffix.lower() not in COMPRESSIONS:
        return
    check_content(path)
    row = 1 if kind == ".jsonl" else 0  # others have a header
    try:
        for _ in TextFile(path, encoding).lines():
            row += 1
    except TooLongError as error:
        raise error.explain(path, row) from None
    except TextError:
        return  # reported when the rows are read, with their numbers


def _kind_of(path: Path) -> str:
    if not path.is_file():
        if path.is_dir():
            # other commands open one file too
            hint = Advice("one of its files; to classify all: ", Either("predict_files", "predict --engine ray"))
            raise DataError(f"{path} is not one file", found="a folder", expected="a file of texts", hint=hint)
        raise DataError(f"there is no file {path}")
    kind = plain_suffix(path)
    if kind not in KINDS:
        expected = f"a file that ends in {', '.join(KINDS)}, also with .gz or .zst"
        found = kind or "no suffix"
        raise DataError(f"{path} has an unknown format", found=found, expected=expected, hint=content_hint(path))
    return kind


def check_suffixes(source: Path, target: Path) -> None:
    """Check that source and target have the same format.

    Raises:
        DataError: The source is missing or of an unknown format.
        ConfigError: The formats differ.
    """
    kinds = _kind_of(source), plain_suffix(target)
    if kinds[0] != kinds[1]:
        raise ConfigError(
            f"{target} has a different format than {source}",
            found=f"{kinds[0]} and {kinds[1] or 'no suffix'}",
            expected="the same format for both",
        )
    if kinds[1] == ".parquet" and target.suffix.lower() in COMPRESSIONS:
        raise ConfigError(f"{target} would be compressed twice", expected="a name that ends in .parquet")


def _check_encoding(name: str) -> None:
    try:
        b"text".decode(name, "ignore")
    except (LookupError, ValueError):
        raise ConfigError(
            f"encoding={quote(name)} is not a text encoding", expected="one such as cp1252 or latin-1"
        ) from None

"""CSV and TSV, read strictly: every record arrives whole, or the error names it."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imdb_sentiment.errors import DataError, list_rows

__all__ = ["read_delimited"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def read_delimited(path: Path) -> tuple[list[str], list[list[str]], str | None]:
    """Read a CSV or TSV file whose first line names the columns. Every field stays the text it is.

    A quote character opens a quoted field only at the field's beginning, and must then be closed (RFC 4180). Many TSV
    files use quote characters as ordinary text instead, as the format's registration with IANA has it; a TSV file in
    which each line has as many fields as the header is read in that way whenever quoting would merge its lines.

    Returns:
        The column names, the records in order, and a note for the user if quotes were read as ordinary text.

    Raises:
        DataError: The file is empty, is not UTF-8, has one column only, or has ragged records or quotes that are never
            closed.
    """
    text = _decode(path)
    if not text.strip():
        raise DataError(f"{path} is empty", expected="a header line and at least one row")
    delimiter = _DELIMITERS[path.suffix.lower()]
    note = None
    if delimiter == "\t" and (records := _plain_lines(text)) is not None:
        quoted = _try_quoted(text, delimiter)
        if quoted is not None and len(quoted) == len(records):
            records = quoted
        elif '"' in text:
            note = f"{path.name}: quote characters are read as ordinary text"
    else:
        records = _quoted_records(text, delimiter, path)
    header, rows = records[0], records[1:]
    if len(header) == 1:
        raise _one_column(path, header[0], delimiter)
    ragged = [number for number, row in enumerate(rows, start=1) if len(row) != len(header)]
    if ragged:
        first = rows[ragged[0] - 1]
        raise DataError(
            f"{path} is ragged in {list_rows(ragged)}",
            found=f"{len(first)} fields in row {ragged[0]}",
            expected=f"{len(header)}: {', '.join(header)}",
            hint="put fields that contain the separator between double quotes",
            rows=ragged,
        )
    return header, rows, note


def _one_column(path: Path, header: str, delimiter: str) -> DataError:
    other = next((mark for mark in ",;\t|" if mark in header), None)
    hint = f"the separator seems to be {other!r}: convert the file, or read it with pandas and give fit() the frame"
    return DataError(
        f"{path} has one column only",
        found=header,
        expected=f"a column of texts and a column of labels, separated by {delimiter!r}",
        hint=hint if other else None,
    )


def _decode(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} is not UTF-8",
            found=f"byte 0x{content[error.start]:02x} at position {error.start:,}, on line {line:,}",
            expected="text encoded as UTF-8",
            hint="convert the file first, e.g. iconv -f WINDOWS-1252 -t UTF-8",
        ) from None


def _plain_lines(text: str) -> list[list[str]] | None:
    """Split at line ends and tabs alone; None if the lines differ in their number of fields."""
    lines = text.replace("\r\n", "\n").split("\n")
    records = [line.split("\t") for line in lines if line]
    return records if len({len(record) for record in records}) == 1 else None


def _try_quoted(text: str, delimiter: str) -> list[list[str]] | None:
    try:
        with _unlimited_fields():
            return [record for record in csv.reader(_lines(text), delimiter=delimiter, strict=True) if record]
    except csv.Error:
        return None


def _quoted_records(text: str, delimiter: str, path: Path) -> list[list[str]]:
    records: list[list[str]] = []
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    start = 1
    try:
        with _unlimited_fields():
            for record in reader:
                if record:
                    records.append(record)
                start = reader.line_num + 1
    except csv.Error as error:
        row = len(records)
        raise DataError(
            f"{path} is not well-formed in row {row:,} (line {start:,})",
            found=str(error),
            expected='quoted fields that end in a quote, with quotes inside them doubled ("")',
            hint="save the file with standard quoting, or as TSV, Parquet or JSONL",
            rows=[row],
        ) from None
    return records


def _lines(text: str) -> Iterator[str]:
    """Cut after each line feed, not at the dozen other characters that `splitlines` takes for line ends."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


@contextmanager
def _unlimited_fields() -> Iterator[None]:
    before = csv.field_size_limit(2**31 - 1)  # the module's default refuses texts above 128 KiB
    try:
        yield
    finally:
        csv.field_size_limit(before)

"""Write a small table of rows to a new file of any format that is read."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from imdb_sentiment.data.formats.csv_records import records_as_text
from imdb_sentiment.errors import ConfigError
from imdb_sentiment.runtime.files import write_bytes

__all__ = ["check_new_table", "write_table"]

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_KINDS = (*_SEPARATORS, ".jsonl", ".parquet")


def check_new_table(path: Path, *, spreadsheet_safe: bool = False) -> None:
    """Check that a table can be written to a file of this name.

    Raises:
        ConfigError: Its suffix is none of the formats, or `spreadsheet_safe` is not for its format.
    """
    kind = path.suffix.lower()
    if kind not in _KINDS:
        found, expected = kind or "no suffix", f"a name that ends in {', '.join(_KINDS)}"
        raise ConfigError(f"rows are not written to {path}", found=found, expected=expected)
    if spreadsheet_safe and kind not in _SEPARATORS:
        raise ConfigError("spreadsheet_safe is for CSV and TSV files", found=path.name)


def write_table(
    path: Path, columns: Mapping[str, Sequence[object]], *, overwrite: bool, spreadsheet_safe: bool = False
) -> None:
    """Write columns of texts, numbers and nulls atomically, as CSV, TSV, JSONL or Parquet by the suffix.

    Args:
        path: The file.
        columns: The columns by name, all of one length. A null is an empty cell, `null` or a null.
        overwrite: Replace the file if it exists.
        spreadsheet_safe: Prefix cells that a spreadsheet might take for a formula with an apostrophe.

    Raises:
        ConfigError: See `check_new_table`.
        OutputExistsError: See `check_new_file`.
        DiskFullError: The disk is full.
    """
    check_new_table(path, spreadsheet_safe=spreadsheet_safe)
    kind, rows = path.suffix.lower(), zip(*columns.values(), strict=True)
    if kind == ".parquet":
        buffer = io.BytesIO()
        # a column of nulls alone is one to be filled with texts
        kinds = {name: pa.string() if all(value is None for value in some) else None for name, some in columns.items()}
        arrays = {name: pa.array(values, kinds[name]) for name, values in columns.items()}
        pq.write_table(pa.table(arrays), buffer)
        content = buffer.getvalue()
    elif kind == ".jsonl":
        lines = (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows)
        content = "".join(f"{line}\n" for line in lines).encode()
    else:
        cells = (["" if value is None else str(value) for value in row] for row in rows)
        records = records_as_text([[*columns], *cells], _SEPARATORS[kind], spreadsheet_safe=spreadsheet_safe)
        content = "".join(records).encode()
    write_bytes(path, content, overwrite=overwrite)

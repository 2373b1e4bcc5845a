"""Columns of any values are written so that they are read back."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from imdb_sentiment import ConfigError, OutputExistsError
from imdb_sentiment.data.formats.new_file import write_table

COLUMNS: dict[str, list[Any]] = {"row": [3, 1], "text": ['a "quoted", text', "=1+1\nπ"], "label": [None, None]}


def test_text_formats_have_empty_cells_or_null(tmp_path: Path) -> None:
    write_table(tmp_path / "rows.csv", COLUMNS, overwrite=False, spreadsheet_safe=True)
    content = (tmp_path / "rows.csv").read_text(encoding="utf-8")
    assert content == 'row,text,label\n3,"a ""quoted"", text",\n1,"\'=1+1\nπ",\n'
    write_table(tmp_path / "rows.jsonl", COLUMNS, overwrite=False)
    lines = (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)
    ]


def test_parquet_has_nulls_of_text(tmp_path: Path) -> None:
    write_table(tmp_path / "rows.parquet", COLUMNS, overwrite=False)
    table = pq.read_table(tmp_path / "rows.parquet")
    assert table.to_pydict() == COLUMNS
    assert str(table.schema.field("label").type) == "string"


def test_an_existing_file_and_an_unknown_format_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rows are not written to .*\.txt"):
        write_table(tmp_path / "rows.txt", COLUMNS, overwrite=False)
    (tmp_path / "rows.csv").touch()
    with pytest.raises(OutputExistsError):
        write_table(tmp_path / "rows.csv", COLUMNS, overwrite=False)
    write_table(tmp_path / "rows.csv", COLUMNS, overwrite=True)
    assert (tmp_path / "rows.csv").stat().st_size

"""Covers data/formats/csv_records.py: every cell comes back as it was, by each program that reads CSV."""

import csv
import io

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imdb_sentiment.data.formats.csv_records import records_as_text

SPECIAL = [
    "\r",
    "\n",
    "\r\n",
    "\0",
    '"',
    '""',
    ",",
    ";",
    "\t",
    "|",
    "\ufeff",
    " ",
    "\u2028",
    "\x85",
    "\x1c",
    "\\",
    "'",
    "#",
    "=",
]
CELLS = st.lists(st.sampled_from(SPECIAL) | st.text(max_size=3), max_size=5).map("".join)
"""Text of any kind; lone surrogates, which no file can hold, are refused when rows are read."""

TABLES = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1))


def read_by_python(content: bytes, separator: str) -> list[list[str]]:
    file = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")
    return list(csv.reader(file, delimiter=separator, strict=True))


def read_by_pandas(content: bytes, separator: str) -> list[list[str]]:
    frame = pd.read_csv(io.BytesIO(content), sep=separator, dtype=str, na_filter=False)
    return [list(frame.columns), *frame.to_numpy().tolist()]


def read_by_pyarrow(content: bytes, separator: str) -> list[list[str]]:
    names = read_by_python(content, separator)[0]
    table = pc.read_csv(
        io.BytesIO(content),
        parse_options=pc.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pc.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    return [
        table.column_names,
        *([*row] for row in zip(*(column.to_pylist() for column in table.columns), strict=True)),
    ]


@given(rows=TABLES, separator=st.sampled_from(",;\t|"))
@example(rows=[["superb\rplot", "\r=1+2"], ["", ""]], separator=",")
@example(rows=[[""], ["\ufeff"], ["x"], ["  "], [""]], separator="\t")
def test_every_cell_comes_back(rows: list[list[str]], separator: str) -> None:
    table = [[f"column {i}" for i in range(len(rows[0]))], *rows]
    content = "".join(records_as_text(table, separator)).encode()
    assert read_by_python(content, separator) == table
    assert read_by_pandas(content, separator) == table
    assert read_by_pyarrow(content, separator) == table


@given(names=st.lists(CELLS.filter(bool), min_size=1, max_size=4, unique=True))
@example(names=["\ufefftext", "label"])
@example(names=["\ufeff", "a\rb"])
def test_every_name_of_a_column_comes_back(names: list[str]) -> None:
    table = [names, ["x"] * len(names)]
    content = "".join(records_as_text(table, ",")).encode()
    assert read_by_python(content, ",") == table
    assert read_by_pandas(content, ",") == table
    assert read_by_pyarrow(content, ",") == table


def test_what_needs_no_quotes_has_none() -> None:
    assert [*records_as_text([["a b", "", "naïve 😀", "'"], ["x", 'say "x"', "", ""]], ",")] == [
        "a b,,naïve 😀,'\n",
        'x,"say ""x""",,\n',
    ]


SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
"""Also full-width, small, and the minus sign."""

BEFORE = st.text(" \t\r\n\v\f\0\x1b\x7f\x85\xa0\u200b\u2028\u202e\u3000\ufeff", max_size=4)


@given(before=BEFORE, sign=st.sampled_from(SIGNS), rest=CELLS)
def test_no_cell_is_taken_for_a_formula(before: str, sign: str, rest: str) -> None:
    cell = f"{before}{sign}1+1{rest}"
    (line,) = records_as_text([[cell, "x"]], ",", spreadsheet_safe=True)
    assert read_by_python(line.encode(), ",") == [[f"'{cell}", "x"]]


@pytest.mark.parametrize(
    "cell", ["\n=1", "\r=1", "\t=1", "\tx", "\rx", "\nx", "-dull", "=", "-inf", "-1_0", "-\u0661", "@x"]
)
def test_cells_that_are_made_harmless(cell: str) -> None:
    (line,) = records_as_text([[cell, "x"]], ",", spreadsheet_safe=True)
    assert read_by_python(line.encode(), ",") == [[f"'{cell}", "x"]]


@pytest.mark.parametrize("cell", ["", "-5", "+1.5e3", " -.5 ", "superb", "a=b", "two\nlines", "'=1", "  ", "0.987654"])
def test_cells_that_stay(cell: str) -> None:
    (line,) = records_as_text([[cell, "x"]], ",", spreadsheet_safe=True)
    assert read_by_python(line.encode(), ",") == [[cell, "x"]]

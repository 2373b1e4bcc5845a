"""Tables in files, read some rows at a time with all their columns, and written again with more."""

from imdb_sentiment.tables.json_lines import extended
from imdb_sentiment.tables.opening import KINDS, check_suffixes, open_table, refuse_endless
from imdb_sentiment.tables.parquet import with_columns
from imdb_sentiment.tables.record_writer import records_as_text
from imdb_sentiment.tables.table import Added, Chunk, Table

__all__ = [
    "KINDS",
    "Added",
    "Chunk",
    "Table",
    "check_suffixes",
    "extended",
    "open_table",
    "records_as_text",
    "refuse_endless",
    "with_columns",
]

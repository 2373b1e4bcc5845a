"""Configuration of the data source and its splits."""

import codecs
import encodings.aliases
from collections.abc import Mapping
from numbers import Real
from os import PathLike
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, model_validator

from imdb_sentiment.config.base import Frozen, NamesFromText, PathAsText, Seed, given_config, split_names
from imdb_sentiment.errors import ConfigError, nearest
from imdb_sentiment.runtime.messages import quote

__all__ = ["DataConfig", "source_of"]


def _label_to_text(value: object) -> object:
    """Convert a label to text, so that 1 in Parquet and "1" in CSV are the same label."""
    if type(value).__name__ in ("bool", "bool_"):  # the latter is NumPy's
        return str(value).lower()
    return str(int(float(value))) if isinstance(value, Real) and float(value).is_integer() else value


def _position_to_text(value: object) -> object:
    """Convert a column position to text, which names columns without a header."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _split_names(value: object) -> object:
    """Parse two names, also as `title,body` from the command line."""
    names = split_names(value)
    if not isinstance(names, list | tuple) or len(names) != 2:
        raise ValueError(f"text_columns = {quote(value)}: expected the names of two columns, such as title,body")
    return names


def _known_encoding(name: str) -> str:
    """Accept encodings that Python can decode files with, not codecs such as idna."""
    try:
        if codecs.lookup(name).name in ("idna", "punycode", "undefined"):
            raise LookupError
        b"text".decode(name, "ignore")
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError):
        match = nearest(name, {*encodings.aliases.aliases, *encodings.aliases.aliases.values()})
        advice = f"the nearest is {quote(match)}" if match else "expected one such as 'cp1252' or 'latin-1'"
        raise ValueError(f"encoding = {quote(name)} is not a text encoding that Python knows; {advice}") from None
    return name


if TYPE_CHECKING:  # accepted types; the value is stored as text
    Source = str | PathLike[str] | Mapping[str, str] | Mapping[str, PathLike[str]]
else:
    Source = str | dict[str, str]
Label = Annotated[str, Field(min_length=1), BeforeValidator(_label_to_text)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
ColumnName = Annotated[str, Field(min_length=1), BeforeValidator(_position_to_text)]
TwoColumns = Annotated[tuple[ColumnName, ColumnName], BeforeValidator(_split_names)]


class DataConfig(Frozen):
    """Source of texts and labels, and how to split them.

    The defaults load IMDb's film reviews from the Hugging Face hub. To use other data, change only this configuration.

    Raises:
        ConfigError: A field is unknown or its value is not valid; the nearest valid field is named.

    Example:
        ```python
        data = DataConfig(source="reviews.csv", text_column="text", label_column="label")
        spam = data.replace(source="messages.csv", group_column="sender")
        ```
    """

    main_field, argument = "source", "data_config"

    source: Annotated[Source, PathAsText] = "stanfordnlp/imdb"
    """A data set on the hub (`owner/name`), a file, a glob pattern (`reviews/*.csv`) or a folder (CSV, TSV, JSONL,
    Parquet or Arrow, also gzip or zstd; or the original `aclImdb` tree), or a mapping such as `{"train": "a.csv",
    "test": "b.csv"}`. Existing paths take precedence over the hub."""

    encoding: Annotated[str, AfterValidator(_known_encoding)] | None = None
    """Encoding of CSV, TSV and JSONL files, as Python names it (`cp1252`). By default UTF-8, or UTF-16 if the file
    begins with its byte order mark. Invalid bytes raise an error that names row and offset, because encodings cannot be
    detected reliably."""

    header: bool = True
    """Whether the first line of a CSV, TSV or TXT file names the columns. If not, columns are named by position, from
    1: `header=False, text_column="1", label_column="2"`."""

    revision: str | None = None
    """Branch, tag or commit of the hub data set. Pin a commit for reproducible data."""

    subset: str | None = None
    """Configuration of the hub data set, if it has several (`en` of `mteb/amazon_counterfactual`)."""

    text_column: ColumnName = "text"
    """Text column."""

    text_columns: TwoColumns | None = None
    """Two text columns, such as title and body, which are tokenized as a pair. Replaces `text_column`."""

    label_column: ColumnName = "label"
    """Label column."""

    group_column: ColumnName | None = None
    """Column of groups, such as author, film or thread: rows with the same value stay in one split. Empty values form
    no group."""

    weight_column: ColumnName | None = None
    """Column of positive numbers that weight each row in the training loss, such as the share of annotators who agree.
    Validation and test rows are not weighted."""

    slice_columns: Annotated[tuple[ColumnName, ...], NamesFromText] = ()
    """Columns by which a report is sliced, such as year or source, to show where the model is worse. The model does not
    read them. A column may have up to 100 distinct values. One named `length` or `confidence` replaces the built-in
    slices of that name."""

    positive_label: Label | None = None
    """The positive label, as spelled in the data (`spam`) and used in all output. Required unless the labels are 0/1,
    false/true, neg/pos or negative/positive, in upper or lower case."""

    negative_label: Label | None = None
    """The negative label; by default the other label is negative."""

    validation: Literal["auto", "split", "cross"] = "auto"
    """How to hold out validation rows if the source has no validation split. `split` holds out `validation_fraction` of
    the training rows. `cross` uses out-of-fold predictions of five folds and trains the final model on all rows, so no
    label is spent on validation. `auto` is `cross` below 500 training rows unless `FineTuneConfig.method` is
    `fine_tune`, `num_train_epochs` is set, or several processes train; and `split` otherwise."""

    validation_fraction: Fraction = 0.1
    """Share of the training rows held out for validation, if the source has no validation split."""

    test_fraction: Fraction | Literal["auto", 0] = "auto"
    """Share of all rows held out for the final test, if the source has no test split. 0 holds none out, for test rows
    that are kept elsewhere: see `SentimentClassifier.evaluate`. `auto` is 0.2, or no test split below 500 rows if they
    are cross-validated (see `validation`) and `max_train_samples` is not set: `evaluate` then reports out-of-fold
    metrics on all rows, five times as many as a test split would have."""

    max_train_samples: PositiveInt | None = None
    """Number of training rows to draw, stratified, before validation is split off. The test split is not reduced. A
    smaller number draws a subset of a larger one."""

    split_seed: Seed = 42
    """Seed of the splits and of `max_train_samples`. Separate from `FineTuneConfig.seed`, so runs with different seeds
    are evaluated on the same rows."""

    test_overlap: Literal["drop", "keep"] = "drop"
    """Whether to drop or keep training and validation rows whose text or group also occurs in the test split; both are
    counted."""

    near_duplicates: Literal["group", "ignore"] = "group"
    """Whether near duplicates stay in one split, as equal texts always do. Near duplicates share 70 % of their runs of
    five characters. `group` needs the extra `audit`."""

    invalid_rows: Literal["error", "drop"] = "error"
    """Whether rows with a null, blank or non-string text, or a null label, raise an error or are dropped and
    counted."""

    @property
    def columns_of_text(self) -> tuple[str, ...]:
        """The text columns: `text_columns`, or only `text_column`."""
        return self.text_columns or (self.text_column,)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if self.source == "":  # would be the working folder
            raise ValueError("source is empty")
        if self.text_columns is not None:
            self._check_text_columns(*self.text_columns)
        elif self.text_column == self.label_column:
            raise ValueError(f"text_column and label_column are both {quote(self.text_column)}")
        for field in ("group_column", "weight_column"):
            if (name := getattr(self, field)) in (*self.columns_of_text, self.label_column):
                raise ValueError(f"{field} names {quote(name)}, which is read as text or label")
        for name in self.slice_columns:
            if name in (*self.columns_of_text, self.label_column) or self.slice_columns.count(name) > 1:
                raise ValueError(f"slice_columns names {quote(name)}, which is read as text or label, or named twice")
        if self.negative_label is not None and self.positive_label is None:
            raise ValueError("negative_label is set but positive_label is not; set positive_label, or both")
        if self.positive_label is not None and self.positive_label == self.negative_label:
            raise ValueError(f"positive_label and negative_label are both {quote(self.positive_label)}")
        return self

    def _check_text_columns(self, first: str, second: str) -> None:
        if first == second:
            raise ValueError(f"text_columns are both {quote(first)}")
        if self.label_column in (first, second):
            raise ValueError(f"text_columns and label_column both name {quote(self.label_column)}")
        # not by model_fields_set: a saved configuration sets every field
        if self.text_column != type(self).model_fields["text_column"].default:
            raise ValueError(f"text_columns replaces text_column, which is set to {quote(self.text_column)} too")


def source_of(data: object, config: DataConfig | None) -> tuple[object, DataConfig]:
    """Distinguish rows from the name of a source, which goes into the configuration.

    Args:
        data: A `DataConfig`, a path or hub data set, a mapping of paths, or rows; None for the source of `config`.
        config: Names the columns and labels.

    Returns:
        The rows, or None if the configuration names the source; and the configuration.

    Raises:
        ConfigError: Both are a `DataConfig`, or one has a wrong type.
    """
    if isinstance(data, DataConfig):
        if config is not None:
            raise ConfigError("data and data_config both say where the data come from", hint="one of them")
        return None, data
    if isinstance(data, Frozen):
        raise ConfigError("data is a configuration of something else", found=quote(data), hint=f"{data.argument}=...")
    config = given_config(config, DataConfig)
    paths = data.values() if isinstance(data, Mapping) and data else [data]
    named = all(isinstance(path, str | PathLike) for path in paths)
    return (None, config.replace(source=data)) if named else (data, config)

"""Where texts and labels come from, and how they are split."""

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
    """Labels are compared as text, so that 1 in Parquet and "1" in CSV are the same label."""
    if type(value).__name__ in ("bool", "bool_"):  # the latter is NumPy's
        return str(value).lower()
    return str(int(float(value))) if isinstance(value, Real) and float(value).is_integer() else value


def _position_to_text(value: object) -> object:
    """A column without a name is called by its position, which YAML reads as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _split_names(value: object) -> object:
    """Read `title,body`, which is how the command line gives two names."""
    names = split_names(value)
    if not isinstance(names, list | tuple) or len(names) != 2:
        raise ValueError(f"text_columns = {quote(value)}: expected the names of two columns, such as title,body")
    return names


def _known_encoding(name: str) -> str:
    """Accept what Python decodes files with; domain names and the like have codecs too."""
    try:
        if codecs.lookup(name).name in ("idna", "punycode", "undefined"):
            raise LookupError
        b"text".decode(name, "ignore")
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError):
        match = nearest(name, {*encodings.aliases.aliases, *encodings.aliases.aliases.values()})
        said = f"the nearest is {quote(match)}" if match else "expected one such as 'cp1252' or 'latin-1'"
        raise ValueError(f"encoding = {quote(name)} is not a text encoding that Python knows; {said}") from None
    return name


if TYPE_CHECKING:  # what may be given; it is kept as text
    Source = str | PathLike[str] | Mapping[str, str] | Mapping[str, PathLike[str]]
else:
    Source = str | dict[str, str]
Label = Annotated[str, Field(min_length=1), BeforeValidator(_label_to_text)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
ColumnName = Annotated[str, Field(min_length=1), BeforeValidator(_position_to_text)]
TwoColumns = Annotated[tuple[ColumnName, ColumnName], BeforeValidator(_split_names)]


class DataConfig(Frozen):
    """Where texts and labels come from, and how they are split.

    The defaults are the task of the tutorial: IMDb's film reviews from the Hugging Face hub. For other data, change
    fields here and nothing else.

    Raises:
        ConfigError: A field is unknown or its value is not valid; the nearest valid field is named.
    """

    main_field, argument = "source", "data_config"

    source: Annotated[Source, PathAsText] = "stanfordnlp/imdb"
    """A data set on the hub (`owner/name`), a file, several by a pattern (`reviews/*.csv`) or a folder (CSV, TSV,
    JSONL, Parquet or Arrow, also gzip or zstd; or the original `aclImdb` tree), or a mapping such as `{"train":
    "a.csv", "test": "b.csv"}`. What exists on disk wins over the hub."""

    encoding: Annotated[str, AfterValidator(_known_encoding)] | None = None
    """Encoding of CSV, TSV and JSONL files, as Python names it (`cp1252`). By default UTF-8, or UTF-16 where the file
    begins with its mark; anything else is an error that names the row and the byte, since encodings cannot be told
    apart for sure."""

    header: bool = True
    """Whether the first line of a CSV, TSV or TXT file names the columns. Where it does not, a column is called by its
    position, counted from 1: `header=False, text_column="1", label_column="2"`."""

    revision: str | None = None
    """Branch, tag or commit of the hub data set. Pin a commit to get the same rows next year."""

    subset: str | None = None
    """Configuration of the hub data set, where it has several (`en` of `mteb/amazon_counterfactual`)."""

    text_column: ColumnName = "text"
    """Column that holds the text."""

    text_columns: TwoColumns | None = None
    """Two columns that are read together, such as a title and a body; they become the tokenizer's pair. Takes the place
    of `text_column`."""

    label_column: ColumnName = "label"
    """Column that holds the label."""

    group_column: ColumnName | None = None
    """Column of what holds rows together beside their text, such as an author, a film or a thread: rows with the same
    value are never divided between train, validation and test. An empty value holds nothing together."""

    slice_columns: Annotated[tuple[ColumnName, ...], NamesFromText] = ()
    """Columns that a report divides the rows by, such as the year or the source of a text: it says where the model is
    worse. The model does not read them. A column may have up to 100 different values. One that is called `length` or
    `confidence` takes the place of the division that every report has by that name."""

    positive_label: Label | None = None
    """The label that counts as positive, as it stands in the data (`spam`); kept as its name in all output. Needed
    unless the labels are 0/1, false/true, neg/pos or negative/positive, which are understood in any case."""

    negative_label: Label | None = None
    """The other label. By default the one that `positive_label` leaves over."""

    validation: Literal["auto", "split", "cross"] = "auto"
    """How models are compared and calibrated on rows that they were not trained on, where the source brings no
    validation split. `split` holds out `validation_fraction` of the training rows. `cross` divides the training rows
    into five folds, holds each out once, and trains the final model on all of them, so that no label is spent on
    validation. `auto` is `cross` below 500 training rows unless `FineTuneConfig.method` is or comes to `fine_tune`, and
    `split` elsewhere."""

    validation_fraction: Fraction = 0.1
    """Share of the training rows held out to choose the best epoch, where the source brings no validation split."""

    test_fraction: Fraction | Literal["auto"] = "auto"
    """Share of all rows held out for the final test, where the source brings no test split. `auto` is 0.2, or no test
    split at all below 500 rows if they are held out in turn (see `validation`) and `max_train_samples` is not set:
    `evaluate` then reports on those, with five times as many rows as a test split would have, and the final model is
    trained on all."""

    max_train_samples: PositiveInt | None = None
    """Use this many of the source's training rows, stratified, before validation is carved from them. The test split
    stays whole. A smaller number takes a subset of what a larger one takes."""

    split_seed: Seed = 42
    """Seed of the splits and of `max_train_samples`. Apart from `FineTuneConfig.seed`, so that training again with
    another seed is still measured on the same rows."""

    test_overlap: Literal["drop", "keep"] = "drop"
    """What happens to training (and validation) rows whose text or group also stands in the test split: they are left
    out, or kept; counted in either case."""

    near_duplicates: Literal["group", "ignore"] = "group"
    """Whether texts that are nearly the same stay on one side of every split, as equal texts always do. Nearly the same
    are two texts that share 70 % of their runs of five characters. Needs the extra `audit`; ignoring them does not."""

    invalid_rows: Literal["error", "drop"] = "error"
    """What happens to rows whose text is null, blank or not a string, or whose label is null: an error that lists
    them, or they are left out and counted."""

    @property
    def columns_of_text(self) -> tuple[str, ...]:
        """The columns that a text is read from: `text_columns`, or `text_column` alone."""
        return self.text_columns or (self.text_column,)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if self.source == "":  # as a path it would be the working folder
            raise ValueError("source is empty")
        if self.text_columns is not None:
            self._check_text_columns(*self.text_columns)
        elif self.text_column == self.label_column:
            raise ValueError(f"text_column and label_column are both {quote(self.text_column)}")
        if self.group_column in (*self.columns_of_text, self.label_column):
            raise ValueError(f"group_column names {quote(self.group_column)}, which is read as text or label")
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
        # not by model_fields_set: a saved configuration names every field
        if self.text_column != type(self).model_fields["text_column"].default:
            raise ValueError(
                f"text_columns takes the place of text_column, which is set to {quote(self.text_column)} too"
            )


def source_of(data: object, config: DataConfig | None) -> tuple[object, DataConfig]:
    """Tell rows that were given from the name of a source, which goes into the configuration.

    Args:
        data: A `DataConfig`, a path or hub data set, a mapping of paths, or rows; None for what `config` names.
        config: Names the columns and labels.

    Returns:
        The rows, or None if the configuration names the source; and the configuration.

    Raises:
        ConfigError: Both are a `DataConfig`, or one is something else than it can be.
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

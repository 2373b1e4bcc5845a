"""The columns of a file: those that are requested, and those that are added."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.errors import DataError, nearest
from imdb_sentiment.runtime.messages import Advice, Setting, list_values, quote

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["SLICE", "Added", "Chunk", "ColumnSpec", "Role", "check_columns", "column_specs", "text_specs"]

Role = str
"""`text`, `text_pair`, `label`, `group`, `weight`, or `slice:` and the name of a slice column."""

SLICE = "slice:"


class ColumnSpec(NamedTuple):
    """A requested column."""

    name: str
    """Its name in the source."""

    field: str
    """The configuration field that names it."""

    role: Role
    """What it is used as."""

    config: str = "DataConfig"
    """Class that has the field; empty if it is a function's argument."""

    @property
    def flag(self) -> str:
        """Option of a command that names the column; empty if it is that of the field."""
        if self.config:
            return ""
        return "--label-column" if self.role == "label" else "--text-column"


class Added(NamedTuple):
    """Columns to add."""

    names: tuple[str, str, str]
    """Names of the three columns."""

    labels: Sequence[str | None]

    scores: Sequence[float | None]
    """Probability of the label, also of one that the model abstains from."""

    reasons: Sequence[str | None]
    """Why a row has no label; None if it has one."""

    def rows(self) -> Iterator[tuple[str | None, float | None, str | None]]:
        """Yield the three values of each row."""
        return zip(self.labels, self.scores, self.reasons, strict=True)


class Chunk(NamedTuple):
    """Some rows of a table."""

    items: list[tuple[object, ...]]
    """The text column or columns of each row."""

    rows: Any
    """The rows in their table's own representation."""


def column_specs(config: "DataConfig") -> tuple[ColumnSpec, ...]:
    """Return the columns to read: one or two of text, the label, and any group, weight and slice columns."""
    if config.text_columns:
        first, second = config.text_columns
        texts = [ColumnSpec(first, "text_columns", "text"), ColumnSpec(second, "text_columns", "text_pair")]
    else:
        texts = [ColumnSpec(config.text_column, "text_column", "text")]
    group = [ColumnSpec(config.group_column, "group_column", "group")] if config.group_column else []
    weight = [ColumnSpec(config.weight_column, "weight_column", "weight")] if config.weight_column else []
    slices = [ColumnSpec(name, "slice_columns", f"{SLICE}{name}") for name in config.slice_columns]
    return (*texts, ColumnSpec(config.label_column, "label_column", "label"), *group, *weight, *slices)


def text_specs(names: Sequence[str], *, field: str = "text_columns") -> tuple[ColumnSpec, ...]:
    """Return the specs of one text column, or of the two columns of pairs.

    Args:
        names: Their names.
        field: Argument that sets the names; empty if there is none.
    """
    roles = ("text", "text_pair")
    return tuple(ColumnSpec(name, field, role, config="") for name, role in zip(names, roles, strict=False))


def check_columns(names: Sequence[str], specs: Iterable[ColumnSpec], origin: str) -> None:
    """Check that each requested column exists exactly once.

    Args:
        names: The columns of the source.
        specs: The requested columns.
        origin: Name of the source, for the message.

    Raises:
        DataError: A column is missing or duplicated.
    """
    specs = tuple(specs)
    for column in specs:
        count = list(names).count(column.name)
        if count == 1:
            continue
        if count > 1:
            summary = f"column {quote(column.name)} occurs {count} times in {origin}"
            raise DataError(summary, found=list_values(names), hint="rename one of them")
        raise DataError(
            f"column {quote(column.name)} is not in {origin}",
            found=list_values(names) or "no columns",
            expected=f"the column that {_PURPOSE[column.role.partition(':')[0]]}",
            hint=_other_name(column, specs, names),
        )


_PURPOSE = {
    "text": "holds the text to classify",
    "text_pair": "holds the second text to classify",
    "label": "holds the label",
    "group": "holds rows together",
    "weight": "holds the weight of each row",
    "slice": "divides the rows of a report",
}


def _other_name(missing: ColumnSpec, specs: Sequence[ColumnSpec], names: Sequence[str]) -> Advice:
    """Suggest the most similar name; a field with several names is suggested as a whole."""
    match = nearest(missing.name, names) or "NAME"
    if not missing.field:
        return Advice(f"rename a column: {quote(match)} to {quote(missing.name)}")
    value = [match if other is missing else other.name for other in specs if other.field == missing.field]
    one = not missing.field.endswith("s")
    return Advice(Setting(missing.field, value[0] if one else value, missing.config, missing.flag))

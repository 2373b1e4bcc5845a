"""The columns that a configuration asks for."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.errors import DataError, nearest

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig

__all__ = ["SLICE", "Role", "Wanted", "check_columns", "wanted_columns"]

Role = str
"""`text`, `text_pair`, `label`, `group`, or `slice:` and the name of a column that divides the rows of a report."""

SLICE = "slice:"

_COLUMNS_LISTED = 20


class Wanted(NamedTuple):
    """A column that the configuration asks for."""

    name: str
    """Its name in the source."""

    field: str
    """The configuration field that names it."""

    role: Role
    """What it is to us."""


def wanted_columns(config: "DataConfig") -> tuple[Wanted, ...]:
    """Return the columns to read: one or two of text, the label, and what else the configuration names."""
    if config.text_columns:
        first, second = config.text_columns
        texts = [Wanted(first, "text_columns", "text"), Wanted(second, "text_columns", "text_pair")]
    else:
        texts = [Wanted(config.text_column, "text_column", "text")]
    group = [Wanted(config.group_column, "group_column", "group")] if config.group_column else []
    slices = [Wanted(name, "slice_columns", f"{SLICE}{name}") for name in config.slice_columns]
    return (*texts, Wanted(config.label_column, "label_column", "label"), *group, *slices)


def check_columns(names: Sequence[str], wanted: Iterable[Wanted], origin: str) -> None:
    """Check that each wanted column is there exactly once.

    Args:
        names: The columns of the source.
        wanted: The columns to look for.
        origin: Name of the source for the message.

    Raises:
        DataError: A column is missing, or stands there twice.
    """
    wanted = tuple(wanted)
    for name, field, role in wanted:
        count = list(names).count(name)
        if count == 1:
            continue
        if count > 1:
            summary = f"column {name!r} stands {count} times in {origin}"
            raise DataError(summary, found=_listed(names), hint="rename one of them")
        match = nearest(name, names)
        # text_columns is set as a whole, with the name that is right
        of_field = [column.name for column in wanted if column.field == field]
        value = ",".join((match or "NAME") if column == name else column for column in of_field)
        raise DataError(
            f"column {name!r} is not in {origin}",
            found=_listed(names) or "no columns",
            expected=f"the column that {_PURPOSE[role.partition(':')[0]]}",
            hint=_option(field, value) if match else f"{_option(field, value)} ({field}=... in Python)",
        )


_PURPOSE = {
    "text": "holds the text to classify",
    "text_pair": "holds the second text to classify",
    "label": "holds the label",
    "group": "holds rows together",
    "slice": "divides the rows of a report",
}


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _COLUMNS_LISTED
    return ", ".join(names[:_COLUMNS_LISTED]) + (f", and {more} more" if more > 0 else "")


def _option(field: str, value: str) -> str:
    if field in ("text_column", "label_column"):
        return f"--{field.replace('_', '-')} {value}"
    return f"--set {field}={value}"

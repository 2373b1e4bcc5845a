"""What every kind of table can do."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

__all__ = ["Added", "Chunk", "Table"]


class Added(NamedTuple):
    """Columns to add, with a value for each row."""

    names: tuple[str, str, str]
    """What the three are called."""

    labels: Sequence[str | None]
    scores: Sequence[float | None]
    reasons: Sequence[str | None]
    """Why a row has no label; None where it has one."""

    def rows(self) -> Iterator[tuple[str | None, float | None, str | None]]:
        """Give the three values of each row."""
        return zip(self.labels, self.scores, self.reasons, strict=True)


class Chunk(NamedTuple):
    """Some rows of a table."""

    items: list[tuple[object, ...]]
    """What each row has in the columns of texts: one value, or two."""

    rows: Any
    """The rows as their table keeps them."""


class Table(Protocol):
    """A file of rows, all of which were seen to be readable when it was opened."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""

    @property
    def rows(self) -> int:
        """How many rows there are."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about how the file is read."""

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Give the rows in order, so many at a time."""

    def write_part(self, part: Path, chunk: Chunk, added: Added) -> None:
        """Write some rows with more columns, in a form that `join` understands."""

    def join(self, parts: Sequence[Path], target: Path, names: Sequence[str]) -> None:
        """Write one file from its parts.

        Args:
            parts: What `write_part` wrote, in order.
            target: The file; compressed if its name says so.
            names: What the columns that were added are called.
        """

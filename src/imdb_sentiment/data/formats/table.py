"""Interface of files of rows to score."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

__all__ = ["Added", "Chunk", "Table"]


class Added(NamedTuple):
    """Columns to add."""

    names: tuple[str, str, str]
    """Names of the three columns."""

    labels: Sequence[str | None]
    scores: Sequence[float | None]
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


class Table(Protocol):
    """A file of rows, checked to be readable when it is opened."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks for the user on how the file is read."""

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield the rows in order, `size` at a time."""

    def write_part(self, part: Path, chunk: Chunk, added: Added) -> None:
        """Write a chunk with the added columns, in a form that `join` reads."""

    def join(self, parts: Sequence[Path], target: Path, names: Sequence[str]) -> None:
        """Write one file from its parts.

        Args:
            parts: Files written by `write_part`, in order.
            target: The file to write; its suffix decides the compression.
            names: Names of the added columns.
        """

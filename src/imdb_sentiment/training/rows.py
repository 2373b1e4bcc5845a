"""Encoded texts with their labels, as the training loop reads them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

from imdb_sentiment.encoding import EncodedText

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EncodedRow", "EncodedRows", "TrainingRows"]


class EncodedRow(NamedTuple):
    """One row as a model reads it."""

    text: EncodedText

    label: int
    """0 or 1."""

    row: int
    """Its position in the split, from 0."""


class EncodedRows:
    """Encoded texts and labels in flat arrays: four bytes a token and model input, no object for each row.

    Args:
        columns: Model input names to the tokens of all rows one after the other, each of shape (tokens,).
        ends: Where each row ends in the columns, shape (n,).
        labels: 0 or 1, shape (n,).
        rows: Position of each row in its split, shape (n,).
    """

    def __init__(
        self,
        columns: "dict[str, NDArray[np.int32]]",
        ends: "NDArray[np.int64]",
        labels: "NDArray[np.int64]",
        rows: "NDArray[np.int64]",
    ) -> None:
        import numpy as np

        self.columns, self.ends, self.labels, self.rows = columns, ends, labels, rows
        self.lengths: NDArray[np.int64] = np.diff(ends, prepend=0)
        """Number of tokens of each row, shape (n,)."""

    @classmethod
    def of(cls, texts: Sequence[EncodedText], labels: Sequence[int]) -> Self:
        """Gather encoded texts, at least one, and their labels."""
        import numpy as np

        columns = {name: np.concatenate([text.inputs[name] for text in texts]) for name in texts[0].inputs}
        ends = np.cumsum([text.length for text in texts], dtype=np.int64)
        return cls(columns, ends, np.asarray(labels, dtype=np.int64), np.arange(len(texts), dtype=np.int64))

    def longest_first(self) -> Self:
        """Return the same rows with the longest first, so that batches taken in order hold little padding."""
        import numpy as np

        return self._take(np.argsort(-self.lengths, kind="stable"))

    def where(self, kept: "NDArray[np.bool_]") -> Self:
        """Return the rows for which `kept`, of shape (n,), is true, at least one."""
        import numpy as np

        return self._take(np.flatnonzero(kept))

    def _take(self, order: "NDArray[np.intp]") -> Self:
        import numpy as np

        starts = self.ends - self.lengths
        taken = np.concatenate([np.arange(starts[i], self.ends[i]) for i in order])
        columns = {name: values[taken] for name, values in self.columns.items()}
        return type(self)(columns, np.cumsum(self.lengths[order]), self.labels[order], self.rows[order])

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> EncodedRow:
        end = self.ends[index]
        start = end - self.lengths[index]
        inputs = {name: values[start:end] for name, values in self.columns.items()}
        # whether a text was cut plays no part in training
        return EncodedRow(EncodedText(inputs, truncated=False), int(self.labels[index]), int(self.rows[index]))


class TrainingRows(NamedTuple):
    """The rows of a run, encoded."""

    epochs: tuple[EncodedRows, ...]
    """The training rows as each epoch reads them."""

    limits: tuple[int, ...]
    """Longest input of each epoch, in tokens."""

    validation: EncodedRows

    names: tuple[str, str]
    """Names of the two labels."""

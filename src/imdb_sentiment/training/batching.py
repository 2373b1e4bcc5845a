"""Training rows, and how they become the batches and passes of each step."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from imdb_sentiment.models.tokenization import EncodedText, TextEncoder

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

__all__ = ["Collate", "EncodedRow", "EncodedRows", "Share", "StepBatches", "TrainingRows", "divide", "rows_of_steps"]

_POOL_STEPS = 50  # steps whose rows are sorted together; sorting all rows would give every epoch the same batches


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


class Collate:
    """Makes the batch of a training step.

    Args:
        encoder: Pads.
        filler: A row that stands in, with no weight, where a batch is empty.
        max_tokens: Tokens of a pass, padding included.
        padded: Tells how many tokens a text of so many tokens is padded to.
        class_weight: What a row of each class counts for, shape (2,).
    """

    def __init__(
        self,
        encoder: TextEncoder,
        filler: EncodedRow,
        *,
        max_tokens: int,
        padded: Callable[[int], int],
        class_weight: "torch.Tensor",
    ) -> None:
        self._encoder = encoder
        self._filler = filler
        self._max_tokens = max_tokens
        self._padded = padded
        self._class_weights = class_weight

    def __call__(self, rows: Sequence[EncodedRow]) -> dict[str, Any]:
        """Return `passes`, each a dictionary of tensors for the loss, and `rows`, the positions of the rows.

        Each pass has the model's inputs of shape (rows, tokens), and `labels` and `weights` of shape (rows,).
        """
        if not rows:
            empty = self._pass([self._filler])
            return {"passes": [empty | {"weights": empty["weights"] * 0}], "rows": []}
        parts = divide([self._padded(row.text.length) for row in rows], self._max_tokens)
        return {"passes": [self._pass(rows[part]) for part in parts], "rows": [row.row for row in rows]}

    def _pass(self, rows: Sequence[EncodedRow]) -> "dict[str, torch.Tensor]":
        import torch

        labels = torch.tensor([row.label for row in rows])
        longest = max(row.text.length for row in rows)
        inputs = self._encoder.pad([row.text for row in rows], pad_to=self._padded(longest))
        return {**inputs, "labels": labels, "weights": self._class_weights[labels]}


def divide(lengths: Sequence[int], max_tokens: int) -> list[slice]:
    """Divide rows into passes of at most `max_tokens` tokens, padding included; a longer row is a pass of its own.

    Args:
        lengths: Number of tokens of each row, best in falling order.
        max_tokens: Tokens of a pass.

    Returns:
        Where each pass begins and ends.
    """
    starts = [0]
    longest = 0
    for row, length in enumerate(lengths):
        longest = max(longest, length)
        if row > starts[-1] and (row + 1 - starts[-1]) * longest > max_tokens:
            starts.append(row)
            longest = length
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], len(lengths)], strict=True)]


class Share(NamedTuple):
    """Which part of each step is whose."""

    batch_rows: int
    """Rows that one process reads at once."""

    accumulated: int = 1
    """Batches of a process that make up one step."""

    processes: int = 1

    process: int = 0
    """Number of this process, from 0."""

    @property
    def step_rows(self) -> int:
        """Rows of one step over all processes."""
        return self.batch_rows * self.accumulated * self.processes


class StepBatches:
    """Batch sampler whose order is a function of the seed and the epoch.

    A run that goes on from a checkpoint, and one on another number of processes with as many rows in a step, takes the
    same rows in the same steps. A step is divided into parts of near equal length, so that no process waits for
    another. Where the last step of an epoch has too few rows for all parts, some parts are empty.

    Args:
        epochs: The rows as each epoch reads them; they differ in how long texts are cut.
        share: Which part of each step this process gets.
        group_by_length: Put rows of near lengths into the same step.
        seed: Decides the order.
    """

    def __init__(self, epochs: "tuple[EncodedRows, ...]", share: Share, *, group_by_length: bool, seed: int) -> None:
        self.epoch = 0
        self._epochs = epochs
        self._share = share
        self._group_by_length = group_by_length
        self._seed = seed

    @property
    def rows(self) -> "EncodedRows":
        """The rows as the present epoch reads them."""
        return self._epochs[self.epoch]

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return -(-len(self.rows) // self._share.step_rows)

    def __len__(self) -> int:
        return self.steps * self._share.accumulated

    def __iter__(self) -> Iterator[list[int]]:
        import numpy as np

        share = self._share
        lengths = self.rows.lengths
        rng = np.random.default_rng((self._seed, self.epoch))
        for step in rows_of_steps(lengths, share.step_rows, rng, group_by_length=self._group_by_length):
            if self._group_by_length:
                step = step[np.argsort(-lengths[step], kind="stable")]
            parts = np.array_split(step, share.accumulated * share.processes)
            for part in parts[share.process :: share.processes]:
                yield part.tolist()


def rows_of_steps(
    lengths: "NDArray[np.int64]", step_rows: int, rng: "np.random.Generator", *, group_by_length: bool
) -> "list[NDArray[np.int64]]":
    """Divide the rows of an epoch into steps.

    Args:
        lengths: Number of tokens of each row, shape (n,).
        step_rows: Rows of one step; the last one may have fewer.
        rng: Draws the order.
        group_by_length: Sort the rows of every 50 steps by length before they are divided, and shuffle the steps.

    Returns:
        Positions of the rows of each step; each row stands in one step.
    """
    import numpy as np

    order = rng.permutation(len(lengths))
    if not group_by_length:
        return [order[start : start + step_rows] for start in range(0, len(order), step_rows)]
    steps = []
    for start in range(0, len(order), step_rows * _POOL_STEPS):
        pool = order[start : start + step_rows * _POOL_STEPS]
        pool = pool[np.argsort(-lengths[pool], kind="stable")]
        steps += [pool[first : first + step_rows] for first in range(0, len(pool), step_rows)]
    # a short step stays last, as its place is that of the remainder
    full = len(order) // step_rows
    return [steps[i] for i in rng.permutation(full)] + steps[full:]

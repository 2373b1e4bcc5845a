"""Encoded training rows, batches and micro-batches."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.models.encoded import EncodedText
from imdb_sentiment.models.tokenization import TextEncoder

if TYPE_CHECKING:
    import torch

__all__ = [
    "Collate",
    "EncodedRow",
    "EncodedRows",
    "Share",
    "StepBatches",
    "TrainingRows",
    "divide",
    "pad_rows",
    "rows_of_steps",
]

_POOL_STEPS = 50  # sorting all rows at once would give every epoch the same batches


class EncodedRow(NamedTuple):
    """One encoded row."""

    text: EncodedText

    label: int
    """0 or 1."""

    row: int
    """Position in the split, from 0."""

    weight: float = 1.0
    """Weight of the row's loss."""


class EncodedRows:
    """Encoded texts and labels in flat arrays, to save memory.

    Args:
        columns: Model input names to the concatenated tokens of all rows, each of shape (tokens,).
        ends: End of each row in the columns, shape (n,).
        labels: 0 or 1, shape (n,).
        rows: Position of each row in its split, shape (n,).
        weights: Weight of each row's loss, of mean 1, shape (n,); 1 by default.
    """

    def __init__(
        self,
        columns: dict[str, NDArray[np.int32]],
        ends: NDArray[np.int64],
        labels: NDArray[np.int64],
        rows: NDArray[np.int64],
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        self.columns, self.ends, self.labels, self.rows = columns, ends, labels, rows
        self.weights = np.ones(len(ends)) if weights is None else weights
        self.lengths: NDArray[np.int64] = np.diff(ends, prepend=0)
        """Number of tokens of each row, shape (n,)."""

    @classmethod
    def of(
        cls, texts: Sequence[EncodedText], labels: Sequence[int], weights: NDArray[np.float64] | None = None
    ) -> Self:
        """Gather encoded texts, at least one, their labels and their weights."""
        columns = {name: np.concatenate([text.inputs[name] for text in texts]) for name in texts[0].inputs}
        ends = np.cumsum([text.length for text in texts], dtype=np.int64)
        return cls(columns, ends, np.asarray(labels, dtype=np.int64), np.arange(len(texts), dtype=np.int64), weights)

    def longest_first(self) -> Self:
        """Return the rows sorted by decreasing length, so that consecutive batches need little padding."""
        return self._take(np.argsort(-self.lengths, kind="stable"))

    def where(self, kept: NDArray[np.bool_]) -> Self:
        """Return the rows selected by a mask of shape (n,), at least one."""
        return self._take(np.flatnonzero(kept))

    def _take(self, order: NDArray[np.intp]) -> Self:
        starts = self.ends - self.lengths
        taken = np.concatenate([np.arange(starts[i], self.ends[i]) for i in order])
        columns = {name: values[taken] for name, values in self.columns.items()}
        ends = np.cumsum(self.lengths[order])
        return type(self)(columns, ends, self.labels[order], self.rows[order], self.weights[order])

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> EncodedRow:
        end = self.ends[index]
        start = end - self.lengths[index]
        inputs = {name: values[start:end] for name, values in self.columns.items()}
        # training does not use `truncated`
        text = EncodedText(inputs, truncated=False)
        return EncodedRow(text, int(self.labels[index]), int(self.rows[index]), float(self.weights[index]))


class TrainingRows(NamedTuple):
    """The encoded rows of a run."""

    epochs: tuple[EncodedRows, ...]
    """Training rows of each epoch; epochs may truncate differently."""

    validation: EncodedRows | None
    """None if no epoch is to be chosen; the last one is kept then."""


class Collate:
    """Collates rows into the micro-batches of a training step.

    Args:
        encoder: Pads the micro-batches.
        filler: Row that fills an empty batch with weight 0.
        max_tokens: Tokens of a micro-batch, padding included.
        padded: Maps a text length in tokens to its padded length.
        class_weight: Weight of each class, shape (2,).
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
        """Return `micro_batches`, each a dictionary of tensors, and `rows`, the positions of the rows.

        A micro-batch has the model's inputs of shape (rows, tokens), and of shape (rows,) `labels`, `weights` of the
        losses, and `mass`: the class weights alone, by whose sum a step's loss is divided. So the weight of a row does
        not depend on the rows that it shares a step with.
        """
        if not rows:
            empty = self._micro_batch([self._filler])
            nothing = empty["mass"] * 0
            return {"micro_batches": [empty | {"weights": nothing, "mass": nothing}], "rows": []}
        parts = divide([self._padded(row.text.length) for row in rows], self._max_tokens)
        return {"micro_batches": [self._micro_batch(rows[part]) for part in parts], "rows": [row.row for row in rows]}

    def _micro_batch(self, rows: Sequence[EncodedRow]) -> "dict[str, torch.Tensor]":
        import torch

        batch = pad_rows(self._encoder, self._padded, rows)
        mass = self._class_weights[batch["labels"]]
        return batch | {"weights": mass * torch.tensor([row.weight for row in rows]), "mass": mass}


def pad_rows(
    encoder: TextEncoder, padded: Callable[[int], int], rows: Sequence[EncodedRow]
) -> "dict[str, torch.Tensor]":
    """Return the model's inputs of shape (rows, tokens), and `labels` of shape (rows,).

    Args:
        encoder: Pads the rows.
        padded: Maps the length of the longest text, in tokens, to its padded length.
        rows: Rows of a batch.
    """
    import torch

    inputs = encoder.pad([row.text for row in rows], pad_to=padded(max(row.text.length for row in rows)))
    return inputs | {"labels": torch.tensor([row.label for row in rows])}


def divide(lengths: Sequence[int], max_tokens: int) -> list[slice]:
    """Split rows into micro-batches of at most `max_tokens` tokens, padding included; a longer row gets its own.

    Args:
        lengths: Number of tokens of each row, ideally in decreasing order.
        max_tokens: Tokens of a micro-batch.

    Returns:
        One slice of rows per micro-batch.
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
    """This process's share of each step."""

    batch_rows: int
    """Rows per batch of one process."""

    accumulated: int = 1
    """Gradient accumulation steps."""

    processes: int = 1

    process: int = 0
    """Rank of this process."""

    @property
    def step_rows(self) -> int:
        """Return the rows of one step over all processes."""
        return self.batch_rows * self.accumulated * self.processes


class StepBatches:
    """Batch sampler whose order depends on the seed and the epoch only.

    A resumed run, and a run on another number of processes with as many rows per step, takes the same rows in the same
    steps. Steps are split evenly between processes; in the last step of an epoch some parts may be empty.

    Args:
        epochs: Training rows of each epoch.
        share: This process's share of each step.
        group_by_length: Group rows of similar length into steps.
        seed: Seed of the order.
    """

    def __init__(self, epochs: tuple[EncodedRows, ...], share: Share, *, group_by_length: bool, seed: int) -> None:
        self.epoch = 0
        self._epochs = epochs
        self._share = share
        self._group_by_length = group_by_length
        self._seed = seed

    @property
    def rows(self) -> EncodedRows:
        """Return the rows of the current epoch."""
        return self._epochs[self.epoch]

    @property
    def steps(self) -> int:
        """Return the number of steps per epoch."""
        return -(-len(self.rows) // self._share.step_rows)

    def __len__(self) -> int:
        return self.steps * self._share.accumulated

    def __iter__(self) -> Iterator[list[int]]:
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
    lengths: NDArray[np.int64], step_rows: int, rng: np.random.Generator, *, group_by_length: bool
) -> list[NDArray[np.int64]]:
    """Divide the rows of an epoch into steps.

    Args:
        lengths: Number of tokens of each row, shape (n,).
        step_rows: Rows of one step; the last one may have fewer.
        rng: Draws the order.
        group_by_length: Sort the rows of every 50 steps by length before dividing them, and shuffle the steps.

    Returns:
        Positions of the rows of each step; each row occurs once.
    """
    order = rng.permutation(len(lengths))
    if not group_by_length:
        return [order[start : start + step_rows] for start in range(0, len(order), step_rows)]
    steps = []
    for start in range(0, len(order), step_rows * _POOL_STEPS):
        pool = order[start : start + step_rows * _POOL_STEPS]
        pool = pool[np.argsort(-lengths[pool], kind="stable")]
        steps += [pool[first : first + step_rows] for first in range(0, len(pool), step_rows)]
    # an incomplete step stays last
    full = len(order) // step_rows
    return [steps[i] for i in rng.permutation(full)] + steps[full:]

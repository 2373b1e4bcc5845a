"""Which rows make up each step of training: decided by seed and epoch alone, whatever the number of processes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from imdb_sentiment.training.rows import EncodedRows

__all__ = ["Share", "StepBatches", "rows_of_steps"]

_POOL_STEPS = 50  # steps whose rows are sorted together; sorting all rows would give every epoch the same batches


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

"""Rows of a step become batches, and batches the passes that fit into memory."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from imdb_sentiment.encoding import TextEncoder
from imdb_sentiment.training.rows import EncodedRow

if TYPE_CHECKING:
    import torch

__all__ = ["Collate", "divide"]


class Collate:
    """Makes the batch of a training step.

    Args:
        encoder: Pads.
        filler: A row that stands in, with no weight, where a batch is empty.
        max_tokens: Tokens of a pass, padding included.
        padded: Tells how many tokens a text of so many tokens is padded to.
        class_weights: What a row of each class counts for, shape (2,).
    """

    def __init__(
        self,
        encoder: TextEncoder,
        filler: EncodedRow,
        *,
        max_tokens: int,
        padded: Callable[[int], int],
        class_weights: "torch.Tensor",
    ) -> None:
        self._encoder = encoder
        self._filler = filler
        self._max_tokens = max_tokens
        self._padded = padded
        self._class_weights = class_weights

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

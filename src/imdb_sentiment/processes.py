"""Several processes that train together, as torchrun and accelerate start them: one speaks and writes, all know."""

import os
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from imdb_sentiment.errors import ImdbSentimentError

__all__ = ["is_main", "number_of_processes", "on_main", "warn_of_idle_gpus"]

T = TypeVar("T")

PATIENCE = timedelta(hours=12)
"""How long a process waits for another. Upstream's ten minutes are too few to read and tokenize large data; where a
process dies, the launcher ends the others at once."""


def number_of_processes() -> int:
    """Return how many processes train together; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Tell whether this is the process that prints and writes."""
    return number_of_processes() == 1 or os.environ.get("RANK", "0") == "0"


def on_main(compute: Callable[[], T]) -> T:
    """Compute something in the main process alone, and give the result, or this library's error, to all.

    Args:
        compute: Called in the main process; its result can be pickled.
    """
    if number_of_processes() == 1:
        return compute()
    from accelerate import PartialState
    from accelerate.utils import broadcast_object_list

    PartialState(timeout=PATIENCE)  # joins the processes, the first time
    outcome: list[T | ImdbSentimentError | None] = [None]
    if is_main():
        try:
            outcome[0] = compute()
        except ImdbSentimentError as error:
            outcome[0] = error
    broadcast_object_list(outcome, from_process=0)
    (result,) = outcome
    if isinstance(result, ImdbSentimentError):
        raise result
    return result  # type: ignore[return-value]


def warn_of_idle_gpus() -> None:
    """Warn where one process could use one GPU of several.

    Upstream would divide each batch between them with DataParallel, which is slow and changes the batch size.
    """
    import torch

    gpus = torch.cuda.device_count()
    if number_of_processes() == 1 and gpus > 1:
        warnings.warn(
            f"training on one of {gpus} GPUs; for all of them: torchrun --nproc-per-node {gpus} ...", stacklevel=3
        )

"""Several processes that train together, as torchrun and accelerate start them: one speaks and writes, all know."""

import os
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from imdb_sentiment.errors import ConfigError, ImdbSentimentError

__all__ = ["TIMEOUT", "is_main", "run_on_all_ranks", "run_on_main", "warn_of_idle_gpus", "world_size"]

T = TypeVar("T")

TIMEOUT = timedelta(hours=12)
"""How long a process waits for another. Upstream's ten minutes are too few to read and tokenize large data; where a
process dies, the launcher ends the others at once."""


def world_size() -> int:
    """Return how many processes train together; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Tell whether this is the process that prints and writes."""
    return world_size() == 1 or os.environ.get("RANK", "0") == "0"


def run_on_main(compute: Callable[[], T]) -> T:
    """Compute something in the main process alone, and give the result, or this library's error, to all.

    Args:
        compute: Called in the main process; its result can be pickled.

    Raises:
        ConfigError: The processes cannot be joined.
    """
    if world_size() == 1:
        return compute()
    from torch.distributed import broadcast_object_list

    _join()
    outcome = [_attempt(compute) if is_main() else ([], None)]
    broadcast_object_list(outcome, src=0)
    results, error = outcome[0]
    if error:
        raise error
    return results[0]


def run_on_all_ranks(compute: Callable[[], T]) -> T:
    """Compute something in each process; this library's error in one of them is raised in all.

    Raises:
        ConfigError: The processes cannot be joined.
    """
    if world_size() == 1:
        return compute()
    from torch.distributed import all_gather_object

    _join()
    results, error = _attempt(compute)
    errors: list[ImdbSentimentError | None] = [None] * world_size()
    all_gather_object(errors, error)
    for first in filter(None, errors):
        raise first
    return results[0]


def warn_of_idle_gpus() -> None:
    """Warn where one process could use one GPU of several.

    Upstream would divide each batch between them with DataParallel, which is slow and changes the batch size.
    """
    import torch

    gpus = torch.cuda.device_count()
    if world_size() == 1 and gpus > 1:
        warnings.warn(
            f"training on one of {gpus} GPUs; for all of them: torchrun --nproc-per-node {gpus} ...", stacklevel=3
        )


def _attempt(compute: Callable[[], T]) -> tuple[list[T], ImdbSentimentError | None]:
    """Return the result, in a list, or this library's error."""
    try:
        return [compute()], None
    except ImdbSentimentError as error:
        return [], error


def _join() -> None:
    """Join the processes, the first time; upstream joins them again when the Trainer is built, in the same group."""
    import torch
    from accelerate import PartialState
    from accelerate.utils import parse_flag_from_env

    processes = world_size()
    os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"  # or the others would have no weights, not even a new head's
    if "LOCAL_RANK" in os.environ:
        cpu = not torch.accelerator.is_available() or parse_flag_from_env("ACCELERATE_USE_CPU")
        if PartialState(cpu=cpu, timeout=TIMEOUT).num_processes == processes:
            return
    raise ConfigError(
        f"WORLD_SIZE says that {processes} processes train together, and they cannot be joined",
        expected="processes that torchrun or accelerate launch started, on CPUs or on CUDA GPUs",
        hint="torchrun --nproc-per-node 2 ..., or WORLD_SIZE unset for a single process",
    )

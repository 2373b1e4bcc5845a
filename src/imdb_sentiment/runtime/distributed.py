"""Distributed training under torchrun or accelerate: rank 0 does the I/O; results are broadcast."""

import os
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from imdb_sentiment.errors import ConfigError, ImdbSentimentError

__all__ = ["TIMEOUT", "is_main", "run_on_all_ranks", "run_on_main", "warn_of_idle_gpus", "world_size"]

T = TypeVar("T")

TIMEOUT = timedelta(hours=12)
"""Timeout of collective operations. PyTorch's ten minutes are too short to read and tokenize large data; if a process
dies, the launcher ends the others at once."""


def world_size() -> int:
    """Return the number of processes; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Return whether this is the main process, which prints and writes."""
    return world_size() == 1 or os.environ.get("RANK", "0") == "0"


def run_on_main(compute: Callable[[], T]) -> T:
    """Run a function in the main process only, and broadcast its result or this library's error.

    Args:
        compute: Called in the main process; its result must be picklable.

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
    """Run a function in each process; this library's error in one of them is raised in all.

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
    """Warn if a single process uses one GPU of several.

    The Trainer would use DataParallel for them, which is slow and changes the batch size.
    """
    import torch

    gpus = torch.cuda.device_count()
    if world_size() == 1 and gpus > 1:
        warnings.warn(
            f"training on one of {gpus} GPUs; for all of them: torchrun --nproc-per-node {gpus} ...", stacklevel=3
        )


def _attempt(compute: Callable[[], T]) -> tuple[list[T], ImdbSentimentError | None]:
    """Return the result in a list, or this library's error."""
    try:
        return [compute()], None
    except ImdbSentimentError as error:
        return [], error


def _join() -> None:
    """Initialise the process group, which the Trainer reuses."""
    import torch
    from accelerate import PartialState
    from accelerate.utils import parse_flag_from_env

    processes = world_size()
    os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"  # or other ranks would have no weights
    if "LOCAL_RANK" in os.environ:
        cpu = not torch.accelerator.is_available() or parse_flag_from_env("ACCELERATE_USE_CPU")
        if PartialState(cpu=cpu, timeout=TIMEOUT).num_processes == processes:
            return
    raise ConfigError(
        f"WORLD_SIZE says that {processes} processes train together, and they cannot be joined",
        expected="processes that torchrun or accelerate launch started, on CPUs or on CUDA GPUs",
        hint="torchrun --nproc-per-node 2 ..., or unset WORLD_SIZE for a single process",
    )

"""Scoring of files by the actors of a Ray cluster, each with its own model.

The rows of the Ray Data set are files, not texts, so an actor scores a file as a single process does, in little memory
and resumable. If an actor is lost, less than a part of a file is lost.
"""

import logging
import os
import pickle
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from imdb_sentiment.errors import ConfigError, MissingExtraError
from imdb_sentiment.inference.folder import Engine, FolderJob, Outcome, PredictFile, score_one
from imdb_sentiment.runtime.process_wide import process_wide
from imdb_sentiment.runtime.silence import silent_warnings

__all__ = ["ray_workers"]

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}
"""Environment variables that disable Ray's usage statistics and log lines."""


def ray_workers(predict_file: PredictFile, *, workers: int | None, on_gpu: bool) -> Engine:
    """Return an engine for `score_folder`.

    Args:
        predict_file: Sent to each actor, which opens the model once.
        workers: Number of actors; by default the cluster's number of GPUs, or else of processors.
        on_gpu: Whether the model can run on a GPU.

    Raises:
        MissingExtraError: Ray is not installed.
        ConfigError: `workers` is below 1.
    """
    if workers is not None and workers < 1:
        raise ConfigError("workers must be at least 1", found=str(workers))
    try:
        with silent_warnings(), _silence():
            pass
    except ImportError as error:
        hint = "pip install 'imdb-sentiment[ray]'"
        raise MissingExtraError("the engine ray needs the extra 'ray'", hint=hint) from error
    model = pickle.dumps(predict_file)

    def score(job: FolderJob, names: Sequence[str]) -> Iterator[Outcome]:
        with silent_warnings(), _silence(), _connected() as ray:
            nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            share = divide(nodes, workers, len(names), on_gpu=on_gpu)
            files = ray.data.from_items([{"name": name} for name in names], override_num_blocks=len(names))
            outcomes = files.map(
                _Actor,
                fn_constructor_args=(model, job),
                # one file at a time, so that no file waits for a busy actor while another is idle
                compute=ray.data.ActorPoolStrategy(size=share.workers, max_tasks_in_flight_per_actor=1),
                num_cpus=share.cpus,
                num_gpus=share.gpus or None,
            )
            for row in outcomes.iter_rows():
                yield pickle.loads(row["outcome"])  # noqa: S301 - made by an actor a moment ago

    return score


class _Actor:
    """Scores files in a process of its own.

    Ray sets `OMP_NUM_THREADS` to the actor's number of processors before PyTorch or ONNX Runtime read it.
    """

    def __init__(self, predict_file: bytes, job: FolderJob) -> None:
        self._job = job
        self._open_model = cache(lambda: pickle.loads(predict_file))  # noqa: S301 - made by this program a moment ago

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"outcome": pickle.dumps(score_one(self._job, row["name"], self._open_model))}


class Share(NamedTuple):
    """Resources of each actor."""

    workers: int
    cpus: int
    gpus: int


def divide(nodes: Sequence[dict[str, float]], workers: int | None, files: int, *, on_gpu: bool) -> Share:
    """Divide a cluster between actors, at most one for each file; by default one for each GPU, or else processor.

    A node is given by its resources `CPU` and `GPU`.
    """
    gpus = sum(int(node.get("GPU", 0)) for node in nodes) if on_gpu else 0
    cpus = [int(node.get("CPU", 0)) for node in nodes]
    count = min(workers or gpus or sum(cpus) or 1, files)
    if gpus:
        return Share(count, cpus=1, gpus=1)
    # as many as all actors can have at once; a cluster that scales up may start without processors
    fitting = [each for each in range(1, max(cpus, default=0) + 1) if sum(cpu // each for cpu in cpus) >= count]
    return Share(count, cpus=max(fitting, default=1), gpus=0)


@process_wide
@contextmanager
def _connected() -> Iterator[Any]:
    """Connect to a Ray cluster: the one in use, that of `RAY_ADDRESS`, a local one, or a new one.

    Raises:
        ConfigError: There is no cluster at `RAY_ADDRESS`.
    """
    import ray
    import ray.data

    if ray.is_initialized():
        yield ray
        return
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        with _no_standard_error():
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL)
    except (ConnectionError, ValueError) as error:
        address = os.environ.get("RAY_ADDRESS")
        if address is None:
            raise
        found = str(error).partition("\n")[0]
        raise ConfigError(f"there is no Ray cluster at RAY_ADDRESS={address}", found=found) from None
    try:
        yield ray
    finally:
        ray.shutdown()
        if on_sigterm not in (None, signal.getsignal(signal.SIGTERM)):  # Ray's would stay, in forked processes too
            signal.signal(signal.SIGTERM, on_sigterm)


@contextmanager
def _no_standard_error() -> Iterator[None]:
    """Silence standard error inside, also for C++, which ignores the log level at startup."""
    sys.stderr.flush()
    original = os.dup(2)
    try:
        with open(os.devnull, "wb") as devnull:  # noqa: PTH123 - not a user's path
            os.dup2(devnull.fileno(), 2)
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)


@process_wide
@contextmanager
def _silence() -> Iterator[None]:
    """Silence Ray's own output inside; the user's settings take precedence."""
    before = {name: os.environ.get(name) for name in _QUIET}
    os.environ.update({name: value for name, value in _QUIET.items() if before[name] is None})
    try:
        import ray.data  # sets its log level, which is overridden below

        logger, context = logging.getLogger("ray.data"), ray.data.DataContext.get_current()
        level, bars = logger.level, context.enable_progress_bars
        logger.setLevel(logging.CRITICAL)
        context.enable_progress_bars = False
        try:
            yield
        finally:
            logger.setLevel(level)
            context.enable_progress_bars = bars
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)

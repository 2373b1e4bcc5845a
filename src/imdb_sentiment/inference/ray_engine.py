"""Files scored by the actors of a Ray cluster, each of which holds one model.

The rows of the Ray Data set are files, not texts. So an actor scores a file as one process does: any kind of file, with
all its columns, in little memory, part by part. What is lost with an actor is less than a part, and the next one ends
with the same bytes. With texts as rows an actor would hand them back to be written elsewhere, and rows that were scored
but not yet written would be lost.
"""

import logging
import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from imdb_sentiment.errors import ConfigError, MissingExtraError
from imdb_sentiment.inference.folder import FileScorer, FolderJob, Outcome, try_one
from imdb_sentiment.runtime.process_wide import process_wide
from imdb_sentiment.runtime.silence import silent_warnings

__all__ = ["RayWorkers"]

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}
"""For what Ray does in this process: tell nobody of it, and write no log lines among ours."""


class RayWorkers:
    """An engine for `score_folder`.

    Args:
        classifier: Sent to each actor, which opens it once.
        workers: How many actors; by default as many as the cluster has GPUs, or else processors.
        on_gpu: Whether the model can compute on a GPU.

    Raises:
        MissingExtraError: Ray is not installed.
        ConfigError: `workers` is below 1.
    """

    def __init__(self, classifier: FileScorer, *, workers: int | None, on_gpu: bool) -> None:
        if workers is not None and workers < 1:
            raise ConfigError(f"workers={workers} leaves nobody to do it", expected="1 or more")
        try:
            with silent_warnings(), _silence():
                pass
        except ImportError as error:
            hint = "pip install 'imdb-sentiment[ray]'"
            raise MissingExtraError("the engine ray needs the extra 'ray'", hint=hint) from error
        self._sent = pickle.dumps(classifier)
        self._workers = workers
        self._on_gpu = on_gpu

    def __call__(self, job: FolderJob, names: Sequence[str]) -> Iterator[Outcome]:
        """Score files, and tell what came of each as it is done."""
        with silent_warnings(), _silence(), _connected() as ray:
            share = divide(_nodes(ray), self._workers, len(names), on_gpu=self._on_gpu)
            files = ray.data.from_items([{"name": name} for name in names], override_num_blocks=len(names))
            outcomes = files.map(
                _Actor,
                fn_constructor_args=(self._sent, job),
                # one file at a time, so that none waits for an actor that is busy while another one is free
                compute=ray.data.ActorPoolStrategy(size=share.workers, max_tasks_in_flight_per_actor=1),
                num_cpus=share.cpus,
                num_gpus=share.gpus or None,
            )
            for row in outcomes.iter_rows():
                yield Outcome(**row)


class _Actor:
    """Scores one file after the other in a process of its own.

    Ray has set `OMP_NUM_THREADS` to the processors that the actor got, before PyTorch or ONNX Runtime ask for it.
    """

    def __init__(self, sent: bytes, job: FolderJob) -> None:
        self._sent = sent
        self._job = job

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        outcome = try_one(self._job, row["name"], self._open)
        return outcome._asdict()

    def _open(self) -> FileScorer:
        """Return the model, which is opened when the first file asks, and the same one from then on."""
        classifier: FileScorer = pickle.loads(self._sent)  # noqa: S301 - made by this program a moment ago
        return classifier


class Share(NamedTuple):
    """What each of some actors gets."""

    workers: int
    cpus: int
    gpus: int


def divide(nodes: Sequence[dict[str, float]], workers: int | None, files: int, *, on_gpu: bool) -> Share:
    """Divide the processors of a cluster between actors.

    Args:
        nodes: What each machine has: `CPU`, `GPU`.
        workers: How many actors are wanted; by default as many as the cluster has GPUs, or else processors.
        files: How many files there are; more actors would have nothing to do.
        on_gpu: Whether the model can compute on a GPU.
    """
    gpus = sum(int(node.get("GPU", 0)) for node in nodes) if on_gpu else 0
    cpus = [int(node.get("CPU", 0)) for node in nodes]
    count = min(workers or gpus or sum(cpus) or 1, files)
    if gpus:
        return Share(count, cpus=1, gpus=1)
    # as many for each as the machines can give to all at once; a cluster that grows may have to give one first
    fitting = [each for each in range(1, max(cpus, default=0) + 1) if sum(cpu // each for cpu in cpus) >= count]
    return Share(count, cpus=max(fitting, default=1), gpus=0)


def _nodes(ray: Any) -> list[dict[str, float]]:
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


@process_wide
@contextmanager
def _connected() -> Iterator[Any]:
    """Give Ray with a cluster: the one in use, that of `RAY_ADDRESS`, one of this machine, or one of our own.

    Raises:
        ConfigError: There is none at `RAY_ADDRESS`.
    """
    import ray
    import ray.data

    if ray.is_initialized():
        yield ray
        return
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


@contextmanager
def _no_standard_error() -> Iterator[None]:
    """Write nothing to standard error inside, not even from C++, which tells its level of logging whatever that is."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nothing:  # noqa: PTH123 - not a path that anybody chose
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@process_wide
@contextmanager
def _silence() -> Iterator[None]:
    """Keep Ray from writing among our own output inside; a user's own settings are left as they are."""
    before = {name: os.environ.get(name) for name in _QUIET}
    os.environ.update({name: value for name, value in _QUIET.items() if before[name] is None})
    try:
        import ray.data  # sets the level of its log, which is then ours to set

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

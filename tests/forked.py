"""Processes that are forked from one that has imported everything.

They can be killed at any moment, and start in a tenth of the time that a fresh one takes.
"""

import gc
import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.reduction import DupFd
from typing import Any, BinaryIO, Self
from unittest.mock import patch

import torch

__all__ = ["Child", "ForkedCommand", "one_cpu_thread"]

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "joblib",
        "pytest",
        "scipy.stats",
        "sklearn.linear_model",
        "sklearn.metrics",
        "sklearn.model_selection",
        "torch.utils.serialization.config",
        "transformers.convert_slow_tokenizer",
        "transformers.models.auto.tokenization_auto",
        "transformers.models.bert.modeling_bert",
        "transformers.models.bert.tokenization_bert",
        "imdb_sentiment.audit.dataset",
        "imdb_sentiment.classifier",
        "imdb_sentiment.cli.predict",
        "imdb_sentiment.cli.train",
        "imdb_sentiment.cli.app",
        "imdb_sentiment.evaluation.baseline",
        "imdb_sentiment.evaluation.calibration",
        "imdb_sentiment.finetuner",
        "imdb_sentiment.models.pretrained",
        "imdb_sentiment.training.callbacks",
        "imdb_sentiment.training.decisions",
        "imdb_sentiment.training.few_rows",
        "imdb_sentiment.training.run",
        "imdb_sentiment.training.trainer",
    ]
)


@contextmanager
def one_cpu_thread() -> Iterator[None]:
    """Compute on one thread of the CPU, where two runs are equal to the last bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            patch("torch.accelerator.is_available", lambda: False),
            patch("torch.accelerator.current_accelerator", lambda check_available=False: None),
        ):
            yield
    finally:
        torch.set_num_threads(threads)


class Child:
    """A forked process that calls a function; it must stand in a module, and be named by it.

    Args:
        task: The function.
        arguments: What it is given.
    """

    def __init__(self, task: Callable[..., Any], *arguments: Any) -> None:
        self._receiver, sender = _FORKS.Pipe(duplex=False)
        self._process = _FORKS.Process(target=_call, args=(sender, task, arguments))
        self._process.start()
        sender.close()

    def end(self) -> int:
        """Wait until it ends, and return its exit status."""
        self._process.join()
        status = self._process.exitcode
        self._process.close()
        self._receiver.close()
        assert status is not None
        return status

    def result(self) -> Any:
        """Wait until it ends, and return what the function returned.

        Raises:
            RuntimeError: The function raised something, or the process was killed.
        """
        try:
            error, result = self._receiver.recv()
        except EOFError:
            error, result = "not a word came from it", None
        status = self.end()
        if error:
            raise RuntimeError(f"a forked process ended with status {status}\n{error}")
        return result


def _call(sender: Connection, task: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    gc.freeze()  # what was imported is left out of garbage collection, which each training asks for as it begins
    answer: tuple[str | None, Any]
    try:
        with one_cpu_thread():
            answer = (None, task(*arguments))
    except BaseException:
        answer = (traceback.format_exc(), None)
    sender.send(answer)


class ForkedCommand:
    """The command in a forked process, with pipes for its streams; at the end all that are open are closed.

    Args:
        arguments: Those of the command line.
        stdin: A file descriptor to read from instead of a pipe.
        stdout: One to write to.
    """

    def __init__(self, *arguments: object, stdin: int | None = None, stdout: int | None = None) -> None:
        inputs, outputs, errors = os.pipe(), os.pipe(), os.pipe()
        self.stdin: BinaryIO = os.fdopen(inputs[1], "wb")
        self.stdout: BinaryIO = os.fdopen(outputs[0], "rb")
        self.stderr: BinaryIO = os.fdopen(errors[0], "rb")
        given = (inputs[0] if stdin is None else stdin, outputs[1] if stdout is None else stdout, errors[1])
        self._process = _FORKS.Process(target=_run_command, args=(_Streams(given), list(map(str, arguments))))
        self._process.start()
        for number in (inputs[0], outputs[1], errors[1]):
            os.close(number)

    def wait(self) -> int:
        """Wait until it ends, and return its exit status."""
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ignored: object) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            stream.close()
        self.wait()
        self._process.close()


class _Streams:
    """The file descriptors of the three standard streams, which can be sent to a forked process as it starts."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self._numbers = numbers

    def __getstate__(self) -> dict[str, Any]:
        return {"sent": [DupFd(number) for number in self._numbers]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._numbers = tuple(sent.detach() for sent in state["sent"])

    def become_standard(self) -> None:
        for standard, number in enumerate(self._numbers):
            os.dup2(number, standard)
            os.close(number)
        sys.stdin = os.fdopen(0, "r", encoding="utf-8")
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")
        sys.stderr.reconfigure(line_buffering=True, errors="backslashreplace")


def _run_command(streams: _Streams, arguments: list[str]) -> None:
    """Do what `python -m imdb_sentiment` does, up to the end of the interpreter."""
    from imdb_sentiment.cli.app import main

    gc.freeze()
    streams.become_standard()
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as ended:
        status = ended.code
    except BaseException:
        traceback.print_exc()
        status = 1
    else:
        status = 0
    try:
        sys.stdout.flush()
    except OSError as error:  # the interpreter says this of what it could not write
        sys.stderr.write(f"Exception ignored in: {sys.stdout!r}\n{error!r}\n")
        status = 120
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 0 if status is None else 1)

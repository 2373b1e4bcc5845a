"""The process of a trial, as the search sees it: started, listened to, answered, and ended."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

import imdb_sentiment
from imdb_sentiment import errors
from imdb_sentiment.errors import ImdbSentimentError
from imdb_sentiment.runtime.messages import Advice, Either
from imdb_sentiment.tuning.trial import CONTINUE, PRUNE

__all__ = ["error_of", "run_in_process", "terminated_as_interrupted"]


def run_in_process(folder: Path, goes_on: Callable[[int], bool]) -> dict[str, Any]:
    """Run the trial of a folder in a process of its own, whose memory is free again at its end.

    Args:
        folder: Folder of the trial.
        goes_on: Called with the number of each evaluation; returns whether the trial is to go on.

    Returns:
        The last message of the trial: `state` is `finished`, `pruned`, `failed` or `interrupted`.

    Raises:
        KeyboardInterrupt: The search was interrupted. The trial has finished its step and saved it.
    """
    package = str(Path(imdb_sentiment.__file__).parents[1])  # a script may have put it on its own path alone
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "imdb_sentiment.tuning.trial", str(folder)]
    last: dict[str, Any] = {}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, env=os.environ | {"PYTHONPATH": path}) as process:  # noqa: S603 - our own
        answers, messages = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        try:
            for line in messages:
                last = json.loads(line)
                if "evaluation" in last:
                    with suppress(BrokenPipeError):  # it was killed; its messages end too
                        answers.write(CONTINUE if goes_on(last["evaluation"]) else PRUNE)
                        answers.flush()
            process.wait()
        except BaseException:
            _end(process, answers)
            raise
    return last if "state" in last else {"state": "failed", "error": {"summary": _how_it_ended(process.returncode)}}


def _end(process: "subprocess.Popen[bytes]", answers: IO[bytes]) -> None:
    """Let a process finish its step; at another Ctrl-C, end it at once."""
    process.terminate()
    try:
        with suppress(BrokenPipeError):  # it may wait for an answer
            answers.write(CONTINUE)
            answers.flush()
        process.wait()
    except BaseException:
        process.kill()
        raise


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"the process of the trial exited with {code}; see its messages"
    name = signal.Signals(-code).name
    memory = ", probably since the memory of the machine was full" if name == "SIGKILL" else ""
    return f"the process of the trial was ended by {name}{memory}"


def error_of(described: Mapping[str, Any]) -> ImdbSentimentError:
    """Return the error of a failed trial."""
    kind = getattr(errors, described.get("kind", ""), ImdbSentimentError)
    hint = described.get("hint")
    if hint:
        hint = Advice(Either(hint, described["hint_for_shell"]))
    error: ImdbSentimentError = kind(
        described["summary"], found=described.get("found"), expected=described.get("expected"), hint=hint
    )
    return error


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Raise KeyboardInterrupt at SIGTERM too; has no effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

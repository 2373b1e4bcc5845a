"""Processes that are killed, or stop, just before they touch a certain file, however fast the machine is."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import psutil

__all__ = ["environment", "kill_myself", "obey", "wait_for_stop", "watch"]

_TOUCHES = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}
_TESTS = Path(__file__).parent


def watch(folder: Path, wait_for: Sequence[str], act: Callable[[], None]) -> list[str]:
    """List what this process opens, makes, renames or removes in a folder from now on, each time.

    Args:
        folder: The folder, as the process itself calls it. What C++ and Rust do is not seen.
        wait_for: Patterns that are waited for, one after the other.
        act: Called once, just before a touch that matches the last of them.
    """
    touched: list[str] = []
    awaited = iter(wait_for)
    pattern = next(awaited, None)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal pattern
        if event not in _TOUCHES:
            return
        name = str(arguments[0])
        # shutil.rmtree opens a folder, and removes what is in it by the name alone
        if name.startswith(str(folder)) or (event == "os.remove" and arguments[1] != -1):
            touched.append(name)
            if pattern and fnmatch(name, pattern):
                pattern = next(awaited, None)
                if pattern is None:
                    act()

    sys.addaudithook(hook)
    return touched


def kill_myself() -> None:
    """End at once, as for want of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def environment(place: Path, folder: Path, wait_for: Sequence[str], *, kill: bool) -> dict[str, str]:
    """Return variables by which the first process to meet the last of some patterns is killed, or stops.

    They hold for processes that are started with them, and for those that these start.

    Args:
        place: An empty folder, for what the processes say.
        folder: See `watch`.
        wait_for: See `watch`.
        kill: Whether the process is killed; else it stops until it is sent SIGCONT.
    """
    os.mkfifo(place / "fifo")
    path = [str(_TESTS / "startup"), str(_TESTS), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "WATCHED": json.dumps([str(place), str(folder), list(wait_for), kill]),
    }


def wait_for_stop(place: Path, process: "subprocess.Popen[str]") -> int:
    """Wait until a process has stopped, as `environment` told it to; return its number.

    Args:
        place: As for `environment`.
        process: It, or the one that has started it.
    """
    reader = os.open(place / "fifo", os.O_RDONLY | os.O_NONBLOCK)  # now the process can open it too
    try:
        while not select.select([reader], [], [], 1)[0]:
            assert process.poll() is None, process.communicate()
        number = int(os.read(reader, 100))
    finally:
        os.close(reader)
    while psutil.Process(number).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)  # noqa: TID251 - the system tells nobody of it
    return number


def obey() -> None:
    """Do as the environment says. Python calls this when it starts, through `startup/sitecustomize.py`."""
    place, folder, wait_for, kill = json.loads(os.environ["WATCHED"])

    def act() -> None:
        try:
            (Path(place) / "done").touch(exist_ok=False)
        except FileExistsError:
            return
        if kill:
            kill_myself()
        (Path(place) / "fifo").write_text(f"{os.getpid()}")
        os.kill(os.getpid(), signal.SIGSTOP)

    watch(Path(folder), wait_for, act)

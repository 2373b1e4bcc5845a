"""One writer at a time: of processes and of threads, whatever becomes of them."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier, Event

import pytest

from imdb_sentiment import OutputExistsError
from imdb_sentiment.runtime.files import METADATA_FILE, new_folder, one_writer, write_text

HOLD = """
import sys
from pathlib import Path
from imdb_sentiment.runtime.files import one_writer
with one_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another_process(target: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", HOLD, str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout
            assert holder.stdout.readline() == "held\n"
            yield holder
        finally:
            holder.kill()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_model(folder: Path, content: str) -> None:
    with new_folder(folder, overwrite=True) as partial:
        (partial / METADATA_FILE).write_text(content, encoding="utf-8")
        (partial / "weights").write_text(content, encoding="utf-8")


def assert_whole(folder: Path) -> None:
    assert names(folder) == [METADATA_FILE, "weights"]
    assert (folder / METADATA_FILE).read_text("utf-8") == (folder / "weights").read_text("utf-8")


def test_another_process_is_refused_and_told(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with held_by_another_process(target):
        with pytest.raises(OutputExistsError, match=f"another process is writing to {target}"):
            write_model(target, "new")
        with pytest.raises(OutputExistsError, match="another process is writing to"), one_writer(target, patience=0.02):
            raise AssertionError("two writers")
        assert names(tmp_path) == [".model.lock"]


def test_another_thread_is_refused_and_told(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with ThreadPoolExecutor(1) as thread, new_folder(target, overwrite=False) as partial:
        (partial / METADATA_FILE).write_text("mine", encoding="utf-8")
        refused = thread.submit(write_model, target, "other").exception()
        assert isinstance(refused, OutputExistsError)
        assert refused.summary == f"another thread is writing to {target}"
    assert (target / METADATA_FILE).read_text(encoding="utf-8") == "mine"
    assert names(tmp_path) == ["model"]


def test_a_thread_has_what_it_holds_again(tmp_path: Path) -> None:
    target = tmp_path / "run"
    with ThreadPoolExecutor(1) as thread, one_writer(target):
        with one_writer(target):
            pass
        assert isinstance(thread.submit(write_model, target, "other").exception(), OutputExistsError)


def test_what_a_killed_writer_leaves_is_no_hindrance(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with held_by_another_process(target) as holder:
        (tmp_path / ".model.partial").mkdir()
        (tmp_path / ".model.partial" / "half").write_text("half")
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        assert names(tmp_path) == [".model.lock", ".model.partial"]
        write_model(target, "new")
    assert names(tmp_path) == ["model"]
    assert_whole(target)


def test_one_folder_by_two_names_has_one_lock(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    with held_by_another_process(tmp_path / "real"), pytest.raises(OutputExistsError, match="is writing to"):
        write_model(tmp_path / "link", "new")


def test_a_lock_that_was_removed_before_it_was_got_is_none(tmp_path: Path) -> None:
    """As for a process that opens the lock file before the holder removes it, and is let in when that lets go."""
    import fcntl

    target, lock = tmp_path / "model", tmp_path / ".model.lock"
    with one_writer(target):
        late = os.open(lock, os.O_RDWR)
    fcntl.flock(late, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with one_writer(target):  # a file of that name is another one by now
        assert lock.stat().st_ino != os.fstat(late).st_ino
    os.close(late)
    assert names(tmp_path) == []


def test_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)  # root may write anywhere
    with pytest.raises(OutputExistsError, match="cannot be written") as caught:
        write_model(tmp_path / "model", "new")
    assert caught.value.found == "Permission denied"


def save_often(folder: Path, name: str, rounds: int) -> int:
    """Write a model again and again; return how often another was at it."""
    refused = 0
    for number in range(rounds):
        try:
            write_model(folder, f"{name} {number}" * 1000)
        except OutputExistsError as error:
            assert "is writing to" in error.summary, error  # noqa: PT017
            refused += 1
    return refused


@pytest.mark.parametrize("processes", [1, 3])
def test_a_folder_is_whole_after_each_of_many_writers(tmp_path: Path, processes: int) -> None:
    folder = tmp_path / "model"
    write_model(folder, "first")
    with multiprocessing.get_context("spawn").Pool(processes) as others:
        jobs = [others.apply_async(save_often, (folder, f"process {number}", 40)) for number in range(processes)]
        with ThreadPoolExecutor(2) as threads:
            counts = list(threads.map(lambda name: save_often(folder, name, 40), ["one", "other"]))
        counts += [job.get() for job in jobs]
    assert_whole(folder)
    assert min(counts) < 40
    assert names(tmp_path) == ["model"]


def test_texts_written_to_one_file_are_whole_and_each_gets_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imdb_sentiment.runtime.files._LOCK_TIMEOUT_SECONDS", float("inf"))
    path, together = tmp_path / "report.html", Barrier(4)
    texts = [letter * 100_000 for letter in "abcd"]

    def write(text: str) -> None:
        together.wait()
        for _ in range(20):
            write_text(path, text, overwrite=True)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, texts))
    assert path.read_text(encoding="utf-8") in texts
    assert names(tmp_path) == ["report.html"]


def test_a_text_is_not_written_over_one_that_came_meanwhile(tmp_path: Path) -> None:
    path, waiting = tmp_path / "report.html", Event()

    def write() -> None:
        waiting.set()
        write_text(path, "second", overwrite=False)

    with ThreadPoolExecutor(1) as thread:
        with one_writer(path):
            second = thread.submit(write)
            waiting.wait()
            path.write_text("first")
        assert isinstance(second.exception(), OutputExistsError)
    assert path.read_text(encoding="utf-8") == "first"

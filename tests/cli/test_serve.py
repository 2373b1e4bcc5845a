"""`imdb-sentiment serve`: the process, from its first line to its last, as a supervisor sees it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from command import COMMAND, run

from conftest import make_reviews
from imdb_sentiment.results import ExportReport


class Running:
    """A server in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []
        self.port = int(self.read_until(r"listening on http://127\.0\.0\.1:(\d+), loading "))

    def read_until(self, pattern: str) -> str:
        """Read lines of its output up to one with the pattern; return the first group."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found[1] if found.groups() else found[0]
        raise AssertionError(f"no line with {pattern!r} in {self.lines}")

    def ask(self, address: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """Return the status and the JSON of an answer."""
        with closing(HTTPConnection("127.0.0.1", self.port)) as connection:
            if body is None:
                connection.request("GET", address, headers=headers)
            else:
                connection.request("POST", address, json.dumps(body), {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def stop(self) -> tuple[int, str]:
        """Send SIGTERM; return the exit code and what was said after it."""
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate()
        return self.process.returncode, said


@contextmanager
def serving(*arguments: object) -> Iterator[Running]:
    command = [*COMMAND, "serve", *map(str, arguments), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)
    try:
        yield Running(process)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.mark.integration
def test_an_exported_model_is_served_without_torch_and_stops_when_told(
    exported: tuple[Path, ExportReport], tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n")
    with serving(exported[0], "--token-file", token) as server:
        server.read_until("ready: .*'negative' or 'positive'")
        assert server.ask("/readyz")[0] == 200
        assert server.ask("/predict", {"text": "Superb."})[0] == 401
        status, answer = server.ask("/predict", {"text": "Seen at home: dull."}, Authorization="Bearer secret")
        assert (status, answer["predictions"][0]["label"]) == (200, "negative")
        loaded = Path(f"/proc/{server.process.pid}/maps").read_text() if sys.platform == "linux" else ""
        assert "/torch/" not in loaded
        assert server.stop() == (0, "stopped\n")


def keep_asking(server: Running, texts: list[str], first: Event) -> list[int]:
    """Ask until the server is not there any more; return the status of each answer."""
    statuses: list[int] = []
    body = json.dumps({"texts": texts})
    while True:
        with closing(HTTPConnection("127.0.0.1", server.port)) as connection:
            try:
                connection.connect()
            except ConnectionRefusedError:  # nothing was sent
                return statuses
            leave = False
            while not leave:
                connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
                first.set()
                leave = answer.headers.get("Connection") == "close"


@pytest.mark.integration
def test_nothing_is_lost_when_it_is_stopped_under_load(exported: tuple[Path, ExportReport]) -> None:
    texts, _ = make_reviews(300)
    with serving(exported[0]) as server, ThreadPoolExecutor(3) as threads:
        server.read_until("ready: ")
        first = Event()
        asking = [threads.submit(keep_asking, server, texts, first) for _ in range(3)]
        first.wait()
        code, said = server.stop()
        statuses = [status for clients in asking for status in clients.result()]
    assert (code, said.splitlines()[-1]) == (0, "stopped")
    assert set(statuses) == {200}
    assert len(statuses) >= 3  # what each had sent when the signal came was answered


def test_a_model_that_cannot_be_opened_is_one_message(tmp_path: Path) -> None:
    outcome = run("serve", tmp_path / "nowhere", "--port", "0")
    assert outcome.code == 2
    assert re.fullmatch(r"listening on http://127.0.0.1:\d+, loading nowhere\n", outcome.out)
    assert outcome.err.startswith("ModelError: there is no model folder")


def test_a_port_that_is_taken_is_refused_before_the_model_is_opened(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        outcome = run("serve", tmp_path / "nowhere", "--port", port)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines() == [
        f"ConfigError: cannot listen on '127.0.0.1', port {port}",
        "  found:    Address already in use",
        f"  try:      --port {port + 1}",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "65536"], "there is no port 65536"),
        (["--host", "host.invalid"], "cannot listen on 'host.invalid', port 0"),
        (["--max-queue", "0"], "max_queue=0 leaves no room for a text"),
        (["--max-batch-wait-ms", "-1"], "0 to 1000 milliseconds"),
        (["--token-file", "absent"], "--token-file absent cannot be read\n  found:    No such file or directory"),
    ],
    ids=str,
)
def test_wrong_options_are_one_message(options: list[str], message: str) -> None:
    outcome = run("serve", "nowhere", *options, *([] if "--port" in options else ["--port", "0"]))
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not hold one token"),
        (b"two words", "expected: one line without spaces"),
        (b"\xff", "not text"),
        ("s\u00e9cret".encode(), "the token cannot be sent in a header"),
    ],
    ids=str,
)
def test_a_file_without_a_token_is_refused_and_not_repeated(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    outcome = run("serve", "nowhere", "--port", "0", "--token-file", file)
    assert outcome.code == 2
    assert message in outcome.err
    assert "words" not in outcome.err


def test_an_open_address_without_a_token_is_warned_of() -> None:
    outcome = run("serve", "nowhere", "--host", "0.0.0.0", "--port", "70000")  # noqa: S104
    assert outcome.err.startswith("warning: anyone who reaches 0.0.0.0 can use the model; --token-file")

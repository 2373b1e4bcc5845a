"""The server in this process: what it answers while the model loads. Covers serving/model_server.py."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from threading import Event
from typing import Any

import pytest

from imdb_sentiment import ModelError, SentimentClassifier
from imdb_sentiment.serving.server import run_server


def test_while_the_model_loads_the_process_answers() -> None:
    said: list[str] = []
    listening, may_load = Event(), Event()

    def say(line: str) -> None:
        said.append(line)
        listening.set()

    def load() -> SentimentClassifier:
        may_load.wait()
        raise ModelError("the folder is damaged")

    options: dict[str, Any] = {"host": "127.0.0.1", "port": 0, "token": None, "max_batch_wait_ms": 0, "max_queue": 9}
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run_server, load, name="films", say=say, **options)
        listening.wait()
        address = re.search(r"http://([\d.]+):(\d+)", said[0])
        assert address
        statuses = []
        for path in ("/healthz", "/readyz"):
            with closing(HTTPConnection(address[1], int(address[2]))) as connection:
                connection.request("GET", path)
                answer = connection.getresponse()
                statuses.append((answer.status, json.loads(answer.read())["status"]))
        may_load.set()
        with pytest.raises(ModelError, match="the folder is damaged"):
            running.result()
    assert statuses == [(200, "loading"), (503, "loading")]
    assert len(said) == 1

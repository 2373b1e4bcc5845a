"""Covers serving/metrics.py and serving/middleware.py: what is counted, and the headers of every answer."""

import re

import pytest
from starlette.testclient import TestClient

from imdb_sentiment import SentimentFineTuner
from imdb_sentiment.serving import create_app


@pytest.fixture
def client(fitted: SentimentFineTuner) -> TestClient:
    return TestClient(create_app(fitted.classifier))


def read(client: TestClient) -> dict[str, float]:
    """The metrics of the library, without buckets."""
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    lines = re.findall(r"^imdb_sentiment_(\S+) (\S+)$", answer.text, re.MULTILINE)
    return {name: float(value) for name, value in lines if "_bucket" not in name and "_created" not in name}


def test_requests_texts_and_labels_are_counted(client: TestClient) -> None:
    client.post("/predict", json={"texts": ["Seen at home: superb.", "Seen at home: dull.", "Seen: dull."]})
    client.post("/predict", json={"text": "Seen at home: dull.", "cascade": True})
    client.post("/predict", json={"text": " "})
    found = read(client)
    assert found['requests_total{path="/predict",status="200"}'] == 2
    assert found['requests_total{path="/predict",status="422"}'] == 1
    assert found['request_seconds_count{path="/predict"}'] == 3
    assert (found["batch_texts_count"], found["batch_texts_sum"], found["waiting_texts"]) == (2, 4, 0)
    assert sum(value for name, value in found.items() if name.startswith("predictions_total")) == 4
    assert any(name.startswith("predictions_total{") and 'label="negative"' in name for name in found)


def test_clients_cannot_create_time_series(client: TestClient) -> None:
    for number in range(5):
        client.get(f"/unknown-{number}")
        client.request(f"METHOD{number}", "/predict")
    paths = {part for name in read(client) for part in re.findall(r'path="([^"]+)"', name)}
    assert paths <= {"other", "/predict", "/metrics"}


def test_the_metrics_of_the_process_are_there(client: TestClient) -> None:
    assert "process_resident_memory_bytes" in client.get("/metrics").text


@pytest.mark.parametrize("address", ["/", "/page.js", "/docs", "/healthz", "/openapi.json", "/metrics", "/nothing"])
def test_every_answer_has_the_headers_that_browsers_heed(client: TestClient, address: str) -> None:
    headers = client.get(address).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "Connection" not in headers

"""Covers serving/answers.py and serving/schemas.py: what is said of a request that cannot be answered."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from imdb_sentiment import ModelError, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.serving import create_app

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client(fitted: SentimentFineTuner) -> Iterator[TestClient]:
    with TestClient(create_app(fitted.classifier), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "the request is invalid\n  found:    text: field required"),
        ({"text": 3}, "text: input should be a valid string"),
        ({"text": None}, "text: input should be a valid string"),
        ({"texts": []}, "texts: list should have at least 1 item"),
        ({"texts": "Superb."}, "texts: input should be a valid list"),
        ({"texts": ["a", 3]}, "texts, item 2: input should be a valid string"),
        ({"texts": ["a", ["b", "c"]]}, "texts, item 2: input should be a valid string"),
        ({"texts": ["a", {"text": "b"}]}, "texts, item 2, text_pair: field required"),
        ({"texts": [1, 2, 3, 4, 5]}, "texts, item 3: input should be a valid string"),
        ({"text": "a", "texts": ["a"]}, "there is no field 'text'"),
        ({"text": "a", "abstein": 0.3}, "there is no field 'abstein'"),
        ({"text": "a", "abstain": 0.3}, "abstain: input should be a valid string"),
        ({"text": "a", "abstain": "error<2%"}, "'error<2%' is not a promise that abstention can make"),
        ({"text": "a", "abstain": "error<=0.0001"}, "error<=0.0001 cannot be promised with 95% confidence by"),
        ({"text": "a", "abstain": "error<=0.5", "abstain_below": 0.7}, "does not go with abstain_below"),
        ({"text": "a", "abstain": "error<=0.5", "cascade": True}, "does not go with a cascade"),
        ({"text": "a", "abstain_below": 1.5}, "abstain_below: input should be less than or equal to 1"),
        ({"text": "a", "abstain_below": "0.5"}, "abstain_below: input should be a valid number"),
        ({"text": "a", "cascade": 1}, "cascade: input should be a valid boolean"),
        ([], "the body is not a JSON object"),
        ("Superb.", "the body is not a JSON object"),
        (None, "the body is not a JSON object"),
    ],
    ids=str,
)
def test_a_body_that_is_not_as_described_is_refused(client: TestClient, body: Any, message: str) -> None:
    answer = client.post("/predict", json=body)
    assert answer.status_code == 422
    assert message in answer.json()["detail"]
    assert answer.json()["rows"] == []


def test_a_misspelt_field_is_recognized(client: TestClient) -> None:
    detail = client.post("/predict", json={"text": "a", "abstein": 0.3}).json()["detail"]
    assert detail.splitlines()[1:] == [
        "  expected: abstain, abstain_below, cascade, ensemble, text, text_pair, texts",
        "  try:      abstain",
    ]


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b'{"text": "a"', 422, "the body is not valid JSON\n  found:    expecting ',' delimiter at character 12"),
        (b'{"text": "\xff"}', 400, "the body is not JSON in UTF-8"),
        (b"[" * 100_000, 400, "the body is not JSON in UTF-8"),
        (b'{"text": "\\ud800"}', 422, "each item must be valid Unicode"),
        (b'{"text": "a", "\\ud800": 1}', 422, "the request is invalid"),
        (b'{"text": "a", "\\u202e\\u0007": 1}', 422, "there is no field '\\u202e\\x07'"),
        (b'{"text": "a", "abstain_below": NaN}', 422, "abstain_below: input should be a finite number"),
        (b'{"text": "a", "abstain_below": 1e999}', 422, "abstain_below: input should be a finite number"),
        (b'{"text": "a", "abstain_below": ' + b"9" * 5000 + b"}", 400, "the body is not JSON in UTF-8"),
        (b"", 422, "the body is not a JSON object"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_what_is_not_json_is_refused(client: TestClient, content: bytes, status: int, message: str) -> None:
    answer = client.post("/predict", content=content, headers=JSON)
    assert answer.status_code == status
    assert message in answer.json()["detail"]


def test_the_type_of_the_body_must_be_declared(client: TestClient) -> None:
    for headers in ({}, {"Content-Type": "text/plain"}):  # what a form of another site can send
        answer = client.post("/predict", content=b'{"text": "Superb."}', headers=headers)
        assert answer.status_code == 422
        assert "Content-Type: application/json" in answer.json()["detail"]


def test_texts_that_cannot_be_classified_are_told_by_position(client: TestClient) -> None:
    answer = client.post("/predict", json={"texts": ["Superb.", " ", "Dull.", "<br />"]})
    assert answer.status_code == 422
    assert answer.json() == {
        "detail": "there is nothing to classify in a blank text\n  found:    2 rows (2, 4)",
        "rows": [2, 4],
    }


def test_no_text_is_repeated_in_an_answer(client: TestClient) -> None:
    private = "Confidential."
    for body in ({"texts": [private, 3]}, {"text": [private]}, {"texts": [private, " "]}, {"text": {"a": private}}):
        answer = client.post("/predict", json=body)
        assert answer.status_code == 422
        assert private not in answer.text


def test_a_cascade_is_refused_by_a_model_without(fitted_on_pairs: SentimentFineTuner) -> None:
    client = TestClient(create_app(fitted_on_pairs.classifier))
    answer = client.post("/predict", json={"text": "At home", "text_pair": "dull.", "cascade": True})
    assert answer.status_code == 422
    assert "the model was trained without a cascade" in answer.json()["detail"]
    together = client.post("/predict", json={"text": "At home", "text_pair": "dull.", "ensemble": True})
    assert together.status_code == 422
    assert "the model was trained without an ensemble" in together.json()["detail"]
    either = client.post("/predict", json={"text": "At home", "cascade": True, "ensemble": True})
    assert either.status_code == 422
    assert "the cascade and the ensemble exclude each other" in either.json()["detail"]


def test_an_unknown_address_or_method_is_answered_in_the_same_form(client: TestClient) -> None:
    assert client.get("/nothing").json() == {"detail": "Not Found", "rows": []}
    answer = client.get("/predict")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.json() == {"detail": "Method Not Allowed", "rows": []}


@pytest.mark.parametrize(
    ("failure", "status", "message"),
    [
        (ModelError("the model failed", found="no reason"), 500, "the model failed\n  found:    no reason"),
        (ZeroDivisionError("of a text"), 500, "the server failed; its log has the reason"),
        (asyncio.QueueFull(), 503, "the server has as much to do as it accepts"),
    ],
    ids=str,
)
def test_a_failure_is_one_message(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int, message: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(SentimentClassifier, "predict", fail)
    answer = client.post("/predict", json={"text": "Superb."})
    assert answer.status_code == status
    assert answer.json() == {"detail": message, "rows": []}
    assert answer.headers.get("Retry-After") == ("1" if status == 503 else None)

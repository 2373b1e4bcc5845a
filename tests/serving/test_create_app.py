"""What an app answers: predictions, explanations, its state, and who may ask. Covers serving/app.py."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import imdb_sentiment
from conftest import make_pair, make_reviews
from imdb_sentiment import ConfigError, MissingExtraError, SentimentClassifier, SentimentFineTuner
from imdb_sentiment.serving import create_app
from imdb_sentiment.serving.app import MAX_BODY_BYTES, build_app
from imdb_sentiment.serving.served_model import ServedModel

TEXTS, _ = make_reviews(40)


@pytest.fixture(scope="module")
def app(fitted: SentimentFineTuner) -> FastAPI:
    return create_app(fitted.classifier, name="films", max_queue=300)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:  # its requests share one event loop
        yield client


@pytest.fixture(scope="module")
def classifier(fitted: SentimentFineTuner) -> SentimentClassifier:
    return fitted.classifier


def about(predictions: list[dict[str, Any]]) -> list[Any]:
    """Predictions whose probabilities may differ in the last digits, as batches do."""
    return [
        one | {"score": pytest.approx(one["score"], abs=1e-5), "probabilities": pytest.approx(one["probabilities"])}
        for one in predictions
    ]


@pytest.mark.parametrize("options", [{}, {"abstain_below": 0.9}, {"cascade": True}, {"ensemble": True}], ids=str)
def test_predictions_are_those_of_the_classifier(
    client: TestClient, classifier: SentimentClassifier, options: dict[str, Any]
) -> None:
    expected = about([one.to_dict() for one in classifier.predict(TEXTS, **options)])
    many = client.post("/predict", json={"texts": TEXTS, **options})
    assert (many.status_code, many.json()) == (200, {"predictions": expected})
    one = client.post("/predict", json={"text": TEXTS[0], **options})
    assert (one.status_code, one.json()) == (200, {"predictions": expected[:1]})


def test_a_promise_is_kept_or_refused(abstaining_model: Path) -> None:
    texts = [*TEXTS, "dull and superb", "superb, dull", "moving and boring"]
    model = SentimentClassifier.from_pretrained(abstaining_model)
    client = TestClient(create_app(model))
    for promise in ("error<=0.01", "precision>=0.99"):
        expected = about([one.to_dict() for one in model.predict(texts, abstain=promise)])
        answer = client.post("/predict", json={"texts": texts, "abstain": promise})
        assert answer.json() == {"predictions": expected}
        assert {one["abstained"] for one in answer.json()["predictions"]} == {False, True}
    (abstaining_model / "held_out.npz").unlink()
    client = TestClient(create_app(SentimentClassifier.from_pretrained(abstaining_model)))
    refused = client.post("/predict", json={"texts": texts, "abstain": "error<=0.01"})
    assert refused.status_code == 422
    assert refused.json()["detail"].splitlines() == [
        "it is unknown how often the model is right",
        "  found:    no held_out.npz in the model folder",
        "  expected: no abstain, or abstain_below",
    ]


def test_more_texts_than_a_batch_holds_are_answered_in_their_order(
    client: TestClient, classifier: SentimentClassifier
) -> None:
    texts, _ = make_reviews(290)
    answered = client.post("/predict", json={"texts": texts}).json()["predictions"]
    assert [one["label"] for one in answered] == [one.label for one in classifier.predict(texts)]


def test_pairs_are_for_models_of_two_columns(fitted_on_pairs: SentimentFineTuner, client: TestClient) -> None:
    pairs = [make_pair(text) for text in TEXTS[:4]]
    expected = about([one.to_dict() for one in fitted_on_pairs.classifier.predict(pairs)])
    bodies = [{"text": title, "text_pair": body} for title, body in pairs]
    with TestClient(create_app(fitted_on_pairs.classifier)) as of_pairs:
        assert of_pairs.post("/predict", json={"texts": bodies}).json() == {"predictions": expected}
        assert of_pairs.post("/predict", json=bodies[0]).json() == {"predictions": expected[:1]}
        assert of_pairs.get("/healthz").json()["model"]["text_columns"] == ["title", "body"]
        alone = of_pairs.post("/predict", json={"texts": [bodies[0], TEXTS[0]]})
        assert (alone.status_code, alone.json()["rows"]) == (422, [2])
    refused = client.post("/predict", json=bodies[0])
    assert refused.status_code == 422
    assert "one text each, since the model was trained on one column (text)" in refused.json()["detail"]


@pytest.mark.integration
def test_words_are_explained(client: TestClient, classifier: SentimentClassifier) -> None:
    answer = client.post("/explain", json={"text": TEXTS[1]})
    assert answer.status_code == 200
    expected = classifier.explain(TEXTS[1]).to_dict()
    shown = answer.json()
    assert [word["word"] for word in shown["words"]] == TEXTS[1].split()
    assert [word["score"] for word in shown["words"]] == pytest.approx([w["score"] for w in expected["words"]], 1e-3)
    assert {name: shown[name] for name in ("texts", "labels", "label")} == {
        "texts": [TEXTS[1]],
        "labels": list(classifier.labels),
        "label": expected["label"],
    }


def test_without_its_extra_or_weights_explaining_is_not_offered(
    classifier: SentimentClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("imdb_sentiment.serving.served_model.find_spec", lambda name: None)
        client = TestClient(create_app(classifier))
    answer = client.post("/explain", json={"text": "Superb."})
    assert answer.status_code == 404
    assert answer.json()["detail"] == "explanations need the extra 'explain' on the server"
    assert client.get("/healthz").json()["model"]["explains"] is False


def test_the_state_says_what_is_served(client: TestClient) -> None:
    for address in ("/healthz", "/readyz"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.json() == {
            "status": "ready",
            "version": imdb_sentiment.__version__,
            "model": {
                "name": "films",
                "labels": ["negative", "positive"],
                "text_columns": ["text"],
                "threshold": 0.5,
                "precision": "fp32",
                "cascade": True,
                "ensemble": True,
                "explains": True,
            },
        }


def test_before_and_after_it_can_be_asked_an_app_says_so(classifier: SentimentClassifier) -> None:
    served = ServedModel(max_batch_wait_ms=0, max_queue=10)
    client = TestClient(build_app(served, None))
    loading = client.get("/readyz")
    assert (loading.status_code, loading.json()["status"], loading.json()["model"]) == (503, "loading", None)
    assert client.get("/healthz").status_code == 200
    refused = client.post("/predict", json={"text": "Superb."})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert refused.json()["detail"] == "the model is loading"
    served.open(classifier, "films")
    assert client.get("/readyz").status_code == 200
    assert client.post("/predict", json={"text": "Superb."}).status_code == 200
    served.draining = True
    draining = client.get("/readyz")
    assert (draining.status_code, draining.json()["status"]) == (503, "draining")
    last = client.post("/predict", json={"text": "Superb."})
    assert (last.status_code, last.headers["Connection"]) == (200, "close")


def test_sizes_are_limited(client: TestClient) -> None:
    many = client.post("/predict", json={"texts": ["Superb."] * 301})
    assert many.status_code == 413
    assert many.json()["detail"] == "a request may have 300 texts, and this one has 301"
    body = b'{"text": "%s"}' % (b"a " * (MAX_BODY_BYTES // 2))
    headers = {"Content-Type": "application/json"}
    for address in ("/predict", "/explain"):
        for content in (body, iter([body[:1000], body[1000:]])):  # the second without a declared length
            refused = client.post(address, content=content, headers=headers)
            assert refused.status_code == 413
            assert refused.json() == {"detail": f"the body is larger than {MAX_BODY_BYTES:,} bytes", "rows": []}
            assert refused.headers["X-Content-Type-Options"] == "nosniff"
    within = b'{"text": "%s"}' % (b"a " * (MAX_BODY_BYTES // 2 - 20))
    assert client.post("/predict", content=within, headers=headers).json()["predictions"][0]["truncated"] is True


@pytest.mark.parametrize("address", ["/predict", "/explain", "/metrics"])
@pytest.mark.parametrize(
    "given", [None, "Bearer wrong", "Basic secret", "Bearer secre", "Bearer", "Bearer s\u00e9cret"]
)
def test_a_token_is_asked_for(fitted: SentimentFineTuner, address: str, given: str | None) -> None:
    client = TestClient(create_app(fitted.classifier, token="secret"))  # noqa: S106
    method = "GET" if address == "/metrics" else "POST"
    headers = {} if given is None else {"Authorization": given.encode()}
    refused = client.request(method, address, json={"text": "Superb."}, headers=headers)  # type: ignore[arg-type]
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "secret" not in refused.text


def test_with_its_token_all_is_answered_and_state_and_pages_without(classifier: SentimentClassifier) -> None:
    app = create_app(classifier, token="secret")  # noqa: S106
    client = TestClient(app)
    headers = {"Authorization": "Bearer secret"}
    assert client.post("/predict", json={"text": "Superb."}, headers=headers).status_code == 200
    assert client.get("/metrics", headers=headers).status_code == 200
    assert {client.get(address).status_code for address in ("/", "/docs", "/healthz", "/readyz")} == {200}
    described = app.openapi()["paths"]
    assert "security" in described["/predict"]["post"]
    assert "security" not in described["/readyz"]["get"]


def test_an_app_without_a_token_describes_none(app: FastAPI) -> None:
    assert "401" not in app.openapi()["paths"]["/predict"]["post"]["responses"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"token": ""}, "the token cannot be sent in a header"),
        ({"token": "two words"}, "the token cannot be sent in a header"),
        ({"token": "s\u00e9cret"}, "printable ASCII"),
        ({"max_queue": 0}, "max_queue=0 leaves no room for a text"),
        ({"max_queue": 2.5}, "max_queue=2.5"),
        ({"max_batch_wait_ms": -1}, "max_batch_wait_ms=-1"),
        ({"max_batch_wait_ms": float("nan")}, "0 to 1000 milliseconds"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(classifier: SentimentClassifier, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        create_app(classifier, **options)


def test_without_its_extra_an_app_names_it(classifier: SentimentClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fastapi", None)
    with pytest.raises(MissingExtraError, match=r"imdb-sentiment\[serve\]"):
        create_app(classifier)


def test_two_apps_are_mounted_in_another_with_metrics_of_their_own(classifier: SentimentClassifier) -> None:
    parent = FastAPI()
    for name in ("films", "books"):
        parent.mount(f"/{name}", create_app(classifier, name=name))
    with TestClient(parent) as client:
        assert client.post("/films/predict", json={"text": "Superb."}).status_code == 200
        assert client.get("/books/healthz").json()["model"]["name"] == "books"
        assert 'imdb_sentiment_requests_total{path="/predict"' in client.get("/films/metrics").text
        assert 'path="/predict"' not in client.get("/books/metrics").text
        assert client.get("/films").url.path == "/films/"

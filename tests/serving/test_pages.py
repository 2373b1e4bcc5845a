"""The page to try a model in a real browser: safe, readable, open to all; and the page of the API."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, Route, ViewportSize

from imdb_sentiment import SentimentClassifier, SentimentFineTuner
from imdb_sentiment.serving import create_app

pytestmark = pytest.mark.integration

NARROW = ViewportSize(width=390, height=800)
TEXT = "Seen at home: <b>dull</b> and \U0001f600 superb."


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """Run an app in a thread; yield its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:  # clients can connect from now on, and wait
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def address(fitted: SentimentFineTuner) -> Iterator[str]:
    """A server with three apps behind prefixes: a model of one column, the same with a token, and one of pairs."""
    app = FastAPI()
    app.mount("/films", create_app(fitted.classifier, name="films"))
    app.mount("/guarded", create_app(fitted.classifier, token="secret"))  # noqa: S106
    with running(app) as address:
        yield address


@contextmanager
def context_of(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=NARROW, **options)
    context.set_default_timeout(0)
    yield context
    context.close()


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    # the page's own policy forbids the scripts of the tests
    with context_of(browser, color_scheme=request.param, bypass_csp=True) as context:
        opened = context.new_page()
        opened.goto(f"{address}/films/")
        opened.get_by_text("It answers negative or positive").wait_for()
        yield opened


def classify(page: Page, text: str = TEXT, *, result: str = "#explanation") -> None:
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Classify").click()
    page.locator(result).wait_for()


def test_a_text_is_classified_and_its_words_are_coloured(page: Page) -> None:
    classify(page)
    assert page.locator("#label").inner_text() in ("negative", "positive")
    assert page.locator("#verdict").inner_text().startswith("Calibrated probability of ")
    assert [bar.inner_text().split()[0] for bar in page.locator(".bar").all()] == ["negative", "positive"]
    assert page.locator("#coloured").inner_text() == TEXT  # markup shows as text, and positions hold after an emoji
    words = page.locator("#coloured mark").all_inner_texts()
    assert words == TEXT.split()
    assert page.locator("#strongest tr").count() == 5
    assert page.locator("#coloured mark.strong").count() >= 1
    assert page.title() == "Try films"


def test_a_narrow_screen_needs_no_scrolling_sideways_and_axe_finds_nothing(page: Page) -> None:
    for state in ("before", "after"):
        if state == "after":
            classify(page, f"{TEXT} {'unbroken' * 30}")
        wide: Any = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= NARROW["width"]
        assert [found["id"] for found in Axe().run(page).response["violations"]] == []


def test_an_improbable_label_is_abstained(page: Page) -> None:
    page.get_by_label("Abstain below").fill("1")
    classify(page)
    assert page.locator("#label").inner_text().startswith("No answer; perhaps ")
    assert page.locator("#notes").inner_text() == "The probability is below 1."


def test_a_promise_is_sent_and_a_refusal_of_it_is_shown(browser: Browser, abstaining_model: Path) -> None:
    app = create_app(SentimentClassifier.from_pretrained(abstaining_model))
    with running(app) as address, context_of(browser) as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_text("It answers").wait_for()
        page.get_by_label("or to keep a promise").fill(" error<=0.05 ")
        with page.expect_request("**/predict") as asked:
            classify(page, result="#result")
        asked_for = {"text": TEXT, "abstain_below": 0, "abstain": "error<=0.05", "cascade": False}
        assert asked.value.post_data_json == asked_for
        assert not page.get_by_role("alert").is_visible()
        page.get_by_label("or to keep a promise").fill("precision>=1")
        classify(page, "Superb.", result="#problem")
        assert "precision>=1" in page.get_by_role("alert").inner_text()
        page.get_by_label("or to keep a promise").fill("error<=0.05")
        page.get_by_label("Abstain below").fill("0.9")
        page.get_by_role("button", name="Classify").click()
        page.get_by_text("does not go with abstain_below").wait_for()


def test_an_answer_that_would_break_the_promise_is_abstained(page: Page) -> None:
    def answer(route: Route) -> None:
        prediction = {"label": "positive", "score": 0.6, "probabilities": {"negative": 0.4, "positive": 0.6}}
        rest = {"truncated": False, "abstained": True, "answered_by": "encoder"}
        route.fulfill(json={"predictions": [prediction | rest]})

    page.route("**/predict", answer)
    page.get_by_label("or to keep a promise").fill("error<=0.05")
    classify(page, result="#result")
    assert page.locator("#notes").inner_text() == "The probability is too low to keep the promise error<=0.05."


def test_a_refusal_is_shown(page: Page) -> None:
    classify(page, "<br>", result="#problem")
    assert page.get_by_role("alert").inner_text().startswith("there is nothing to classify in a blank text")


def test_the_keyboard_is_enough(page: Page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.type("Superb.")
    page.keyboard.press("Control+Enter")
    page.locator("#result").wait_for()


def test_the_page_loads_and_asks_nothing_outside_and_keeps_its_policy(browser: Browser, address: str) -> None:
    asked: list[str] = []
    said: list[str] = []
    with context_of(browser) as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{address}/films/")
        page.get_by_text("It answers").wait_for()
        classify(page)
    names = ["", "page.css", "page.js", "healthz", "predict", "explain"]
    assert asked == [f"{address}/films/{name}" for name in names]
    assert said == []


def test_a_token_is_asked_for_when_it_is_needed(browser: Browser, address: str) -> None:
    with context_of(browser) as context:
        page = context.new_page()
        page.goto(f"{address}/guarded/")
        page.get_by_text("It answers").wait_for()
        classify(page, result="#token-option")
        assert "a token is needed" in page.get_by_role("alert").inner_text()
        page.get_by_label("Token of this server").fill("secret")
        classify(page, result="#result")
        assert not page.get_by_role("alert").is_visible()


def test_a_model_of_pairs_has_two_fields(browser: Browser, fitted_on_pairs: SentimentFineTuner) -> None:
    with running(create_app(fitted_on_pairs.classifier)) as address, context_of(browser) as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_label("title").fill("Seen at home")
        page.get_by_label("body").fill("dull and slow.")
        page.get_by_role("button", name="Classify").click()
        page.locator("#explanation").wait_for()
        assert page.locator("#coloured > div").all_inner_texts() == ["Seen at home", "dull and slow."]
        assert not page.get_by_label("Let the TF-IDF model answer first").is_visible()


def test_the_page_of_the_api_runs_its_own_script_and_that_of_swagger_alone(browser: Browser, address: str) -> None:
    stand_in = "window.SwaggerUIBundle = (options) => { document.title = options.url }; SwaggerUIBundle.presets = {}"
    asked: list[str] = []
    said: list[str] = []
    with context_of(browser) as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.route("**/*.js", lambda route: route.fulfill(content_type="text/javascript", body=stand_in))
        page.route("**/*.css", lambda route: route.fulfill(content_type="text/css", body=""))
        page.goto(f"{address}/films/docs", wait_until="networkidle")
        assert page.title() == "openapi.json"
    assert {url.split("/")[2] for url in asked} == {address.split("/")[2], "cdn.jsdelivr.net"}
    assert said == []

"""An app against its own OpenAPI document: whatever is sent, it gives an answer that the document describes."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from conftest import examples
from imdb_sentiment import SentimentFineTuner
from imdb_sentiment.serving import create_app

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def api(fitted: SentimentFineTuner) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(fitted.classifier, max_batch_wait_ms=0))


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("operation", ["POST /predict", "POST /explain", "GET /healthz", "GET /readyz", "GET /metrics"])
def test_every_answer_is_one_that_is_described(api: Any, operation: str, mode: GenerationMode) -> None:
    method, path = operation.split()
    if method == "GET" and mode is GenerationMode.NEGATIVE:
        return  # nothing in it can be wrong

    @given(api[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=examples(100), suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        # which texts a model takes is not in the document: blank ones are refused, and pairs by a model of one column
        case.call_and_validate(excluded_checks=[CHECKS.get_one("positive_data_acceptance")])

    check()


def test_the_addresses_tried_are_all_that_are_described(api: Any) -> None:
    assert sorted(api) == ["/explain", "/healthz", "/metrics", "/predict", "/readyz"]

"""An app against its own OpenAPI document: whatever is sent, it gives an answer that the document describes."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from conftest import examples
from imdb_sentiment import SentimentFineTuner
from imdb_sentiment.serving import create_app

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def api(fitted: SentimentFineTuner) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(fitted.classifier, max_batch_wait_ms=0))


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(max_examples=examples(100), suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_is_described(case: Any) -> None:
    # which texts a model takes is not in the document: blank ones are refused, and pairs by a model of one column
    case.call_and_validate(excluded_checks=[CHECKS.get_one("positive_data_acceptance")])

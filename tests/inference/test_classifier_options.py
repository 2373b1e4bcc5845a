"""What a classifier is opened with, and the kinds of labels that it is measured on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from imdb_sentiment import ConfigError, SentimentClassifier

TEXTS = ["superb and joyful", "dull and awful"]


@pytest.mark.parametrize("tokens", [0, -1])
def test_a_batch_without_texts_is_refused(saved_model: Path, tokens: int) -> None:
    with pytest.raises(ConfigError, match=f"max_tokens_per_forward={tokens}"):
        SentimentClassifier.from_pretrained(saved_model, max_tokens_per_forward=tokens)


def test_a_precision_is_known_or_refused(saved_model: Path) -> None:
    unknown: Any = "fp16"
    with pytest.raises(ConfigError, match="precision='fp16'"):
        SentimentClassifier.from_pretrained(saved_model, precision=unknown)


def test_a_device_that_is_not_there_is_refused(saved_model: Path) -> None:
    with pytest.raises(ConfigError, match="device='gpu'"):
        SentimentClassifier.from_pretrained(saved_model, device="gpu")


@pytest.mark.parametrize(
    "labels",
    [np.array([1, 0]), pd.Series([1, 0]), (True, False), ["Positive", "NEGATIVE"], pd.Series(["positive", "negative"])],
)
def test_labels_come_in_many_kinds(saved_model: Path, labels: Sequence[int | str]) -> None:
    classifier = SentimentClassifier.from_pretrained(saved_model, device="cpu")
    assert classifier.evaluate(TEXTS, labels).accuracy == 1.0

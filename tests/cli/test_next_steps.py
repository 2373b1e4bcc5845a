"""What the commands propose after a training."""

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imdb_sentiment import DataConfig, EvaluationReport, FineTuneConfig
from imdb_sentiment.cli.next_steps import data_options, next_steps
from imdb_sentiment.cli.options import read_data_settings
from imdb_sentiment.evaluation.comparison import compare
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.results import BaselineReport, MeasuredRows

ROWS = 200


def report_with(errors: int) -> EvaluationReport:
    """Return a report of so many errors among 200 rows, the probabilities all as certain."""
    labels = np.arange(ROWS) % 2
    positive = np.where(np.arange(ROWS) < errors, 1 - labels, labels) * 0.8 + 0.1
    report = measure(np.column_stack((1 - positive, positive)), labels, names=("negative", "positive"))
    return replace(report, measured=MeasuredRows(positive, labels, texts=["text"] * ROWS))


def beside(model: EvaluationReport, baseline: EvaluationReport) -> EvaluationReport:
    compared = BaselineReport(name="TF-IDF + LR", report=baseline, comparison=compare(baseline, model))
    return replace(model, baselines=(compared,))


@pytest.mark.parametrize(("model", "baseline"), [(10, 60), (50, 50), (48, 50)])
def test_a_model_that_is_not_worse_is_to_be_used(model: int, baseline: int) -> None:
    report = beside(report_with(model), report_with(baseline))
    assert not report.baselines[0].is_better
    said = next_steps(Path("my model"), report, DataConfig(), FineTuneConfig())
    assert said == "Next:\n  imdb-sentiment predict 'my model' 'Your text.'"


def test_a_model_that_is_worse_is_to_be_looked_into() -> None:
    report = beside(report_with(60), report_with(10))
    assert report.baselines[0].is_better
    data = DataConfig(source="my reviews.csv", text_column="body", positive_label="good one", header=False)
    said = next_steps(Path("model"), report, data, FineTuneConfig())
    assert said.startswith("It is worse than TF-IDF + LR")
    assert "predict" not in said
    for command in ("label-issues", "learning-curve", "search"):
        assert f"imdb-sentiment {command} --data 'my reviews.csv' " in said
    assert said.count("--text-column body --positive-label 'good one'") == 3
    assert said.count("--set header=false") == 3
    assert "--model google-bert/bert-base-uncased" in said


def test_a_pair_of_texts_is_shown_with_its_tab() -> None:
    config = DataConfig(text_columns=("title", "body"))
    said = next_steps(Path("model"), report_with(0), config, FineTuneConfig())
    assert said.endswith(r"predict model $'First text.\tSecond text.'")


def test_the_options_of_the_data_name_the_same_data() -> None:
    config = DataConfig(
        source="a b.csv", label_column="stars", positive_label="5", split_seed=7, text_columns=("t", "u")
    )
    words = shlex.split(data_options(config))
    named = dict(zip(words[::2], words[1::2], strict=True))
    assert named["--data"] == "a b.csv"
    assignments = [word for flag, word in zip(words[::2], words[1::2], strict=True) if flag == "--set"]
    given = {"source": "a b.csv", "label_column": named["--label-column"], "positive_label": named["--positive-label"]}
    assert read_data_settings(assignments, given) == config

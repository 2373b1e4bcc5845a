"""Covers results/search.py."""

import json
from dataclasses import replace

import pytest

from imdb_sentiment import FineTuneConfig
from imdb_sentiment.results import Interval, SearchReport, TrialResult


def trial(number: int, value: float | None = None, state: str = "finished", reason: str | None = None) -> TrialResult:
    settings = {"learning_rate": 1e-5 * number, "per_device_train_batch_size": 8 * number, "pooling": "mean"}
    known = {"accuracy": 0.8, "log_loss": value, "seconds": 12.0} if state == "finished" else {}
    return TrialResult(number=number, state=state, settings=settings, value=value, reason=reason, **known)  # type: ignore[arg-type]


@pytest.fixture
def report() -> SearchReport:
    return SearchReport(
        metric="log_loss",
        trials=(
            trial(1, 0.41),
            trial(2, 0.38),
            trial(3, 0.6, "pruned"),
            trial(4, None, "failed", "out of memory: 3 GB\nmore"),
        ),
        best=2,
        best_config=FineTuneConfig(learning_rate=2e-5),
        held_out=88,
        cross_validated=False,
        best_value=0.38,
        corrected_value=0.395,
        corrected_interval=Interval(0.3, 0.48),
        test=None,
        model="search/model",
        notes=("the test split was measured before",),
    )


def test_it_prints_in_eighty_columns_the_best_first(report: SearchReport) -> None:
    lines = str(report).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if line[:5].strip().isdigit()] == ["2", "1", "3", "4"]
    text = " ".join(str(report).split())
    assert "4 trials: 2 finished, 1 pruned, 1 failed" in text
    assert "failed learning_rate 4e-05, per_device_train_batch_size 32, pooling mean: out of memory: 3 GB" in text
    assert "log loss on 88 rows held out: 0.3800" in text
    assert "corrected for choosing the best: 0.3950 (0.3000 to 0.4800); selection bias about 0.0150" in text
    assert "no test split was set aside" in text
    assert text.endswith("note: the test split was measured before")


@pytest.mark.parametrize(
    ("metric", "best", "corrected", "optimism"), [("log_loss", 0.3, 0.35, 0.05), ("accuracy", 0.9, 0.88, 0.02)]
)
def test_optimism_is_positive_where_the_best_value_is_too_good(
    report: SearchReport, metric: str, best: float, corrected: float, optimism: float
) -> None:
    changed = replace(report, metric=metric, best_value=best, corrected_value=corrected)
    assert changed.optimism == pytest.approx(optimism)
    assert "selection bias about" in " ".join(str(changed).split())
    other = replace(report, metric=metric, best_value=corrected, corrected_value=best)
    assert "no selection bias found" in " ".join(str(other).split())


def test_without_an_estimate_it_says_so(report: SearchReport) -> None:
    unknown = replace(report, corrected_value=None, corrected_interval=None)
    assert unknown.optimism is None
    assert "too few rows to estimate" in str(unknown)


def test_it_is_plain_json_and_back_and_a_frame(report: SearchReport) -> None:
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["best_config"]["learning_rate"] == 2e-5
    assert plain["optimism"] == pytest.approx(0.015)
    assert SearchReport.from_dict(plain) == report
    frame = report.to_frame()
    assert list(frame["number"]) == [1, 2, 3, 4]
    assert {"state", "learning_rate", "pooling", "value", "reason"} <= set(frame.columns)
    assert "<script" not in report._repr_html_()


def test_many_trials_are_cut_short(report: SearchReport) -> None:
    many = replace(report, trials=tuple(trial(number, 1 / number) for number in range(1, 31)))
    assert "and 20 more; see to_frame()" in str(many)

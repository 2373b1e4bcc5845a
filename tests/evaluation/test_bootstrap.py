"""Resampled figures are those of scikit-learn, and their spread is what it should be. Covers results/comparison.py."""

import time

import numpy as np
import pytest
from made_up import made_up_rows
from sklearn import metrics

from imdb_sentiment.evaluation import bootstrap
from imdb_sentiment.evaluation.bootstrap import resampled_metrics
from imdb_sentiment.results import MeasuredRows


def by_scikit_learn(scored: MeasuredRows, weights: np.ndarray) -> dict[str, float]:
    true, called = scored.labels, scored.positive > scored.threshold
    by_label = {"y_true": true, "y_pred": called, "sample_weight": weights}
    by_score = {"y_true": true, "sample_weight": weights}
    return {
        "accuracy": metrics.accuracy_score(**by_label),
        "balanced_accuracy": metrics.balanced_accuracy_score(**by_label),
        "precision": metrics.precision_score(**by_label),
        "recall": metrics.recall_score(**by_label),
        "f1": metrics.f1_score(**by_label),
        "matthews_correlation": metrics.matthews_corrcoef(**by_label),
        "log_loss": metrics.log_loss(true, scored.positive, sample_weight=weights),
        "brier_score": metrics.brier_score_loss(y_proba=scored.positive, **by_score),
        "roc_auc": metrics.roc_auc_score(y_score=scored.positive, **by_score),
        "average_precision": metrics.average_precision_score(y_score=scored.positive, **by_score),
    }


@pytest.mark.parametrize(("decimals", "threshold"), [(9, 0.5), (1, 0.5), (2, 0.3)])
def test_each_resample_is_measured_as_scikit_learn_would(decimals: int, threshold: float) -> None:
    positive, labels = made_up_rows(200, np.random.default_rng(1), share=0.3)
    scored = MeasuredRows(np.clip(np.round(positive, decimals), 0.01, 0.99), labels, threshold)
    figures = resampled_metrics(scored, seed=7, resamples=5)
    drawn = np.concatenate(list(bootstrap.stratified_draws(labels, np.random.default_rng(7), 5)))
    for number, weights in enumerate(drawn):
        assert weights[labels == 1].sum() == 60
        assert weights[labels == 0].sum() == 140
        measured = {name: values[number] for name, values in figures.items()}
        assert measured == pytest.approx(by_scikit_learn(scored, weights), abs=1e-9)


def test_the_draws_do_not_depend_on_how_many_are_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    scored = MeasuredRows(*made_up_rows(50, np.random.default_rng(1)), 0.5)
    whole = resampled_metrics(scored, seed=3, resamples=20)
    monkeypatch.setattr(bootstrap, "_CELLS", 150)
    for name, values in resampled_metrics(scored, seed=3, resamples=20).items():
        np.testing.assert_allclose(values, whole[name], rtol=1e-12)


@pytest.mark.parametrize("label", [0, 1])
def test_rows_of_one_label_have_no_rankings(label: int) -> None:
    figures = resampled_metrics(MeasuredRows(np.linspace(0.1, 0.9, 9), np.full(9, label), 0.5), seed=1, resamples=10)
    assert "roc_auc" not in figures
    assert "average_precision" not in figures
    assert figures["balanced_accuracy"] == pytest.approx(figures["recall"] if label else figures["accuracy"])


@pytest.mark.simulation
@pytest.mark.parametrize(("rows", "share", "sure"), [(500, 0.5, 1.6), (600, 0.3, 1.0)])
def test_intervals_hold_the_true_figures_as_often_as_they_say(rows: int, share: float, sure: float) -> None:
    rng = np.random.default_rng(11)
    many = MeasuredRows(*made_up_rows(400_000, rng, share=share, sure=sure))
    true = by_scikit_learn(many, np.ones(400_000))
    tries = 400
    held = dict.fromkeys(true, 0)
    for seed in range(tries):
        measured = MeasuredRows(*made_up_rows(rows, rng, share=share, sure=sure))
        figures = resampled_metrics(measured, seed=seed, resamples=400)
        for name, value in true.items():
            low, high = np.quantile(figures[name], (0.025, 0.975))
            held[name] += low <= value <= high
    shares = {name: round(count / tries, 3) for name, count in held.items()}
    assert 0.93 <= np.mean(list(shares.values())) <= 0.97, str(shares)
    assert all(0.915 <= share <= 0.985 for share in shares.values()), str(shares)  # a standard error of 0.011


def test_a_resample_takes_a_small_part_of_the_time_that_scikit_learn_takes() -> None:
    scored = MeasuredRows(*made_up_rows(25_000, np.random.default_rng(1)), 0.5)
    started = time.process_time()
    resampled_metrics(scored, seed=1, resamples=100)
    between = time.process_time()
    for _ in range(20):  # takes 8 times as long
        by_scikit_learn(scored, np.ones(25_000))
    assert between - started < time.process_time() - between

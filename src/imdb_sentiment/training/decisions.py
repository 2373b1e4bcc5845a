"""Decisions on held-out rows after training: temperature, threshold, and how a TF-IDF model is combined with it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.labels import Labelled, LabelNames
from imdb_sentiment.evaluation.calibration import AROUND_ONE, TemperaturePrior, fit_temperature
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.evaluation.thresholds import Goal, Threshold, choose_threshold
from imdb_sentiment.inference.cascade import Cascade, Ensemble, TfidfModel, blended, is_confident
from imdb_sentiment.inference.ensemble import averaged
from imdb_sentiment.inference.scorer import softmax
from imdb_sentiment.results.combination import CascadeChoice, EnsembleChoice
from imdb_sentiment.results.metrics import NO_METRICS, CustomMetrics
from imdb_sentiment.results.training import Calibration
from imdb_sentiment.training.unlabelled import PseudoLabelled

if TYPE_CHECKING:
    from imdb_sentiment.config import FineTuneConfig

__all__ = ["Combined", "ValidationOdds", "calibrate", "choose_cascade", "choose_ensemble", "combine_with_tfidf"]

_MARGINS = tuple(percent / 100 for percent in range(99, 50, -1))
_BLENDS = tuple(tenths / 10 for tenths in range(10))
_WEIGHTS = tuple(twentieths / 20 for twentieths in range(20))
_KEPT = 0.6
"""Share of the gain from blending that must remain."""

_NEVER = 1.0
"""Margin that no log odds reach."""


def calibrate(
    logits: NDArray[np.float64],
    labels: Sequence[int],
    config: "FineTuneConfig",
    names: LabelNames,
    metrics: CustomMetrics = NO_METRICS,
    *,
    prior: TemperaturePrior = AROUND_ONE,
) -> Calibration:
    """Fit a temperature to held-out rows, and choose the threshold on the calibrated probabilities.

    Args:
        logits: Logits of held-out rows in fp32, shape (n, 2).
        labels: True labels, 0 or 1.
        config: Its `threshold` is a value or a goal.
        names: Names of the two labels.
        metrics: The user's metrics.
        prior: Prior of the temperature.
    """
    temperature = fit_temperature(logits, labels, prior)
    probabilities = softmax(logits / temperature)
    goal = config.threshold if isinstance(config.threshold, str) else None
    value, reached = config.threshold, True
    if isinstance(value, str):
        chosen = choose_threshold(Goal.of(value), probabilities[:, 1], labels)
        value, reached = chosen.value, chosen.reached
    before = measure(softmax(logits), labels, names=names, metrics=metrics)
    after = measure(probabilities, labels, names=names, threshold=value, metrics=metrics)
    return Calibration(
        temperature=temperature,
        threshold=value,
        goal=str(config.threshold),
        reached=reached,
        before=replace(before, numeric_precision="fp32"),
        after=replace(after, numeric_precision="fp32", goal=goal, goal_reached=reached),
    )


class ValidationOdds(NamedTuple):
    """Log odds of both models for n validation rows, and the true labels."""

    encoder: NDArray[np.float64]
    tfidf: NDArray[np.float64]
    labels: NDArray[np.int_]


class Combined(NamedTuple):
    """A TF-IDF model, and the two ways in which it is combined with the encoder."""

    cascade: Cascade
    """The TF-IDF model and all that predicting needs."""

    cascade_choice: CascadeChoice
    ensemble_choice: EnsembleChoice


def combine_with_tfidf(
    rows: Labelled,
    fold_of: NDArray[np.int64],
    encoder: NDArray[np.float64],
    calibration: Calibration,
    *,
    cleans: bool,
    unlabelled: PseudoLabelled | None = None,
) -> Combined:
    """Fit the TF-IDF model, and choose margin, weights and temperature on held-out rows.

    Args:
        rows: Training rows and validation rows; or rows in folds, on all of which the final model is fitted.
        fold_of: Fold in which each row is held out, shape (n,); -1 for a training row that never is.
        encoder: The encoder's calibrated log odds of the m rows that are held out, in their order, shape (m,).
        calibration: The encoder's calibration.
        cleans: Clean texts first.
        unlabelled: More texts for the TF-IDF model, with labels by the encoder of each fold.
    """

    def fit(train: Labelled, model: int) -> TfidfModel:
        if unlabelled is None:
            return TfidfModel.fit(train, cleans=cleans)
        more, row_weights = unlabelled.added_to(train, model)
        return TfidfModel.fit(more, cleans=cleans, weights=row_weights)

    held = fold_of >= 0
    odds, labels = np.zeros(len(fold_of)), np.asarray(rows.labels)
    for fold in range(int(fold_of.max()) + 1):
        inside = fold_of == fold
        tfidf = fit(_where(rows, ~inside), fold)
        odds[inside] = tfidf.log_odds(_where(rows, inside).texts)
    if held.all():
        tfidf = fit(rows, -1)
    known = np.nan_to_num(odds[held])
    temperature = fit_temperature(np.stack([np.zeros_like(known), known], axis=1), labels[held])
    both = ValidationOdds(encoder, odds[held] / temperature, labels[held])
    cascade, ensemble = choose_cascade(both, calibration), choose_ensemble(both, calibration)
    weights = Ensemble(ensemble.weight, ensemble.temperature)
    return Combined(
        Cascade(tfidf.with_temperature(temperature), cascade.margin, cascade.blend, weights), cascade, ensemble
    )


def _where(rows: Labelled, kept: NDArray[np.bool_]) -> Labelled:
    positions = np.flatnonzero(kept).tolist()
    texts: Any = [rows.texts[row] for row in positions]
    return Labelled(texts, [rows.labels[row] for row in positions])


def choose_ensemble(rows: ValidationOdds, calibration: Calibration) -> EnsembleChoice:
    """Choose the weight of the TF-IDF model, and a temperature, by the log loss of both models' average.

    A threshold that serves a goal is chosen anew, on the probabilities of the ensemble.

    Args:
        rows: Calibrated log odds of both models for held-out rows.
        calibration: The encoder's calibration, with the threshold and its goal.
    """
    from scipy.special import expit, logit

    known = ~np.isnan(rows.tfidf)

    def fitted(weight: float) -> Ensemble:
        odds = blended(rows.encoder, rows.tfidf, weight)[known]
        logits = np.stack([np.zeros_like(odds), odds], axis=1)
        return Ensemble(weight, fit_temperature(logits, rows.labels[known]) if len(odds) else 1.0)

    def loss(ensemble: Ensemble) -> float:
        return _total_log_loss(averaged(rows.encoder, rows.tfidf, ensemble), rows.labels)

    ensemble = min(map(fitted, _WEIGHTS), key=loss)
    if not ensemble.weight:  # the encoder as it is: its own temperature was fitted to these rows
        ensemble = Ensemble(0.0, 1.0)
    odds = averaged(rows.encoder, rows.tfidf, ensemble)
    threshold = Threshold(calibration.threshold, calibration.reached)
    if ensemble.weight and calibration.goal[:1].isalpha():
        threshold = choose_threshold(Goal.of(calibration.goal), expit(odds), rows.labels)
    true, count = rows.labels == 1, len(rows.labels)
    return EnsembleChoice(
        weight=ensemble.weight,
        temperature=ensemble.temperature,
        threshold=threshold.value,
        reached=threshold.reached,
        accuracy=float(((odds > logit(threshold.value)) == true).mean()),
        encoder_accuracy=float(((rows.encoder > logit(calibration.threshold)) == true).mean()),
        log_loss=loss(ensemble) / count,
        encoder_log_loss=_total_log_loss(rows.encoder, rows.labels) / count,
    )


def choose_cascade(rows: ValidationOdds, calibration: Calibration) -> CascadeChoice:
    """Choose the lowest margin at which the cascade should still be more accurate than the encoder alone.

    Blending in the TF-IDF model makes the encoder more accurate, and part of that gain is traded for speed: margins are
    tried from 0.99 downwards, each with the blend that has the lowest log loss on the rows left to the encoder, as long
    as 0.6 of the gain remains. The gain is the expected accuracy under the probabilities of both models combined, since
    observed accuracy on a small validation split is too noisy. In addition, neither the observed accuracy nor the
    metric of the threshold's goal may fall below the encoder's.

    Args:
        rows: Log odds of both models for the validation rows.
        calibration: The encoder's calibration, with the threshold and its goal.
    """
    none = np.zeros(len(rows.labels), dtype=np.bool_)
    share = _best_blend(rows, ~none)
    probabilities = _combined(rows, share)

    def outcome(confident: NDArray[np.bool_], blend: float) -> _Metrics:
        odds = np.where(confident, rows.tfidf, blended(rows.encoder, rows.tfidf, blend))
        return _measure(odds, rows, probabilities, calibration)

    alone, best = outcome(none, 0.0), outcome(none, share)
    expected = alone.expected + _KEPT * max(0.0, best.expected - alone.expected)

    def enough(metrics: _Metrics) -> bool:
        observed = metrics.accuracy >= alone.accuracy and metrics.goal >= alone.goal
        return observed and metrics.expected >= expected

    chosen = (_NEVER, share if enough(best) else 0.0, none)
    for margin in _MARGINS:
        confident = is_confident(rows.tfidf, margin=margin, threshold=calibration.threshold)
        blend = _best_blend(rows, ~confident)
        if not enough(outcome(confident, blend)):
            break
        chosen = (margin, blend, confident)
    margin, blend, confident = chosen
    cascade = outcome(confident, blend)
    return CascadeChoice(
        margin=margin,
        blend=blend,
        answered=float(confident.mean()),
        accuracy=cascade.accuracy,
        encoder_accuracy=alone.accuracy,
        log_loss=cascade.log_loss,
        encoder_log_loss=alone.log_loss,
    )


def _combined(rows: ValidationOdds, share: float) -> NDArray[np.float64]:
    """Return calibrated probabilities of the positive label by both models combined, shape (n,)."""
    from scipy.special import expit

    odds = blended(rows.encoder, rows.tfidf, share)
    temperature = fit_temperature(np.stack([np.zeros_like(odds), odds], axis=1), rows.labels.tolist())
    probabilities: NDArray[np.float64] = expit(odds / temperature)
    return probabilities


def _best_blend(rows: ValidationOdds, selected: NDArray[np.bool_]) -> float:
    """Return the share of the TF-IDF model with the lowest log loss on selected rows; 0 for no rows."""

    def loss(share: float) -> float:
        return _total_log_loss(blended(rows.encoder[selected], rows.tfidf[selected], share), rows.labels[selected])

    return min(_BLENDS, key=loss)


def _total_log_loss(odds: NDArray[np.float64], labels: NDArray[np.int_]) -> float:
    return float(np.logaddexp(0, np.where(labels == 1, -odds, odds)).sum())


class _Metrics(NamedTuple):
    accuracy: float
    expected: float
    """Expected accuracy under the combined probabilities."""

    goal: float
    """Metric that the threshold was chosen for; 0 if the threshold was given."""

    log_loss: float


def _measure(
    odds: NDArray[np.float64], rows: ValidationOdds, probabilities: NDArray[np.float64], calibration: Calibration
) -> _Metrics:
    from scipy.special import logit

    predicted, true = odds > logit(calibration.threshold), rows.labels == 1
    hits = (predicted & true).sum()
    denominators = {"max_f1": (predicted.sum() + true.sum()) / 2, "precision": predicted.sum(), "recall": true.sum()}
    goal = calibration.goal.partition(">=")[0]
    return _Metrics(
        accuracy=float((predicted == true).mean()),
        expected=float(np.where(predicted, probabilities, 1 - probabilities).mean()),
        goal=float(hits / max(denominators[goal], 1)) if goal in denominators else 0.0,
        log_loss=_total_log_loss(odds, rows.labels) / len(odds),
    )

"""Calibration error, reliability and temperature scaling."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imdb_sentiment.reporting.curves import Reliability

__all__ = [
    "AROUND_ONE",
    "BINS",
    "OVERCONFIDENT",
    "TemperaturePrior",
    "calibrated_log_loss",
    "calibrated_losses",
    "calibration_error_interval",
    "cross_fitted",
    "equal_mass_starts",
    "expected_calibration_error",
    "fit_temperature",
    "reliability",
]

_LOWEST, _HIGHEST = 0.05, 20.0


class TemperaturePrior(NamedTuple):
    """Normal prior on the logarithm of the temperature."""

    mean: float
    deviation: float


AROUND_ONE = TemperaturePrior(0.0, 0.5)
"""Most temperatures are between 0.4 and 2.7."""

OVERCONFIDENT = TemperaturePrior(0.4, 0.4)
"""For models of few rows: T is near 1.5, and seldom outside 0.7 to 3.3.

The temperature that fits a few dozen held-out rows best is too low on average: the method was chosen on the same rows,
and the maximum of the likelihood is biased.
"""

BINS = 15
"""As in Guo et al., On Calibration of Modern Neural Networks (2017)."""

_MIN_BIN_ROWS = 10
"""Minimum number of rows per bin."""

_DRAWS = 1000
_HALVINGS = 12


def fit_temperature(logits: ArrayLike, labels: ArrayLike, prior: TemperaturePrior = AROUND_ONE) -> float:
    """Return the temperature T with which softmax(logits / T) fits the labels best.

    Above 1 the model was overconfident, below 1 underconfident. Predicted labels do not change. The prior keeps few
    rows without errors from making the model certain; with hundreds of rows it hardly matters. With the default one,
    the log loss on these rows never rises.

    Args:
        logits: Shape (n, 2).
        labels: 0 or 1, shape (n,), of rows that the model was not trained on.
        prior: What is known of T before.

    Source: Guo et al., On Calibration of Modern Neural Networks (2017); with a normal prior on log T.
    """
    from scipy.optimize import minimize_scalar

    margins = _margins(logits, labels)

    def penalised_loss(log_temperature: float) -> float:
        loss = np.logaddexp(0, -margins / np.exp(log_temperature)).sum()
        return float(loss + (log_temperature - prior.mean) ** 2 / (2 * prior.deviation**2))

    bounds = (np.log(_LOWEST), np.log(_HIGHEST))
    return float(np.exp(minimize_scalar(penalised_loss, bounds=bounds, method="bounded").x))


def calibrated_log_loss(logits: ArrayLike, labels: ArrayLike, prior: TemperaturePrior = AROUND_ONE) -> float:
    """Return the mean of `calibrated_losses`."""
    return float(calibrated_losses(logits, labels, prior).mean())


def calibrated_losses(
    logits: ArrayLike, labels: ArrayLike, prior: TemperaturePrior = AROUND_ONE
) -> NDArray[np.float64]:
    """Return the log loss of each row after fitting a temperature to all; see `fit_temperature`."""
    temperature = fit_temperature(logits, labels, prior)
    losses: NDArray[np.float64] = np.logaddexp(0, -_margins(logits, labels) / temperature)
    return losses


def cross_fitted(
    candidates: Sequence[NDArray[np.float64]], labels: NDArray[np.int64], fold_of: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return calibrated out-of-fold logits without selection bias, shape (n, 2).

    The lowest of several log losses is biased downwards, and so is one after fitting a temperature to the same rows. So
    for each fold, the candidate with the lowest log loss on the other folds is used, with the temperature fitted to
    them.

    Args:
        candidates: Out-of-fold logits of each method, shape (n, 2).
        labels: 0 or 1, shape (n,).
        fold_of: Fold of each row, shape (n,); at least two folds.

    Source: Tibshirani and Tibshirani, A Bias Correction for the Minimum Error Rate in Cross-Validation (2009), for the
    bias; the remedy is that of nested cross-validation, without training anew.
    """
    logits = np.empty((len(labels), 2))
    for fold in np.unique(fold_of):
        held, others = fold_of == fold, fold_of != fold
        chosen = min(candidates, key=lambda scores: calibrated_log_loss(scores[others], labels[others], OVERCONFIDENT))
        logits[held] = chosen[held] / fit_temperature(chosen[others], labels[others], OVERCONFIDENT)
    return logits


def _margins(logits: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Return the logit of each row's label minus the other one, shape (n,)."""
    values, true = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    margins: NDArray[np.float64] = np.where(true == 1, 1, -1) * (values[:, 1] - values[:, 0])
    return margins


def reliability(probabilities: ArrayLike, labels: ArrayLike, *, bins: int = BINS) -> Reliability:
    """Return the reliability curve over bins of about equal mass; see `expected_calibration_error`."""
    scores, true, starts = _binned(probabilities, labels, bins)
    rows = np.diff(starts, append=len(scores))
    return Reliability(rows, np.add.reduceat(scores, starts) / rows, np.add.reduceat(true, starts) / rows)


def equal_mass_starts(ordered: NDArray[np.float64], *, bins: int = BINS) -> NDArray[np.int64]:
    """Divide probabilities into bins of about equal mass; equal probabilities share a bin.

    Args:
        ordered: Sorted probabilities, shape (n,).
        bins: Maximum number of bins; each has at least ten rows.

    Returns:
        Position of the first row of each bin.
    """
    bins = max(1, min(bins, len(ordered) // _MIN_BIN_ROWS))
    cuts = np.arange(1, bins) * len(ordered) // bins
    return np.unique(np.concatenate([[0], np.searchsorted(ordered, ordered[cuts])]))


def expected_calibration_error(probabilities: ArrayLike, labels: ArrayLike, *, bins: int = BINS) -> float:
    """Return the mean gap between probability and share of positive rows over bins of equal mass, between 0 and 1.

    Chance keeps it above 0 even for perfect probabilities, which `calibration_error_interval` accounts for.

    Args:
        probabilities: Probability of the positive label, shape (n,).
        labels: 0 or 1, shape (n,).
        bins: Maximum number of bins; each has about n / bins rows, at least ten, and equal probabilities share a bin.

    Raises:
        ValueError: The shapes differ, there are no rows, or a probability lies outside [0, 1].

    Source: Nixon et al., Measuring Calibration in Deep Learning (2019), adaptive calibration error.
    """
    scores, true, starts = _binned(probabilities, labels, bins)
    return float(np.abs(np.add.reduceat(scores - true, starts)).sum() / len(scores))


def calibration_error_interval(
    probabilities: ArrayLike, labels: ArrayLike, *, level: float, seed: int, bins: int = BINS
) -> tuple[float, float]:
    """Return a confidence interval for the true expected calibration error.

    A bootstrap is biased here, since resampling adds to the error. Instead, the observed gaps are scaled to candidate
    true errors, normal noise is added per bin, and the interval contains the candidates under which the observed error
    is not extreme. It begins at 0 if chance alone explains the observed error.

    Args:
        probabilities: As for `expected_calibration_error`.
        labels: As there.
        level: Confidence level, such as 0.95.
        seed: Seed of the noise.
        bins: As for `expected_calibration_error`.
    """
    scores, true, starts = _binned(probabilities, labels, bins)
    gaps = scores - true
    rows = np.diff(starts, append=len(scores))
    sums = np.add.reduceat(gaps, starts)
    variance = (np.add.reduceat(gaps**2, starts) - sums**2 / rows) * rows / np.maximum(rows - 1, 1)
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(_DRAWS, len(rows))) * np.sqrt(np.maximum(variance, 0))
    observed = float(np.abs(sums).sum())

    def at(times: float, quantile: float) -> float:
        """Return a quantile of the simulated errors with true gaps of `times` those observed."""
        return float(np.quantile(np.abs(times * sums + noise).sum(axis=1), quantile))

    def reaching(quantile: float) -> float:
        if at(0, quantile) >= observed:
            return 0.0
        low, high = 0.0, 1.0
        while at(high, quantile) < observed:
            low, high = high, 2 * high
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if at(middle, quantile) < observed else (low, middle)
        return high

    tail = (1 - level) / 2
    lowest, highest = (reaching(quantile) * observed / len(scores) for quantile in (1 - tail, tail))
    return lowest, min(highest, 1.0)


def _binned(
    probabilities: ArrayLike, labels: ArrayLike, bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return the sorted probabilities, their labels, and the start of each bin."""
    scores, true = np.asarray(probabilities, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if scores.ndim != 1 or scores.shape != true.shape or not len(scores):
        raise ValueError(f"n probabilities and n labels expected, got {scores.shape} and {true.shape}")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("a probability lies outside [0, 1]")
    order = np.argsort(scores, kind="stable")
    return scores[order], true[order], equal_mass_starts(scores[order], bins=bins)

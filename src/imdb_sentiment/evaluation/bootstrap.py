"""How sure a figure is: the same figures over many resamples of the rows, computed for all of them at once."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.evaluation.calibration import equal_mass_starts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RESAMPLES", "Scored", "resampled_figures"]

RESAMPLES = 2000
"""Enough for the ends of a 95 % interval to be off by a tenth of its half width at most."""

_CELLS = 2**21
"""Weights that are held at one time; more do not fit into a processor's cache."""


class Scored(NamedTuple):
    """What a model said of n rows, and what is true of them."""

    positive: "NDArray[np.float64]"
    """Probability of the positive label, shape (n,)."""

    labels: "NDArray[np.int64]"
    """0 or 1, shape (n,)."""

    threshold: float
    """A row is called positive above it."""


def resampled_figures(scored: Scored, *, seed: int, resamples: int = RESAMPLES) -> "dict[str, NDArray[np.float64]]":
    """Measure resamples of the rows, drawn with replacement from each label by itself.

    Stratified, since the share of the labels in a test split was fixed and not drawn. The same seed draws the same rows
    for any model, so that the figures of two models on the same rows may be subtracted (a paired bootstrap).

    Args:
        scored: Rows in the order that the seed applies to.
        seed: Of the draws.
        resamples: How many.

    Returns:
        Each figure over the resamples, shape (resamples,). ROC-AUC and average precision are absent where a label is.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993).
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    measure = _Figures(scored)
    parts = [measure(weights) for weights in _draws(scored.labels, rng, resamples)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _draws(
    labels: "NDArray[np.int64]", rng: "np.random.Generator", resamples: int
) -> "Iterator[NDArray[np.float64]]":
    """Give how often each row is drawn, in pieces of shape (some resamples, n)."""
    import numpy as np

    groups = [np.flatnonzero(labels == label) for label in (0, 1)]
    # one resample at a time fills the draws, so that they do not depend on the size of a piece
    piece = max(1, _CELLS // len(labels))
    for start in range(0, resamples, piece):
        weights = np.zeros((min(piece, resamples - start), len(labels)))
        for drawn in weights:
            for rows in groups:
                drawn[rows] = np.bincount(rng.integers(0, len(rows), len(rows)), minlength=len(rows)) if len(rows) else 0
        yield weights


class _Figures:
    """Measures weighted rows; all that does not depend on the weights is done once."""

    def __init__(self, scored: Scored) -> None:
        import numpy as np

        order = np.argsort(scored.positive, kind="stable")
        self._order = order
        self._positive, self._labels = scored.positive[order], scored.labels[order]
        self._called = int(np.searchsorted(self._positive, scored.threshold, side="right"))
        right = np.where(self._labels == 1, self._positive, 1 - self._positive)
        tiny = np.finfo(np.float64).eps
        self._losses = np.stack([-np.log(np.clip(right, tiny, 1)), (1 - right) ** 2], axis=1)
        self._gaps = self._positive - self._labels
        self._bins = equal_mass_starts(self._positive)
        self._ties = np.flatnonzero(np.diff(self._positive, prepend=-1.0))

    def __call__(self, drawn: "NDArray[np.float64]") -> "dict[str, NDArray[np.float64]]":
        import numpy as np

        weights = drawn[:, self._order]
        rows = weights.sum(axis=1)
        positive = weights * self._labels
        negative = weights - positive
        tp, fp = positive[:, self._called :].sum(axis=1), negative[:, self._called :].sum(axis=1)
        fn, tn = positive.sum(axis=1) - tp, negative.sum(axis=1) - fp
        log_loss, brier = (weights @ self._losses / rows[:, None]).T
        gaps = np.add.reduceat(weights * self._gaps, self._bins, axis=1)
        figures = {
            **figures_of_counts(tn, fp, fn, tp),
            "log_loss": log_loss,
            "brier_score": brier,
            "expected_calibration_error": np.abs(gaps).sum(axis=1) / rows,
        }
        if 0 < self._labels.sum() < len(self._labels):
            figures |= self._rankings(positive, negative)
        return figures

    def _rankings(
        self, positive: "NDArray[np.float64]", negative: "NDArray[np.float64]"
    ) -> "dict[str, NDArray[np.float64]]":
        import numpy as np

        if len(self._ties) < len(self._labels):  # rows of one probability count together
            positive = np.add.reduceat(positive, self._ties, axis=1)
            negative = np.add.reduceat(negative, self._ties, axis=1)
        below = np.cumsum(negative, axis=1)
        above = np.cumsum(positive[:, ::-1], axis=1)[:, ::-1]
        positives, negatives = above[:, 0], below[:, -1]
        wins = (positive * (below - negative / 2)).sum(axis=1)
        called = above + (negatives[:, None] - below + negative)
        precision = np.divide(above, called, out=np.zeros_like(above), where=called > 0)
        return {
            "roc_auc": wins / (positives * negatives),
            "average_precision": (positive * precision).sum(axis=1) / positives,
        }


def figures_of_counts(
    tn: "NDArray[np.float64]", fp: "NDArray[np.float64]", fn: "NDArray[np.float64]", tp: "NDArray[np.float64]"
) -> "dict[str, NDArray[np.float64]]":
    """Compute the figures that a confusion matrix determines, 0 where they would divide by 0."""
    import numpy as np

    def ratio(over: "NDArray[np.float64]", under: "NDArray[np.float64]") -> "NDArray[np.float64]":
        return np.divide(over, under, out=np.zeros_like(over), where=under > 0)

    recall, other = ratio(tp, tp + fn), ratio(tn, tn + fp)
    present = np.sign(tp + fn) + np.sign(tn + fp)
    return {
        "accuracy": ratio(tp + tn, tp + tn + fp + fn),
        "balanced_accuracy": (recall + other) / present,
        "precision": ratio(tp, tp + fp),
        "recall": recall,
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
        "matthews_correlation": ratio(
            tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
        ),
    }

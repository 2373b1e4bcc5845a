"""Confident learning: which labels are probably wrong, by predictions of models that did not learn from the rows."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imdb_sentiment.evaluation.calibration import calibrated_log_loss, fit_temperature
from imdb_sentiment.results.label_issues import LabelIssue, LabelIssues

__all__ = ["average_of", "label_issues_of", "rank_label_issues", "reason_not_to_tell"]

_LONGEST = 0.2
"""Longest list, as a share of the rows, beyond chance.

Ten well-known data sets have 0.15 to 10 % of wrong labels (Northcutt, Athalye and Mueller, Pervasive Label Errors in
Test Sets Destabilize Machine Learning Benchmarks, 2021), so most of a longer list are errors of the models.
"""

_WEIGHTS = tuple(tenths / 10 for tenths in range(11))
_CLOSEST = 1e-9


def rank_label_issues(positive: ArrayLike, labels: ArrayLike) -> NDArray[np.int64]:
    """Return the positions of rows whose label is probably wrong, the most suspicious first.

    A row is suspected if the model, which did not learn from it, prefers the other label and is at least as sure of it
    as it is on average of the rows that have that label. That average takes into account that a model may be less sure
    of one label than of the other. Rows are put in order by how much more probable the other label is.

    Args:
        positive: Probability of the positive label by a model that did not learn from the row, shape (n,).
        labels: 0 or 1, shape (n,), both present.

    Source: Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels (2021).
    """
    scores, given = np.asarray(positive, dtype=np.float64), np.asarray(labels)
    of_given = np.where(given == 1, scores, 1 - scores)
    of_other = 1 - of_given
    usual = np.array([of_given[given == label].mean() for label in (0, 1)])
    suspected = np.flatnonzero((of_other > of_given) & (of_other >= usual[1 - given]))
    ranked: NDArray[np.int64] = suspected[np.argsort(-of_other[suspected], kind="stable")]
    return ranked


def reason_not_to_tell(positive: ArrayLike, labels: ArrayLike, *, suspected: int) -> str | None:
    """Return why these predictions do not tell which labels are wrong; None if they do.

    A model that hardly knows the labels contradicts right ones as often as wrong ones.

    Args:
        positive: As for `rank_label_issues`.
        labels: As there.
        suspected: Number of rows that it returned.

    Source: Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927), for the 95 % intervals.
    """
    from scipy.stats import binomtest

    scores, given = np.asarray(positive, dtype=np.float64), np.asarray(labels)
    right, rows, share = int(((scores > 0.5) == given).sum()), len(given), max(given.mean(), 1 - given.mean())

    def lowest(count: int) -> float:
        return float(binomtest(count, rows).proportion_ci(method="wilson").low)

    if lowest(right) <= share:
        return (
            f"the models are not better than the more frequent label beyond chance: accuracy {right / rows:.1%} (at "
            f"least {lowest(right):.1%}), share of that label {share:.1%}"
        )
    if lowest(suspected) > _LONGEST:
        return (
            f"the models contradict {suspected / rows:.0%} of the labels, most of which are their own errors; they "
            f"agree with {right / rows:.1%}"
        )
    return None


def average_of(first: ArrayLike, second: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Return the probability of the positive label by two models together, shape (n,).

    It is the weighted mean of their calibrated log odds, calibrated again. The weight is the multiple of 0.1 with the
    lowest log loss, so that a model that knows little does not count.

    Args:
        first: Out-of-fold probability of the positive label by one model, shape (n,).
        second: The same by the other.
        labels: 0 or 1, shape (n,).
    """
    from scipy.special import expit, logit

    def logits_of(odds: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([np.zeros_like(odds), odds], axis=1)

    def calibrated(odds: NDArray[np.float64]) -> NDArray[np.float64]:
        return odds / fit_temperature(logits_of(odds), labels)

    one, other = (calibrated(logit(np.clip(positive, _CLOSEST, 1 - _CLOSEST))) for positive in (first, second))
    mixed = [(1 - weight) * one + weight * other for weight in _WEIGHTS]
    best = min(mixed, key=lambda odds: calibrated_log_loss(logits_of(odds), labels))
    together: NDArray[np.float64] = expit(calibrated(best))
    return together


def label_issues_of(
    positive: NDArray[np.float64],
    labels: NDArray[np.int64],
    *,
    model: str,
    names: tuple[str, str],
    numbers: NDArray[np.int64],
    texts_at: Callable[[NDArray[np.int64]], Sequence[str | tuple[str, ...]]],
    notes: tuple[str, ...],
) -> LabelIssues:
    """Return the rows whose label is probably wrong, or the reason why these predictions do not tell.

    Args:
        positive: Out-of-fold probability of the positive label, shape (n,).
        labels: 0 or 1, shape (n,), both present.
        model: What predicted it.
        names: Names of the two labels.
        numbers: Number of each row in its source, from 1, shape (n,).
        texts_at: Returns the texts or pairs at some of the n positions.
        notes: Remarks on how the rows were read.
    """
    ranked = rank_label_issues(positive, labels)
    undecided = reason_not_to_tell(positive, labels, suspected=len(ranked))
    listed = ranked[:0] if undecided else ranked
    return LabelIssues(
        rows=len(labels),
        model=model,
        accuracy=float(((positive > 0.5) == labels).mean()),
        undecided=undecided,
        issues=tuple(
            LabelIssue(
                row=int(numbers[i]),
                label=names[labels[i]],
                suggested=names[1 - labels[i]],
                probability=float(positive[i] if labels[i] == 0 else 1 - positive[i]),
                text=text if isinstance(text, str) else "\n".join(text),
            )
            for i, text in zip(listed, texts_at(listed), strict=True)
        ),
        notes=notes,
    )

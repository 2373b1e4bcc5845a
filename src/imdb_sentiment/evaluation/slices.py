"""Metrics on slices of the rows."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imdb_sentiment.evaluation.bootstrap import LEVEL
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.measured import MeasuredRows
from imdb_sentiment.results.slices import SliceReport

__all__ = ["confidence_groups", "length_groups", "measure_slices"]


def measure_slices(groups: Mapping[str, Sequence[str]], measured: MeasuredRows) -> tuple[SliceReport, ...]:
    """Evaluate the rows of each value of each grouping.

    A slice's accuracy is compared with that of the other rows by Fisher's exact test, with p-values corrected for the
    false discovery rate over all slices.

    Args:
        groups: For each grouping, such as `length`, each row's value.
        measured: The rows.

    Source: Benjamini and Hochberg, Controlling the False Discovery Rate (1995).
    """
    from scipy.stats import false_discovery_control

    labels, predicted, correct = measured.labels, measured.predicted, measured.correct
    found, values = [], []
    for grouping, column in groups.items():
        names, places = np.unique(column, return_inverse=True)
        for place in sorted(range(len(names)), key=lambda place: _natural(str(names[place]))):
            inside = places == place
            sure = float(measured.confidence[inside].mean())
            found.append(_slice(grouping, str(names[place]), labels[inside], predicted[inside], sure))
            values.append(_differs(correct[inside], correct[~inside]))
    corrected = false_discovery_control(values) if values else []
    return tuple(replace(part, p_value=float(p)) for part, p in zip(found, corrected, strict=True))


def _slice(
    grouping: str, name: str, labels: NDArray[np.int64], predicted: NDArray[np.int64], sure: float
) -> SliceReport:
    rows, positives, called = len(labels), int(labels.sum()), int(predicted.sum())
    hits, tp = int((labels == predicted).sum()), int((labels * predicted).sum())
    union = called + positives - tp
    shares = {"accuracy": (hits, rows), "precision": (tp, called), "recall": (tp, positives)}
    intervals = {metric: _wilson(*share) for metric, share in shares.items() if share[1]}
    if union:  # F1 rises with tp / (tp + fp + fn), which is a share of rows
        low, high = _wilson(tp, union)
        intervals["f1"] = Interval(2 * low / (1 + low), 2 * high / (1 + high))
    return SliceReport(
        grouping=grouping,
        name=name,
        rows=rows,
        positive_share=positives / rows,
        **{metric: part / whole if whole else 0.0 for metric, (part, whole) in shares.items()},
        f1=2 * tp / (called + positives) if union else 0.0,
        intervals=intervals,
        mean_confidence=sure,
        p_value=1.0,
    )


def _wilson(part: int, whole: int) -> Interval:
    from scipy.stats import binomtest

    ends = binomtest(part, whole).proportion_ci(LEVEL, method="wilson")
    return Interval(float(ends.low), float(ends.high))


def _differs(inside: NDArray[np.bool_], outside: NDArray[np.bool_]) -> float:
    from scipy.stats import fisher_exact

    if not len(outside):
        return 1.0
    return float(fisher_exact([[part.sum(), (~part).sum()] for part in (inside, outside)]).pvalue)


def length_groups(tokens: ArrayLike, truncated: ArrayLike) -> list[str]:
    """Assign each row to a quartile of the lengths of complete texts, or to `cut`.

    Args:
        tokens: Number of tokens read of each row, shape (n,).
        truncated: Whether the row was truncated, shape (n,).
    """
    lengths, cut = np.asarray(tokens), np.asarray(truncated, dtype=bool)
    whole = lengths[~cut]
    if not len(whole):
        return ["cut"] * len(lengths)
    ends = np.unique(np.quantile(whole, (0.25, 0.5, 0.75, 1), method="higher"))
    starts = np.concatenate([[whole.min()], ends[:-1] + 1])
    names = [
        f"{start}-{end} tokens" if start < end else f"{end} tokens" for start, end in zip(starts, ends, strict=True)
    ]
    places = np.searchsorted(ends, lengths)
    return ["cut" if is_cut else names[place] for place, is_cut in zip(places, cut, strict=True)]


def confidence_groups(confidence: ArrayLike) -> list[str]:
    """Assign each row to a tenth of confidence, such as `0.8-0.9`.

    Args:
        confidence: Shape (n,).
    """
    tenths = np.clip(np.floor(10 * np.asarray(confidence)), 0, 9).astype(int)
    return [f"{tenth / 10:.1f}-{(tenth + 1) / 10:.1f}" for tenth in tenths]


def _natural(name: str) -> tuple[float, str]:
    """Return a sort key with `33-64 tokens` before `129-256 tokens`, and names without a number last."""
    number = re.match(r"\d+(\.\d+)?", name)
    return (float(number[0]) if number else math.inf, name)

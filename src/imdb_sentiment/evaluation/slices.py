"""Where a model is better and where it is worse: the same rows, divided by something that is known of them."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from imdb_sentiment.evaluation.intervals import LEVEL
from imdb_sentiment.results import Interval, SliceReport

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["confidence_groups", "length_groups", "measure_slices"]


def measure_slices(
    groups: Mapping[str, Sequence[str]], correct: "ArrayLike", labels: "ArrayLike", confidence: "ArrayLike"
) -> tuple[SliceReport, ...]:
    """Measure the rows of each value of each grouping.

    A slice's accuracy is compared with that of all other rows of its grouping by Fisher's exact test. Of many slices,
    one in twenty would look different by chance, so the p-values of all of them are corrected together, such that no
    more than one in twenty of those called different is so by chance.

    Args:
        groups: For each grouping, such as `length`, each row's value; n of them.
        correct: Whether each row's label was predicted, shape (n,).
        labels: 0 or 1, shape (n,).
        confidence: Probability of the predicted label, shape (n,).

    Source: Benjamini and Hochberg, Controlling the False Discovery Rate (1995).
    """
    import numpy as np
    from scipy.stats import binomtest, false_discovery_control, fisher_exact

    right, true, sure = np.asarray(correct, dtype=bool), np.asarray(labels), np.asarray(confidence)
    found, values = [], []
    for grouping, names in groups.items():
        column = np.asarray(names)
        for name in sorted(set(names), key=_natural):
            inside = column == name
            hits, rows = int(right[inside].sum()), int(inside.sum())
            other_hits, others = int(right[~inside].sum()), int((~inside).sum())
            ends = binomtest(hits, rows).proportion_ci(LEVEL, method="wilson")
            table = [[hits, rows - hits], [other_hits, others - other_hits]]
            values.append(float(fisher_exact(table).pvalue) if others else 1.0)
            found.append(
                SliceReport(
                    grouping=grouping,
                    name=name,
                    rows=rows,
                    positive_share=float(true[inside].mean()),
                    accuracy=hits / rows,
                    accuracy_interval=Interval(float(ends.low), float(ends.high)),
                    mean_confidence=float(sure[inside].mean()),
                    p_value=1.0,
                )
            )
    corrected = false_discovery_control(values) if values else []
    return tuple(replace(part, p_value=float(p)) for part, p in zip(found, corrected, strict=True))


def length_groups(tokens: "ArrayLike", truncated: "ArrayLike") -> list[str]:
    """Name the length of each row: a quarter of those that were read whole, or `cut`.

    Args:
        tokens: What the model read of each row, shape (n,).
        truncated: Whether part of it was not read, shape (n,).
    """
    import numpy as np

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


def confidence_groups(confidence: "ArrayLike") -> list[str]:
    """Name a tenth for the probability of each row's predicted label, such as `0.8-0.9`.

    Args:
        confidence: Shape (n,).
    """
    import numpy as np

    tenths = np.clip(np.floor(10 * np.asarray(confidence)), 0, 9).astype(int)
    return [f"{tenth / 10:.1f}-{(tenth + 1) / 10:.1f}" for tenth in tenths]


def _natural(name: str) -> tuple[float, str]:
    """Put `33-64 tokens` before `129-256 tokens`, and what begins with no number last."""
    number = re.match(r"\d+(\.\d+)?", name)
    return (float(number[0]) if number else math.inf, name)

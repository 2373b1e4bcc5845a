"""Abstention with a guarantee, and prediction sets, from held-out rows."""

import math
import re
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.errors import ConfigError, count_rows
from imdb_sentiment.evaluation.held_out import HeldOutRows
from imdb_sentiment.results.abstention import Abstention, NoAbstention
from imdb_sentiment.runtime.messages import quote

__all__ = ["CONFIDENCE", "Promise", "choose_abstention", "set_threshold", "usual_promises"]

CONFIDENCE = 0.95
"""Probability that a promise holds."""

_GRID = (0.999, 0.998, 0.995, *(percent / 100 for percent in range(99, 49, -1)), 0.0)
"""Probabilities of the predicted label below which to abstain. Fixed, since a grid that follows the rows would choose
among more thresholds than are tested."""

_PLENTY = 5
_USUAL = ("error<=0.01", "error<=0.02", "error<=0.05", "error<=0.1")

_PATTERN = re.compile(r"error *<= *(0?\.\d+)|precision *>= *(0?\.\d+)")


class Promise(NamedTuple):
    """A promise on the predictions that are not abstained."""

    metric: Literal["error", "precision"]
    """`precision` concerns the positive label only; texts predicted negative are never abstained then."""

    error: float
    """Largest share of wrong predictions."""

    @classmethod
    def of(cls, text: str) -> "Promise":
        """Parse `error<=0.02` or `precision>=0.95`.

        Raises:
            ConfigError: It is neither.
        """
        match = _PATTERN.fullmatch(text.strip()) if isinstance(text, str) else None
        shares = [float(share) for share in match.groups() if share] if match else []
        if not match or not 0 < shares[0] < 1:
            raise ConfigError(
                f"{quote(text)} is not a promise that abstention can make",
                expected="error<=0.02 or precision>=0.95, with any share between 0 and 1",
            )
        return cls("error", shares[0]) if match[1] else cls("precision", round(1 - shares[0], 12))

    def __str__(self) -> str:
        if self.metric == "error":
            return f"error<={self.error:g}"
        return f"precision>={1 - self.error:g}"

    @property
    def fewest(self) -> int:
        """Number of answered rows that would do if none of them were wrong."""
        return math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - self.error))

    def rows_to_start(self, rows: int) -> int:
        """Number of answered rows to test the first threshold with, of so many that the promise concerns.

        The first test that fails ends the search. With rows enough the first one is allowed an error, so that a single
        wrong label does not end it; in simulations that answered more texts.
        """
        from scipy.stats import binom

        if rows < _PLENTY * self.fewest:
            return self.fewest
        candidates = np.arange(self.fewest, 2 * self.fewest + 2)
        return int(candidates[np.argmax(binom.cdf(1, candidates, self.error) <= 1 - CONFIDENCE)])


def choose_abstention(
    promise: Promise, positive: NDArray[np.float64], labels: NDArray[np.integer[Any]], *, threshold: float
) -> Abstention:
    """Choose the probability below which to abstain, so that a promise holds with 95 % confidence.

    Thresholds are tested from the highest to the lowest by the exact binomial upper bound of the error rate (Clopper
    and Pearson, 1934), and the last one before the first that fails is chosen. Since the order is fixed in advance,
    each test may use the whole 5 % (fixed-sequence testing, as in Learn then Test, Angelopoulos et al., 2021).
    Thresholds with too few rows to pass with no or one error are skipped.

    The bound takes the rows as new to the model. It does not count that they also chose the epoch or the method, the
    temperature and perhaps a threshold with a goal, nor that rows held out in turn were scored by models of the folds.

    Args:
        promise: What to promise.
        positive: Calibrated probability of the positive label for n held-out rows, shape (n,).
        labels: 0 or 1, shape (n,).
        threshold: A row is predicted positive if its probability is above it.

    Raises:
        ConfigError: The promise cannot be made with these rows; the message says how many rows it would take.
    """
    predicted = positive > threshold
    confidence, wrong = np.where(predicted, positive, 1 - positive), predicted != (labels == 1)
    concerned = predicted if promise.metric == "precision" else np.ones(len(labels), dtype=np.bool_)
    chosen: Abstention | None = None
    needed, start = math.inf, promise.rows_to_start(int(concerned.sum()))
    for probability in _GRID:
        answered = concerned & (confidence >= probability)
        rows, errors = int(answered.sum()), int(wrong[answered].sum())
        if rows and errors / rows < promise.error:
            needed = min(needed, len(labels) / rows * _rows_for(errors / rows, promise))
        if rows < start:
            continue
        bound = upper_bound(errors, rows)
        if bound > promise.error:
            break
        # without this promise's label nothing is abstained
        kept = answered | ~concerned
        chosen = Abstention(
            promise=str(promise),
            probability=probability,
            confidence=CONFIDENCE,
            coverage=float(kept.mean()),
            held_out_rows=len(labels),
            answered_rows=rows,
            errors=errors,
            error_bound=bound,
        )
    if chosen is None:
        raise _refusal(promise, len(labels), needed)
    return chosen


def usual_promises(held_out: HeldOutRows, *, threshold: float) -> list[Abstention | NoAbstention]:
    """Return what can be promised of an error rate of 1, 2, 5 and 10 %, each with 95 % confidence on its own."""
    promises: list[Abstention | NoAbstention] = []
    for text in _USUAL:
        try:
            promises.append(choose_abstention(Promise.of(text), *held_out, threshold=threshold))
        except ConfigError as refusal:
            promises.append(NoAbstention(promise=text, expected=refusal.expected or "a better model"))
    return promises


def upper_bound(errors: int, rows: int) -> float:
    """Return the exact upper bound of an error rate, at the confidence of a promise."""
    from scipy.stats import beta

    return 1.0 if errors >= rows else float(beta.ppf(CONFIDENCE, errors + 1, rows - errors))


def _rows_for(rate: float, promise: Promise) -> float:
    """Return about how many answered rows with this observed error rate would pass; infinity above a million."""
    from scipy.stats import binom

    rows = np.unique(np.append(promise.fewest, np.geomspace(promise.fewest, 1e6, 1000).astype(np.int64)))
    passes = binom.cdf(np.ceil(rate * rows), rows, promise.error) <= 1 - CONFIDENCE
    return float(rows[np.argmax(passes)]) if passes.any() else math.inf


def _refusal(promise: Promise, rows: int, needed: float) -> ConfigError:
    if math.isinf(needed):
        return ConfigError(
            f"{promise} cannot be promised: the model makes more errors, however sure it is",
            found=f"{count_rows(rows)} held out, and no threshold at which enough predictions are right",
            hint="a promise that is easier to keep, or a better model",
        )
    return ConfigError(
        f"{promise} cannot be promised with {CONFIDENCE:.0%} confidence by {count_rows(rows)} held out",
        expected=f"about {max(math.ceil(needed), promise.fewest):,} held-out rows",
        hint="more labelled rows, or a promise that is easier to keep",
    )


def set_threshold(level: float, positive: NDArray[np.float64], labels: NDArray[np.integer[Any]]) -> float:
    """Return the probability from which a label belongs to a prediction set that holds the true one.

    Split conformal prediction: a new row is as likely as any held-out one to have the lowest probability of its true
    label, so the k-th lowest of n, with k = floor((n + 1)(1 - level)), misses it with a probability of at most
    1 - level (Vovk, Gammerman and Shafer, 2005).

    Args:
        level: Probability that the set holds the true label, over texts and held-out rows.
        positive: Calibrated probability of the positive label for n held-out rows, shape (n,).
        labels: 0 or 1, shape (n,).

    Raises:
        ConfigError: The level is not between 0 and 1, or there are too few rows.
    """
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        raise ConfigError(f"level={quote(level)} is not a share", expected="a number between 0 and 1, such as 0.95")
    rank = math.floor(round((len(labels) + 1) * (1 - level), 9))
    if rank < 1:
        needed = math.ceil(round(1 / (1 - level), 9)) - 1
        raise ConfigError(
            f"prediction sets at level {level:g} would hold both labels for every text",
            found=f"{count_rows(len(labels))} held out",
            expected=f"{needed:,} held-out rows or more",
            hint="a lower level",
        )
    of_true = np.where(labels == 1, positive, 1 - positive)
    return float(np.partition(of_true, rank - 1)[rank - 1])

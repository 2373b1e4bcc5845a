"""After training: a quick model beside the encoder, and how much of the work it may take over."""

from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.data.labels import Labelled
from imdb_sentiment.evaluation.calibration import fit_temperature
from imdb_sentiment.inference.bag_of_words import TfidfModel
from imdb_sentiment.inference.cascade import Cascade, blended, sure_of
from imdb_sentiment.results.training import Calibration, CascadeChoice

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Rows", "choose", "fit_cascade"]

_MARGINS = tuple(percent / 100 for percent in range(99, 50, -1))
_BLENDS = tuple(tenths / 10 for tenths in range(10))
_KEPT = 0.6
"""Share of the gain of a blend that must be left."""

_NOBODY = 1.0
"""A margin that no log odds reach."""


class Rows(NamedTuple):
    """What both models say of n validation rows, as log odds, and what is true of them."""

    encoder: "NDArray[np.float64]"
    words: "NDArray[np.float64]"
    labels: "NDArray[np.int_]"


def fit_cascade(
    train: Labelled, validation: Labelled, encoder: "NDArray[np.float64]", calibration: Calibration, *, cleans: bool
) -> tuple[Cascade, CascadeChoice]:
    """Fit the quick model to the training rows, and choose margin and blend on the validation rows.

    Args:
        train: What the encoder learnt from.
        validation: Rows that it did not learn from.
        encoder: What it says of them, as calibrated log odds, shape (n,).
        calibration: The encoder's.
        cleans: Whether the encoder's texts are cleaned.
    """
    import numpy as np

    words = TfidfModel.fit(train, cleans=cleans)
    odds = words.log_odds(validation.texts)
    known = np.nan_to_num(odds)
    temperature = fit_temperature(np.stack([np.zeros_like(known), known], axis=1), validation.labels)
    rows = Rows(encoder, odds / temperature, np.asarray(validation.labels))
    choice = choose(rows, calibration)
    return Cascade(words.tempered(temperature), choice.margin, choice.blend), choice


def choose(rows: Rows, calibration: Calibration) -> CascadeChoice:
    """Choose the lowest margin at which labels should still be more accurate than the encoder's alone.

    Were the encoder to read all rows, the other opinion blended in would make it more accurate. A part of that gain is
    spent on speed: margins are tried from 0.99 downwards, each with the blend that has the lowest log loss on the rows
    that the encoder reads, and the last one is taken before less than 0.6 of the gain is left. The gain is the one to
    be expected by the probabilities of both models together, which are the best opinion there is of each row. Beside
    that, counted labels may not be less accurate than the encoder's, nor the figure lower that the threshold was
    chosen for.

    Labels that are counted differ by chance. On 800 validation reviews none were lost down to a margin of 0.6, which
    cost 1.3 points on 6,000 new ones. And where half of the counted gain had to be left as well, what the quick model
    answered hung on how words happened to be hashed: 67 to 77 % of 2,498 reviews. By this rule it is 76 to 80 %, and
    with four ways to hash, the new ones gain 0.0 to 0.7 points.

    Args:
        rows: What both models say of the validation rows.
        calibration: The encoder's, with the threshold and what it is for.
    """
    import numpy as np

    nobody = np.zeros(len(rows.labels), dtype=np.bool_)
    share = _best_blend(rows, ~nobody)
    belief = _belief(rows, share)

    def measured(sure: "NDArray[np.bool_]", blend: float) -> _Figures:
        return _measure(np.where(sure, rows.words, blended(rows.encoder, rows.words, blend)), rows, belief, calibration)

    alone, best = measured(nobody, 0.0), measured(nobody, share)
    expected = alone.expected + _KEPT * max(0.0, best.expected - alone.expected)

    def enough(figures: _Figures) -> bool:
        counted = figures.accuracy >= alone.accuracy and figures.goal >= alone.goal
        return counted and figures.expected >= expected

    chosen = (_NOBODY, share if enough(best) else 0.0, nobody)
    for margin in _MARGINS:
        sure = sure_of(rows.words, margin=margin, threshold=calibration.threshold)
        blend = _best_blend(rows, ~sure)
        if not enough(measured(sure, blend)):
            break
        chosen = (margin, blend, sure)
    margin, blend, sure = chosen
    together = measured(sure, blend)
    return CascadeChoice(
        margin=margin,
        blend=blend,
        answered=float(sure.mean()),
        accuracy=together.accuracy,
        encoder_accuracy=alone.accuracy,
        log_loss=together.log_loss,
        encoder_log_loss=alone.log_loss,
    )


def _belief(rows: Rows, share: float) -> "NDArray[np.float64]":
    """Return how probable the positive label is by both models together, shape (n,)."""
    import numpy as np
    from scipy.special import expit

    together = blended(rows.encoder, rows.words, share)
    temperature = fit_temperature(np.stack([np.zeros_like(together), together], axis=1), rows.labels.tolist())
    belief: NDArray[np.float64] = expit(together / temperature)
    return belief


def _best_blend(rows: Rows, which: "NDArray[np.bool_]") -> float:
    """Return the share of the quick model with the lowest log loss on some of the rows; 0 for none."""

    def surprise(share: float) -> float:
        return _surprise(blended(rows.encoder[which], rows.words[which], share), rows.labels[which])

    return min(_BLENDS, key=surprise)


def _surprise(odds: "NDArray[np.float64]", labels: "NDArray[np.int_]") -> float:
    """Return the sum of the log loss over rows."""
    import numpy as np

    return float(np.logaddexp(0, np.where(labels == 1, -odds, odds)).sum())


class _Figures(NamedTuple):
    accuracy: float
    expected: float
    """What accuracy would be on average, if labels were drawn as probable as they are believed to be."""

    goal: float
    """What the threshold was chosen for; 0 if it was given."""

    log_loss: float


def _measure(
    odds: "NDArray[np.float64]", rows: Rows, belief: "NDArray[np.float64]", calibration: Calibration
) -> _Figures:
    import numpy as np
    from scipy.special import logit

    called, true = odds > logit(calibration.threshold), rows.labels == 1
    hits = (called & true).sum()
    of = {"max_f1": (called.sum() + true.sum()) / 2, "precision": called.sum(), "recall": true.sum()}
    goal = calibration.goal.partition(">=")[0]
    return _Figures(
        accuracy=float((called == true).mean()),
        expected=float(np.where(called, belief, 1 - belief).mean()),
        goal=float(hits / max(of[goal], 1)) if goal in of else 0.0,
        log_loss=_surprise(odds, rows.labels) / len(odds),
    )

"""The quick model answers the texts that it is sure of, the encoder the rest."""

from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.data.labels import Texts
from imdb_sentiment.inference.bag_of_words import TfidfModel
from imdb_sentiment.inference.scorer import Scorer, Scores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Cascade", "CascadeScorer", "is_confident", "log_odds_of"]


class Cascade(NamedTuple):
    """A quick model, and how it goes together with an encoder."""

    words: TfidfModel
    margin: float
    """How probable a label must be for the quick model to answer, where the threshold is 0.5."""

    blend: float
    """Share of the quick model in the log odds of the other texts."""


class CascadeScorer:
    """Scores texts by a cascade; see `Scorer`.

    Args:
        scorer: Scores what the quick model is not sure of.
        cascade: The quick model.
        threshold: A text is called positive if its positive probability is above it.
    """

    def __init__(self, scorer: Scorer, cascade: Cascade, *, threshold: float) -> None:
        self._scorer = scorer
        self._cascade = cascade
        self._threshold = threshold

    def score(self, texts: Texts) -> Scores:
        """Score texts or pairs. Tokens are counted, and truncation is told, of those that the encoder read."""
        import numpy as np

        words, margin, blend = self._cascade
        odds = words.log_odds(texts)
        by_encoder = ~is_confident(odds, margin=margin, threshold=self._threshold)
        rest: Any = [texts[row] for row in np.flatnonzero(by_encoder).tolist()]
        read = self._scorer.score(rest)
        odds[by_encoder] = blended(log_odds_of(read.logits), odds[by_encoder], blend)
        truncated, tokens = np.zeros(len(texts), dtype=np.bool_), np.zeros(len(texts), dtype=np.int64)
        truncated[by_encoder], tokens[by_encoder] = read.truncated, read.tokens
        return Scores(np.stack([np.zeros_like(odds), odds], axis=1), truncated, tokens, by_encoder)


def log_odds_of(logits: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Return the log odds of the positive label, shape (n,), for logits of shape (n, 2)."""
    return logits[:, 1] - logits[:, 0]


def is_confident(odds: "NDArray[np.float64]", *, margin: float, threshold: float) -> "NDArray[np.bool_]":
    """Tell which log odds are as far from those of the threshold as those of the margin are from even ones."""
    import numpy as np
    from scipy.special import logit

    far: NDArray[np.bool_] = np.abs(odds - logit(threshold)) >= logit(margin)  # not of what is not a number
    return far


def blended(encoder: "NDArray[np.float64]", words: "NDArray[np.float64]", share: float) -> "NDArray[np.float64]":
    """Mix the log odds of both; where the quick model knows nothing, those of the encoder count alone."""
    import numpy as np

    return np.where(np.isnan(words), encoder, (1 - share) * encoder + share * np.nan_to_num(words))

"""A check that labels were not read the wrong way round."""

from collections.abc import Mapping

from imdb_sentiment.messages import quote
from imdb_sentiment.results.comparison import BY_CHANCE

__all__ = ["flipped_warning"]

_SHOWN = 4


def flipped_warning(
    read_as: Mapping[str, str], *, accuracy: float, rows: int, roc_auc: float | None = None
) -> str | None:
    """Say that labels are probably flipped, if the model is right on clearly fewer rows than by chance.

    Args:
        read_as: The model's name for each label that the data spell otherwise. Without any there is nothing to doubt:
            a model may well be wrong on rows that were chosen because they are hard.
        accuracy: Of the model on these rows.
        rows: How many they are.
        roc_auc: If this is above 0.5, a threshold far from 0.5 is what makes the accuracy so low.
    """
    from scipy.stats import binom

    right = round(accuracy * rows)
    if not read_as or (roc_auc or 0.0) >= 0.5 or binom.cdf(right, rows, 0.5) >= BY_CHANCE:
        return None
    shown = [f"{quote(label)} was read as {quote(name)}" for label, name in list(read_as.items())[:_SHOWN]]
    return (
        f"the labels are probably flipped: {right:,} of {rows:,} rows are predicted right, clearly fewer than by "
        f"chance, and {', '.join(shown)}; look at some rows before you trust any of this"
    )

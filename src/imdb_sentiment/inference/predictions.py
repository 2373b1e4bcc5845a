"""Probabilities become predictions."""

from imdb_sentiment.errors import ConfigError
from imdb_sentiment.inference.scorer import Scores
from imdb_sentiment.results.inference import Prediction

__all__ = ["check_abstain_below", "make_predictions"]


def check_abstain_below(value: float) -> None:
    """Check the probability below which predictions are marked as abstained.

    Raises:
        ConfigError: It is not between 0 and 1.
    """
    if not 0 <= value <= 1:
        raise ConfigError(f"abstain_below={value} is not a probability", expected="between 0 and 1")


def make_predictions(
    scores: Scores, labels: tuple[str, str], *, threshold: float, abstain_below: float
) -> list[Prediction]:
    """Return a prediction for each text.

    Args:
        scores: Of the texts.
        labels: Names of the negative and of the positive label.
        threshold: A text is called positive above it.
        abstain_below: Mark predictions whose label has a lower probability.
    """
    predictions = []
    columns = (scores.probabilities.tolist(), scores.truncated.tolist(), scores.by_encoder.tolist())
    for row, truncated, by_encoder in zip(*columns, strict=True):
        winner = int(row[1] > threshold)
        predictions.append(
            Prediction(
                label=labels[winner],
                score=row[winner],
                probabilities=dict(zip(labels, row, strict=True)),
                truncated=truncated,
                abstained=row[winner] < abstain_below,
                answered_by="encoder" if by_encoder else "words",
            )
        )
    return predictions

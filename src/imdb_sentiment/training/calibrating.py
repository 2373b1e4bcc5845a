"""After training: probabilities that mean what they say, and the threshold that serves a goal."""

from typing import TYPE_CHECKING

from imdb_sentiment.data.labelled import Labelled
from imdb_sentiment.encoding import TextEncoder
from imdb_sentiment.evaluation.metrics import measure, softmax
from imdb_sentiment.evaluation.temperature import fit_temperature
from imdb_sentiment.evaluation.thresholds import Goal, choose_threshold
from imdb_sentiment.results import Calibration
from imdb_sentiment.scoring.torch_scorer import score_texts

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from imdb_sentiment.config import FineTuneConfig

__all__ = ["calibrate"]


def calibrate(
    model: "PreTrainedModel",
    encoder: TextEncoder,
    config: "FineTuneConfig",
    *,
    rows: Labelled,
    names: tuple[str, str],
) -> Calibration:
    """Fit a temperature to the validation split, and choose the threshold with it. The model stays as it is.

    Args:
        model: The model that was fine-tuned.
        encoder: Encodes texts.
        config: Says what the threshold is for.
        rows: The validation split.
        names: Names of the two labels.
    """
    logits = score_texts(model, encoder, rows.texts).logits
    temperature = fit_temperature(logits, rows.labels)
    probabilities = softmax(logits / temperature)
    value, reached = config.threshold, True
    if isinstance(value, str):
        chosen = choose_threshold(Goal.of(value), probabilities[:, 1], rows.labels)
        value, reached = chosen.value, chosen.reached
    return Calibration(
        temperature=temperature,
        threshold=value,
        goal=str(config.threshold),
        reached=reached,
        before=measure(softmax(logits), rows.labels, names=names),
        after=measure(probabilities, rows.labels, names=names, threshold=value),
    )

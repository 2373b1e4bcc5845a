"""Scoring with PyTorch: texts sorted by length into batches, answers in the order of the texts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.data.labelled import Texts
from imdb_sentiment.encoding import TextEncoder
from imdb_sentiment.evaluation.metrics import softmax
from imdb_sentiment.first_token import first_token_only
from imdb_sentiment.progress import progress_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from transformers import PreTrainedModel

__all__ = ["Scores", "score_texts"]


class Scores(NamedTuple):
    """Scores of n texts, in their order."""

    logits: "NDArray[np.float64]"
    """Shape (n, 2): of the negative and of the positive label."""

    truncated: "NDArray[np.bool_]"
    """Shape (n,): whether part of the text was not seen."""

    tokens: "NDArray[np.int64]"
    """Shape (n,): how many tokens the model read, special tokens included."""

    @property
    def probabilities(self) -> "NDArray[np.float32]":
        """Shape (n, 2): probability of the negative and of the positive label."""
        import numpy as np

        return softmax(self.logits).astype(np.float32)


def score_texts(model: "PreTrainedModel", encoder: TextEncoder, texts: Texts, *, batch_size: int) -> Scores:
    """Score texts on the device that the model is on.

    Batches are made of texts of similar length, so that little of them is padding; that changes the time taken, not
    the scores.

    Args:
        model: Model with a head of two outputs.
        encoder: Turns texts into batches.
        texts: Texts, or pairs of texts, to score.
        batch_size: Texts per batch.
    """
    import numpy as np
    import torch

    encoded = encoder.encode(texts)
    logits = np.zeros((len(texts), 2), dtype=np.float64)
    order = sorted(range(len(texts)), key=lambda i: -encoded[i].length)
    bar = progress_bar("scoring", total=len(texts), unit="text")
    with _evaluating(model), first_token_only(model), torch.inference_mode(), bar:
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            inputs = {
                name: tensor.to(model.device) for name, tensor in encoder.pad([encoded[i] for i in batch]).items()
            }
            logits[batch] = model(**inputs).logits.float().cpu().numpy()
            bar.update(len(batch))
    truncated = np.array([text.truncated for text in encoded], dtype=np.bool_)
    tokens = np.array([text.length for text in encoded], dtype=np.int64)
    return Scores(logits, truncated, tokens)


@contextmanager
def _evaluating(model: "PreTrainedModel") -> Iterator[None]:
    """Switch dropout off inside, and back to what it was afterwards."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)

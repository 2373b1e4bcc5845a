"""Integrated gradients: how much of a model's answer comes from each word."""

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.errors import MissingExtraError
from imdb_sentiment.models.acceleration import first_token_only
from imdb_sentiment.models.tokenization import Span, TextEncoder
from imdb_sentiment.results.inference import Explanation, WordContribution
from imdb_sentiment.runtime.process_wide import COMPUTE_LOCK, WARNINGS_LOCK

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from transformers import PreTrainedModel

__all__ = ["explain_text"]

_WORD = re.compile(r"\S+")
_FIRST_STEPS, _MOST_STEPS = 32, 256
_ENOUGH = 0.02
"""A completeness error below which more steps are not worth their time."""

_AT_ONCE = 16


class _Attributed(NamedTuple):
    scores: "NDArray[np.float64]"
    """Shape (tokens,)."""

    error: float
    steps: int


def explain_text(
    model: "PreTrainedModel",
    encoder: TextEncoder,
    text: str | tuple[str, str],
    *,
    labels: tuple[str, str],
    threshold: float,
) -> Explanation:
    """Attribute the difference of the two logits to the words of a text.

    Gradients are integrated over the word embeddings, on the straight way from a text whose words are all padding to
    the text itself. The scores then add up to what the words change in the logits; how nearly they do tells whether
    there were enough steps. Scores of word pieces are added up to words: runs of characters between white space.

    Args:
        model: Model with a head of two outputs.
        encoder: Encodes the text.
        text: A text, or a pair.
        labels: Names of the two labels.
        threshold: The text is called positive if its positive probability is above it.

    Raises:
        MissingExtraError: captum is not installed.

    Source: Sundararajan, Taly and Yan, Axiomatic Attribution for Deep Networks (2017).
    """
    import torch

    one: Any = [text]
    (encoded,) = encoder.encode(one)
    inputs = {name: tensor.to(model.device) for name, tensor in encoder.pad([encoded]).items()}
    spans = encoder.spans(text)
    with first_token_only(model), COMPUTE_LOCK.shared():
        was_training = model.training
        model.eval()
        try:
            with torch.no_grad():
                logits = model(**inputs).logits[0].double()
            attributed = _attribute(model, inputs, [span is None for span in spans], encoder.tokenizer.pad_token_id)
        finally:
            model.train(was_training)
    positive = float(logits.softmax(0)[1])
    called = positive > threshold
    texts = (text,) if isinstance(text, str) else text
    return Explanation(
        texts=texts,
        labels=labels,
        label=labels[called],
        score=positive if called else 1 - positive,
        words=tuple(_words(texts, spans, attributed.scores)),
        completeness_error=attributed.error,
        steps=attributed.steps,
    )


def _attribute(
    model: "PreTrainedModel", inputs: "dict[str, torch.Tensor]", special: list[bool], padding: int | None
) -> _Attributed:
    """Integrate with more and more steps until the scores add up."""
    try:
        with WARNINGS_LOCK:
            from captum.attr import LayerIntegratedGradients
    except ImportError as absent:
        summary = "explanations need the extra 'explain'"
        raise MissingExtraError(summary, hint="pip install 'imdb-sentiment[explain]'") from absent
    import torch

    names = [name for name in inputs if name != "input_ids"]

    def margin(tokens: "torch.Tensor", *others: "torch.Tensor") -> "torch.Tensor":
        logits = model(input_ids=tokens, **dict(zip(names, others, strict=True))).logits
        difference: torch.Tensor = logits[:, 1] - logits[:, 0]
        return difference

    tokens = inputs["input_ids"]
    kept = torch.tensor([special], device=tokens.device)
    nothing = torch.where(kept, tokens, torch.full_like(tokens, padding or 0))
    others = tuple(inputs[name] for name in names)
    gradients: Any = LayerIntegratedGradients(margin, model.get_input_embeddings())
    steps = _FIRST_STEPS
    while True:
        parts, missed = gradients.attribute(
            tokens,
            baselines=nothing,
            additional_forward_args=others,
            n_steps=steps,
            internal_batch_size=_AT_ONCE,
            return_convergence_delta=True,
        )
        scores = parts.sum(dim=-1)[0].detach().cpu().double().numpy()
        whole = float(scores.sum() - missed.item())
        error = abs(missed.item()) / max(abs(whole), 1e-6)
        if error < _ENOUGH or steps >= _MOST_STEPS:
            return _Attributed(scores, error, steps)
        steps *= 2


def _words(texts: tuple[str, ...], spans: list[Span | None], scores: "NDArray[np.float64]") -> list[WordContribution]:
    """Add up the scores of the tokens that begin in each word; words that the model did not read are left out."""
    words = []
    for part, text in enumerate(texts):
        found = list(_WORD.finditer(text))
        sums: dict[int, float] = {}
        place = 0
        for span, score in zip(spans, scores.tolist(), strict=True):
            if span is None or span.part != part:
                continue
            while place + 1 < len(found) and found[place + 1].start() <= span.start:
                place += 1
            sums[place] = sums.get(place, 0.0) + score
        for place, score in sums.items():
            match = found[place]
            words.append(WordContribution(word=match[0], start=match.start(), end=match.end(), part=part, score=score))
    return words

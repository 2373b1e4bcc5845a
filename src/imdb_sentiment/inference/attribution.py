"""Word attributions by integrated gradients."""

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.errors import DataError, MissingExtraError
from imdb_sentiment.inference.torch_backend import TorchBackend
from imdb_sentiment.models.tokenization import Span, TextEncoder
from imdb_sentiment.results.inference import Explanation, WordContribution
from imdb_sentiment.runtime.process_wide import WARNINGS_LOCK

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["explain_text"]

_WORD = re.compile(r"\S+")
_FIRST_STEPS, _MAX_STEPS = 32, 256
_TOLERANCE = 0.02
"""Completeness error below which no more steps are taken."""

_BATCH_SIZE = 16


def explain_text(
    model: "PreTrainedModel",
    encoder: TextEncoder,
    text: str | tuple[str, str],
    *,
    labels: tuple[str, str],
    threshold: float,
) -> Explanation:
    """Attribute the difference of the two logits to the words of a text.

    Gradients are integrated along the straight line from a baseline of padding tokens to the text's word embeddings.
    The scores add up to the change of the logits if there are enough steps. Scores of word pieces are summed per
    whitespace-separated word, and averaged over the windows of a long text. See `SentimentClassifier.explain`.
    """
    import torch

    texts: Any = [text]
    read, spans = encoder.inputs(texts), encoder.spans(text)
    if len(read.inputs) > 1 and read.truncated.any():
        found = f"{len(text):,} characters"
        raise DataError("the text is too long to explain", found=found, expected="at most 500,000")
    of_inputs = []
    with TorchBackend(model).ready():
        for part, of_tokens in zip(read.inputs, spans, strict=True):
            inputs = {name: tensor.to(model.device) for name, tensor in encoder.pad([part]).items()}
            with torch.no_grad():
                logits = model(**inputs).logits[0].double()
            special = [span is None for span in of_tokens]
            of_inputs.append((logits, *_attribute(model, inputs, special, encoder.tokenizer.pad_token_id)))
    all_logits, all_scores, errors, steps = zip(*of_inputs, strict=True)
    logits = torch.stack(all_logits).mean(dim=0)
    scores = np.concatenate(all_scores) / len(of_inputs)  # so that they add up to those logits
    probability = float(logits.softmax(0)[1])
    positive = probability > threshold
    parts = (text,) if isinstance(text, str) else text
    return Explanation(
        texts=parts,
        labels=labels,
        label=labels[positive],
        score=probability if positive else 1 - probability,
        words=tuple(_words(parts, [span for of_part in spans for span in of_part], scores)),
        completeness_error=max(errors),
        steps=max(steps),
    )


def _attribute(
    model: "PreTrainedModel", inputs: "dict[str, torch.Tensor]", special: list[bool], padding: int | None
) -> tuple[NDArray[np.float64], float, int]:
    """Integrate with increasing numbers of steps until the completeness error is small.

    Returns:
        The score of each token, the completeness error, and the number of steps.
    """
    try:
        with WARNINGS_LOCK:
            from captum.attr import LayerIntegratedGradients
    except ImportError as error:
        summary = "explanations need the extra 'explain'"
        raise MissingExtraError(summary, hint="pip install 'imdb-sentiment[explain]'") from error
    import torch

    names = [name for name in inputs if name != "input_ids"]

    def margin(tokens: "torch.Tensor", *others: "torch.Tensor") -> "torch.Tensor":
        logits = model(input_ids=tokens, **dict(zip(names, others, strict=True))).logits
        difference: torch.Tensor = logits[:, 1] - logits[:, 0]
        return difference

    tokens = inputs["input_ids"]
    kept = torch.tensor([special], device=tokens.device)
    baseline = torch.where(kept, tokens, torch.full_like(tokens, padding or 0))
    others = tuple(inputs[name] for name in names)
    gradients: Any = LayerIntegratedGradients(margin, model.get_input_embeddings())
    steps = _FIRST_STEPS
    while True:
        attributions, delta = gradients.attribute(
            tokens,
            baselines=baseline,
            additional_forward_args=others,
            n_steps=steps,
            internal_batch_size=_BATCH_SIZE,
            return_convergence_delta=True,
        )
        scores = attributions.sum(dim=-1)[0].detach().cpu().double().numpy()
        total = float(scores.sum() - delta.item())
        completeness_error = abs(delta.item()) / max(abs(total), 1e-6)
        if completeness_error < _TOLERANCE or steps >= _MAX_STEPS:
            return scores, completeness_error, steps
        steps *= 2


def _words(texts: tuple[str, ...], spans: list[Span | None], scores: NDArray[np.float64]) -> list[WordContribution]:
    """Sum the scores of the tokens of each word; truncated words are left out."""
    words = []
    for part, text in enumerate(texts):
        matches = list(_WORD.finditer(text))
        starts = [match.start() for match in matches]
        sums: dict[int, float] = {}
        for span, score in zip(spans, scores.tolist(), strict=True):
            if span and span.part == part:
                index = max(bisect_right(starts, span.start) - 1, 0)
                sums[index] = sums.get(index, 0.0) + score
        for index, score in sums.items():
            match = matches[index]
            words.append(WordContribution(word=match[0], start=match.start(), end=match.end(), part=part, score=score))
    return words

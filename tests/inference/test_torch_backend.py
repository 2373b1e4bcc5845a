"""Scores: in the order of the texts, whatever the batches, and without training side effects."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel

from conftest import examples
from imdb_sentiment.inference.scorer import Scorer
from imdb_sentiment.inference.torch_backend import TorchBackend, score_texts
from imdb_sentiment.persistence.torch_model import Artifact, load_artifact

WORDS = st.sampled_from(["wonderful", "dreadful", "and", "unheard-of", "é"])
TEXTS = st.lists(st.lists(WORDS, max_size=45).map(" ".join), max_size=12)
SOME = ["superb", "dull " * 9, "wonderful " * 50, "", "seen on a train"]


@pytest.fixture(scope="module")
def artifact(saved_model: Path) -> Artifact:
    return load_artifact(saved_model)


def by_hand(artifact: Artifact, text: str) -> list[float]:
    """Probabilities of one text from the model and the tokenizer alone."""
    inputs = artifact.encoder.tokenizer(text, truncation=True, max_length=32, return_tensors="pt")
    with torch.no_grad():
        probabilities: list[float] = artifact.model(**inputs).logits[0].softmax(-1).tolist()
    return probabilities


@settings(deadline=None, max_examples=examples(40))
@given(texts=TEXTS, max_tokens=st.integers(1, 300))
def test_each_text_has_its_own_scores_in_its_place(artifact: Artifact, texts: list[str], max_tokens: int) -> None:
    scores = score_texts(artifact.model, artifact.encoder, texts, max_tokens=max_tokens)
    assert scores.probabilities.shape == (len(texts), 2)
    assert scores.probabilities.dtype == np.float32
    assert scores.truncated.dtype == np.bool_
    for text, row, truncated in zip(texts, scores.probabilities, scores.truncated, strict=True):
        np.testing.assert_allclose(row, by_hand(artifact, text), atol=1e-5)
        assert truncated == (len(artifact.encoder.tokenizer(text)["input_ids"]) > 32)


@pytest.mark.parametrize("training", [True, False])
def test_dropout_is_off_and_the_mode_is_put_back(artifact: Artifact, training: bool) -> None:
    model = artifact.model.train(training)
    try:
        first, again = (score_texts(model, artifact.encoder, SOME, max_tokens=40) for _ in range(2))
        assert model.training is training
    finally:
        model.eval()
    assert np.array_equal(first.probabilities, again.probabilities)
    np.testing.assert_allclose(first.probabilities[0], by_hand(artifact, SOME[0]), atol=1e-6)


def test_the_mode_is_put_back_after_a_failure(artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    model = artifact.model.train()
    monkeypatch.setattr(type(model), "forward", failing)
    try:
        with pytest.raises(KeyboardInterrupt):
            score_texts(model, artifact.encoder, SOME, max_tokens=40)
        assert model.training
    finally:
        model.eval()


def test_no_gradients_are_kept(artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    score_texts(artifact.model, artifact.encoder, SOME, max_tokens=60)  # the first time, a trial comes before
    modes = []
    forward = type(artifact.model).forward

    def recording(self: PreTrainedModel, **inputs: torch.Tensor) -> Any:
        modes.append((torch.is_inference_mode_enabled(), torch.is_grad_enabled()))
        return forward(self, **inputs)

    monkeypatch.setattr(type(artifact.model), "forward", recording)
    score_texts(artifact.model, artifact.encoder, SOME, max_tokens=60)
    assert set(modes) == {(True, False)}
    assert {parameter.grad for parameter in artifact.model.parameters()} == {None}
    assert torch.is_grad_enabled()


def test_half_precision_logits_become_whole_probabilities(artifact: Artifact, saved_model: Path) -> None:
    half = load_artifact(saved_model).model.bfloat16()
    scores = score_texts(half, artifact.encoder, SOME, max_tokens=40)
    exact = score_texts(artifact.model, artifact.encoder, SOME, max_tokens=40)
    np.testing.assert_allclose(scores.probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(scores.probabilities, exact.probabilities, atol=0.05)


def test_passes_at_once_leave_the_threads_of_others_as_they_were(artifact: Artifact) -> None:
    backend = TorchBackend(artifact.model)
    assert backend.streams == min(torch.get_num_threads(), 4)
    texts = SOME * 4
    together = score_texts(artifact.model, artifact.encoder, texts, max_tokens=1)  # a pass for each text
    before = torch.get_num_threads()
    np.testing.assert_allclose(
        together.probabilities[:5], score_texts(artifact.model, artifact.encoder, SOME).probabilities, atol=1e-6
    )
    with ThreadPoolExecutor(1) as another:
        assert another.submit(torch.get_num_threads).result() == torch.get_num_threads() == before


def test_while_passes_are_computed_at_once_other_threads_have_as_many_as_ever(artifact: Artifact) -> None:
    def threads_in_a_new_thread() -> int:
        with ThreadPoolExecutor(1) as another:
            return another.submit(torch.get_num_threads).result()

    before = torch.get_num_threads()
    torch.set_num_threads(4)
    backend = TorchBackend(artifact.model)

    def compute() -> tuple[int, int]:
        with backend.stream(2):
            torch.ones(8, 8) @ torch.ones(8, 8)
            return torch.get_num_threads(), threads_in_a_new_thread()

    try:
        with backend.ready(), ThreadPoolExecutor(1) as stream:
            assert stream.submit(compute).result() == (2, 4)
            assert torch.get_num_threads() == threads_in_a_new_thread() == 4
    finally:
        torch.set_num_threads(before)


def test_threads_that_share_a_model_do_not_disturb_one_another(artifact: Artifact, saved_model: Path) -> None:
    expected = [by_hand(artifact, text) for text in SOME]
    model = load_artifact(saved_model).model.train()  # so that each would switch dropout on under the others
    scorer = Scorer(TorchBackend(model), artifact.encoder, max_tokens=1)
    before = torch.get_num_threads()
    with ThreadPoolExecutor(4) as users:
        for scores in users.map(scorer.score, [SOME * 4] * 12):
            np.testing.assert_allclose(scores.probabilities, expected * 4, atol=1e-5)
    assert model.training
    assert torch.get_num_threads() == before

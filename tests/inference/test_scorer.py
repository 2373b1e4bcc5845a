"""Windows, passes and answers, with a backend that only remembers what it was given."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Barrier, get_ident
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from imdb_sentiment import ModelError
from imdb_sentiment.inference import scorer
from imdb_sentiment.inference.scorer import Scorer
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.persistence.torch_model import load_artifact


class Remembering:
    """A backend whose logits are the number of tokens of a text, and minus that."""

    best_tokens = 64

    def __init__(self, room: int = 10**6, streams: int = 1) -> None:
        self.room = room
        self.streams = streams
        self.tried = 0
        self.threads: set[int] = set()
        self._all_there = Barrier(streams)
        self.shapes: list[tuple[int, int]] = []

    def ready(self) -> AbstractContextManager[object]:
        return nullcontext()

    def stream(self, number: int) -> AbstractContextManager[object]:
        assert number in (1, self.streams)
        self.threads.add(get_ident())
        if number > 1:
            self._all_there.wait()
        return nullcontext()

    def logits(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float64]:
        rows, tokens = inputs["input_ids"].shape
        self.tried += 1
        if rows * tokens > self.room:
            raise MemoryError
        self.shapes.append((rows, tokens))
        read = inputs["attention_mask"].sum(axis=1)
        return np.stack([read, -read], axis=1).astype(np.float64)

    def free_memory(self, error: Exception) -> bool:
        return isinstance(error, MemoryError)

    def digest(self) -> bytes:
        return b""


@pytest.fixture(scope="module")
def encoder(saved_model: Path) -> TextEncoder:
    return load_artifact(saved_model).encoder


def texts_of_words(*words: int) -> list[str]:
    return ["wonderful " * count for count in words]


def test_a_pass_has_as_many_texts_as_fit_and_the_longest_come_first(encoder: TextEncoder) -> None:
    backend = Remembering()
    texts = texts_of_words(*(1 + i * 7 % 20 for i in range(20)))
    Scorer(backend, encoder, max_tokens=100).score(texts)
    assert backend.shapes == [(4, 24), (4, 24), (6, 16), (6, 8)]  # 3 to 22 tokens, padded to multiples of 8
    assert all(rows * tokens <= 100 for rows, tokens in backend.shapes)
    padded = sum(rows * tokens for rows, tokens in backend.shapes)
    assert padded < 1.4 * sum(count + 2 for count in range(1, 21))


def test_the_backend_says_how_much_is_best(encoder: TextEncoder) -> None:
    backend = Remembering()
    Scorer(backend, encoder).score(texts_of_words(*[14] * 9))
    assert backend.shapes == [(4, 16), (4, 16), (1, 16)]


@settings(deadline=None)
@given(
    words=st.lists(st.integers(0, 40), max_size=30),
    max_tokens=st.integers(1, 300),
    room=st.integers(32, 400),
    window=st.integers(1, 12),
    streams=st.integers(1, 3),
)
def test_answers_keep_the_order_of_the_texts(
    encoder: TextEncoder, words: list[int], max_tokens: int, room: int, window: int, streams: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scorer, "SORTED_TEXTS", window)
        scores = Scorer(Remembering(room, streams), encoder, max_tokens=max_tokens).score(texts_of_words(*words))
    expected = [min(count + 2, 32) for count in words]
    assert scores.logits.shape == (len(words), 2)
    assert scores.logits[:, 0].tolist() == scores.tokens.tolist() == expected
    assert scores.truncated.tolist() == [count + 2 > 32 for count in words]


def test_where_memory_does_not_suffice_passes_are_halved_and_stay_so(encoder: TextEncoder) -> None:
    backend = Remembering(room=50)
    one = Scorer(backend, encoder, max_tokens=160)
    one.score(texts_of_words(*[14] * 20))  # two passes
    assert backend.shapes == [(2, 16), (1, 16), (2, 16)] * 4
    assert backend.tried == len(backend.shapes) + 2  # the second pass is divided without being tried
    assert one.max_tokens == 40
    backend.shapes.clear()
    one.score(texts_of_words(*[14] * 4))
    assert backend.shapes == [(2, 16), (2, 16)]


def test_a_text_that_does_not_fit_alone_is_an_error(encoder: TextEncoder) -> None:
    with pytest.raises(MemoryError):
        Scorer(Remembering(room=20), encoder).score(texts_of_words(30))


@pytest.mark.parametrize(("texts", "threads"), [(7, 1), (8, 2)])
def test_many_passes_are_computed_several_at_once(encoder: TextEncoder, texts: int, threads: int) -> None:
    backend = Remembering(streams=2)
    Scorer(backend, encoder, max_tokens=16).score(texts_of_words(*[14] * texts))
    assert backend.shapes == [(1, 16)] * texts
    assert len(backend.threads) == threads


def test_after_a_failure_no_pass_is_begun_any_more(encoder: TextEncoder) -> None:
    backend = Remembering(room=31, streams=2)
    with pytest.raises(MemoryError):
        Scorer(backend, encoder, max_tokens=32).score(texts_of_words(*[40] * 2, *[14] * 400))
    assert len(backend.shapes) < 400


@pytest.mark.parametrize("streams", [1, 2])
def test_progress_moves_with_each_batch(encoder: TextEncoder, streams: int) -> None:
    steps: list[int] = []
    backend = Remembering(streams=streams)
    Scorer(backend, encoder).score(texts_of_words(*range(1, 60)), advance=steps.append)
    assert len(steps) == len(backend.shapes) > 8
    assert sum(steps) == 59
    assert sorted(steps) == sorted(rows for rows, _ in backend.shapes)


class Answering(Remembering):
    """A backend with an answer of its own."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def logits(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float64]:
        if isinstance(self.answer, Exception):
            raise self.answer
        rows = len(inputs["input_ids"])
        return np.array([self.answer] * rows, dtype=np.float64)


@pytest.mark.parametrize(
    "answer",
    [
        [0, np.nan],
        [np.inf, 0],
        [-np.inf, -np.inf],
        [0],
        [0, 0, 0],
        [[0, 0]],
        IndexError("index out of range"),
        OSError(),
    ],
)
def test_a_model_that_gives_no_probability_is_an_error(encoder: TextEncoder, answer: Any) -> None:
    scorer = Scorer(Answering(answer), encoder)
    for texts in (["wonderful"], texts_of_words(1, 2, 3)):
        with pytest.raises(ModelError, match=r"the model (returned|does not return|failed)"):
            scorer.score(texts)
    with pytest.raises(ModelError):
        scorer.try_out(pairs=False)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("could not create a primitive"),
        RuntimeError("could not execute a primitive"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_what_is_taken_for_want_of_memory(error: Exception) -> None:
    assert scorer.is_out_of_memory(error)
    assert not scorer.is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))

"""Backend-independent scoring in batches of texts of similar length."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from threading import Lock
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imdb_sentiment.data.labels import Texts
from imdb_sentiment.errors import ModelError
from imdb_sentiment.models.encoded import EncodedText
from imdb_sentiment.models.tokenization import TextEncoder, padded_length
from imdb_sentiment.results.inference import Prediction, Predictions
from imdb_sentiment.runtime.huggingface import describe_fault
from imdb_sentiment.runtime.progress import progress_bar

__all__ = ["MAX_STREAMS", "SORTED_TEXTS", "Advance", "Backend", "Scorer", "Scores", "is_out_of_memory", "softmax"]

SORTED_TEXTS = 4096
"""Texts that are sorted by length together; more would hardly save padding."""

MAX_STREAMS = 4
"""More threads would wait for Python's global interpreter lock."""

Advance: TypeAlias = Callable[[int], object]

_MAX_WITHOUT_BAR = 16
"""These take a moment, and a server that scores a few texts at a time does not load tqdm."""

_MIN_BATCHES_PER_STREAM = 4
"""Minimum batches per stream for parallelism."""

_OUT_OF_MEMORY = (
    "out of memory",
    "bad_alloc",
    "allocate",
    "not enough memory",
    "could not create a primitive",  # oneDNN does not mention memory
    "could not execute a primitive",
)

_PROBE_TEXTS = ("A text.", "Another one, which is longer, so that the first one is padded.")


def softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Turn logits of shape (n, 2) into probabilities, in double precision and without importing scipy."""
    values = np.asarray(logits, dtype=np.float64)
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    result: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return result


class Scores(NamedTuple):
    """Scores of n texts, in order."""

    logits: NDArray[np.float64]
    """Logits of the negative and the positive label, shape (n, 2)."""

    truncated: NDArray[np.bool_]
    """Whether the text was truncated, shape (n,)."""

    tokens: NDArray[np.int64]
    """Number of tokens read, special tokens included, shape (n,)."""

    by_encoder: NDArray[np.bool_]
    """Whether the encoder read the text, rather than a cascade's TF-IDF model alone, shape (n,)."""

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Return the probabilities of the negative and the positive label, shape (n, 2)."""
        return softmax(self.logits).astype(np.float32)

    def predictions(
        self, labels: tuple[str, str], *, threshold: float, abstain_below: tuple[float, float]
    ) -> Predictions:
        """Return a prediction for each text; it is abstained if less probable than `abstain_below` of its label."""
        predictions = Predictions()
        columns = (self.probabilities.tolist(), self.truncated.tolist(), self.by_encoder.tolist())
        for row, truncated, by_encoder in zip(*columns, strict=True):
            winner = int(row[1] > threshold)
            predictions.append(
                Prediction(
                    label=labels[winner],
                    score=row[winner],
                    probabilities=dict(zip(labels, row, strict=True)),
                    truncated=truncated,
                    abstained=row[winner] < abstain_below[winner],
                    answered_by="encoder" if by_encoder else "words",
                )
            )
        return predictions


class Backend(Protocol):
    """Computes logits from tokens."""

    @property
    def best_tokens(self) -> int:
        """Fastest number of tokens per batch, padding included."""

    @property
    def streams(self) -> int:
        """Number of batches computed in parallel, each with its share of the processors."""

    def ready(self) -> AbstractContextManager[object]:
        """Prepare the model for inference inside the context, and restore it afterwards."""

    def stream(self, number: int) -> AbstractContextManager[object]:
        """Prepare this thread to compute inside the context as one of `number` parallel threads."""

    def logits(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float64]:
        """Return the logits of one batch, shape (n, 2), for inputs of shape (n, tokens)."""

    def free_memory(self, error: Exception) -> bool:
        """Return whether a batch failed for lack of memory; if so, free cached memory."""

    def digest(self) -> bytes:
        """Return a digest of the model that is the same in any process and on any device."""


class Scorer:
    """Scores any number of texts.

    Args:
        backend: Computes the logits.
        encoder: Encodes the texts.
        max_tokens: Maximum tokens per batch, padding included; a longer text is a batch of its own. By default the
            backend's fastest number.
    """

    def __init__(self, backend: Backend, encoder: TextEncoder, *, max_tokens: int | None = None) -> None:
        self.backend = backend
        self.encoder = encoder
        self.max_tokens = max_tokens or backend.best_tokens

    def try_out(self, *, pairs: bool) -> None:
        """Check a model by scoring two texts.

        Raises:
            ModelError: It fails, or does not return two finite numbers per text.
        """
        self.score([(text, text) for text in _PROBE_TEXTS] if pairs else _PROBE_TEXTS)

    def score(self, texts: Texts, *, advance: Advance | None = None) -> Scores:
        """Score texts or pairs.

        Args:
            texts: The texts.
            advance: Called with the number of texts of each finished batch. By default a progress bar appears after two
                seconds, and moves with each batch too.
        """
        if len(texts) == 0:
            empty = np.zeros(0, dtype=np.bool_)
            return Scores(np.zeros((0, 2)), empty, np.zeros(0, dtype=np.int64), empty)
        if advance is None and len(texts) > _MAX_WITHOUT_BAR:
            with progress_bar("scoring", total=len(texts), unit="text") as bar:
                return self.score(texts, advance=bar.update)
        chunks = (texts[start : start + SORTED_TEXTS] for start in range(0, len(texts), SORTED_TEXTS))
        parts = [self._chunk(chunk, advance or _ignore) for chunk in chunks]
        return parts[0] if len(parts) == 1 else Scores(*map(np.concatenate, zip(*parts, strict=True)))

    def _chunk(self, texts: Texts, advance: Advance) -> Scores:
        with self.backend.ready():
            read = self.encoder.inputs(texts)
            encoded = read.inputs
            by_encoder = np.ones(len(texts), dtype=np.bool_)
            if len(encoded) == 1:  # fast path
                with self.backend.stream(1):
                    return Scores(self._logits(encoded), read.truncated, read.tokens, by_encoder)
            logits = np.zeros((len(encoded), 2))
            is_first = np.zeros(len(encoded), dtype=np.bool_)
            is_first[read.first] = True
            batches = self._divide(np.array([part.length for part in encoded], dtype=np.int64))
            streams = self.backend.streams if len(batches) >= _MIN_BATCHES_PER_STREAM * self.backend.streams else 1
            waiting = iter(batches)  # shared by the threads: taking the next item of a list is atomic
            one_at_a_time = Lock()

            def compute() -> None:
                with self.backend.stream(streams):
                    for rows in waiting:
                        logits[rows] = self._logits([encoded[row] for row in rows])
                        with one_at_a_time:
                            advance(int(is_first[rows].sum()))

            if streams == 1:
                compute()
            else:
                _run_in_threads(compute, streams, batches)
        return Scores(read.mean(logits), read.truncated, read.tokens, by_encoder)

    def _divide(self, tokens: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Divide inputs into batches by their number of tokens, the longest first."""
        order = np.argsort(-tokens, kind="stable")
        batches = []
        start = 0
        while start < len(order):
            longest = padded_length(int(tokens[order[start]]), self.encoder.max_length)
            size = max(1, self.max_tokens // longest)
            batches.append(order[start : start + size])
            start += size
        return batches

    def _logits(self, texts: list[EncodedText]) -> NDArray[np.float64]:
        """Return the logits of a batch; if memory runs out, compute it in halves."""
        longest = max(text.length for text in texts)
        # a single text is faster without padding
        padded = longest if len(texts) == 1 else padded_length(longest, self.encoder.max_length)
        if len(texts) == 1 or len(texts) * padded <= self.max_tokens:  # max_tokens may have been reduced
            inputs = self.encoder.stack(texts, pad_to=padded)
            try:
                return _finite(self.backend.logits(inputs), len(texts))
            except ModelError:
                raise
            except Exception as error:
                if not self.backend.free_memory(error):
                    raise ModelError("the model failed", found=describe_fault(error)) from error
                if len(texts) == 1:
                    raise
            self.max_tokens = min(self.max_tokens, len(texts) * padded // 2)  # the same size would fail again
        middle = len(texts) // 2
        return np.concatenate([self._logits(texts[:middle]), self._logits(texts[middle:])])


def _ignore(texts: int) -> None:
    pass


def is_out_of_memory(error: Exception) -> bool:
    """Return whether a backend ran out of memory, by the message: the exception types are not specific."""
    return isinstance(error, MemoryError) or any(message in str(error) for message in _OUT_OF_MEMORY)


def _finite(logits: NDArray[np.float64], texts: int) -> NDArray[np.float64]:
    if logits.shape != (texts, 2):
        raise ModelError("the model does not return two logits per text", found=f"an array of shape {logits.shape}")
    if not np.isfinite(logits).all():
        raise ModelError(
            "the model returned an invalid logit",
            found="NaN or infinity",
            expected="weights of a training that did not diverge",
        )
    return logits


def _run_in_threads(compute: Callable[[], None], streams: int, batches: list[NDArray[np.int64]]) -> None:
    """Compute all batches in threads; after an error, no further batch is started."""
    with ThreadPoolExecutor(streams) as threads:
        try:
            for running in as_completed([threads.submit(compute) for _ in range(streams)]):
                running.result()
        finally:
            batches.clear()

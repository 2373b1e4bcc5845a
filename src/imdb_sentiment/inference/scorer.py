"""Scoring, whatever computes: windows of texts, sorted by length, in passes of so many tokens, answered in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from imdb_sentiment.data.labels import Texts
from imdb_sentiment.errors import ModelError
from imdb_sentiment.models.tokenization import EncodedText, TextEncoder, padded_length
from imdb_sentiment.runtime.huggingface import describe_fault
from imdb_sentiment.runtime.progress import progress_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MOST_STREAMS", "WINDOW", "Backend", "Scorer", "Scores", "is_want_of_memory"]

WINDOW = 4096
"""Texts that are sorted by length together. More would save no padding worth its memory."""

MOST_STREAMS = 4
"""More would wait for one another wherever Python runs between two operations."""

_WORTH_STREAMS = 4
"""Passes for each stream from which on it pays to begin more than one."""

_WANT_OF_MEMORY = (
    "out of memory",
    "bad_alloc",
    "allocate",
    "not enough memory",
    "could not create a primitive",  # oneDNN, which says nothing of memory
    "could not execute a primitive",
)

_TRYING = ("A text.", "Another one, which is longer, so that the first one is padded.")


class Scores(NamedTuple):
    """Scores of n texts, in their order."""

    logits: "NDArray[np.float64]"
    """Shape (n, 2): of the negative and of the positive label."""

    truncated: "NDArray[np.bool_]"
    """Shape (n,): whether part of the text was not seen."""

    tokens: "NDArray[np.int64]"
    """Shape (n,): how many tokens the model read, special tokens included."""

    by_encoder: "NDArray[np.bool_]"
    """Shape (n,): whether the model read the text; a quick model may have answered others."""

    @property
    def probabilities(self) -> "NDArray[np.float32]":
        """Shape (n, 2): probability of the negative and of the positive label."""
        import numpy as np
        from scipy.special import softmax

        probabilities: NDArray[np.float32] = softmax(self.logits.astype(np.float64), axis=1).astype(np.float32)
        return probabilities


class Backend(Protocol):
    """What turns tokens into logits."""

    @property
    def best_tokens(self) -> int:
        """How many tokens at once it is quickest with, padding included."""

    @property
    def streams(self) -> int:
        """How many passes it computes at once, if there are many; each has its share of the processors then."""

    def ready(self) -> AbstractContextManager[object]:
        """Prepare for passes inside the context, and put everything back afterwards."""

    def stream(self, number: int) -> AbstractContextManager[object]:
        """Prepare for the passes that this thread computes inside the context, as one of so many threads."""

    def logits(self, inputs: "Mapping[str, NDArray[np.int64]]") -> "NDArray[np.float64]":
        """Return the logits of one pass, shape (n, 2), for inputs of shape (n, tokens)."""

    def made_room(self, error: Exception) -> bool:
        """Tell whether a pass failed for want of memory; if so, let go of what can be."""

    def digest(self) -> bytes:
        """Return a digest of what it computes with, which is the same in any process and on any device."""


class Scorer:
    """Scores any number of texts. How they are cut into passes changes the time taken, not the scores.

    Args:
        backend: What computes.
        encoder: SharedLock texts into tokens.
        max_tokens: Most tokens of a pass, padding included; a longer text is a pass of its own. By default what the
            backend is quickest with.
    """

    def __init__(self, backend: Backend, encoder: TextEncoder, *, max_tokens: int | None = None) -> None:
        self.backend = backend
        self.encoder = encoder
        self.max_tokens = max_tokens or backend.best_tokens

    def try_out(self, *, pairs: bool) -> None:
        """Score two texts, so that a model which can score none is not opened.

        Raises:
            ModelError: It fails, or does not answer with two finite numbers each.
        """
        self.score([(text, text) for text in _TRYING] if pairs else _TRYING)

    def score(self, texts: Texts) -> Scores:
        """Score texts or pairs; where there are windows of them, with a progress bar after two seconds."""
        import numpy as np

        if len(texts) == 0:
            nothing = np.zeros(0, dtype=np.bool_)
            return Scores(np.zeros((0, 2)), nothing, np.zeros(0, dtype=np.int64), nothing)
        if len(texts) <= WINDOW:  # a bar would show nothing before the end, and to make it takes time
            ((_, scores),) = self.stream(texts)
            return scores
        parts = []
        with progress_bar("scoring", total=len(texts), unit="text") as bar:
            for _, scores in self.stream(texts):
                parts.append(scores)
                bar.update(len(scores.logits))
        return Scores(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def stream(self, texts: Iterable[Any]) -> Iterator[tuple[list[Any], Scores]]:
        """Score texts or pairs as they come, a window of them at a time.

        Yields:
            The texts of a window, and their scores.
        """
        waiting = iter(texts)
        while window := list(islice(waiting, WINDOW)):
            with self.backend.ready():
                scores = self._window(window)
            yield window, scores

    def _window(self, texts: Texts) -> Scores:
        import numpy as np

        encoded = self.encoder.encode(texts, description=None)
        tokens = np.array([text.length for text in encoded], dtype=np.int64)
        truncated = np.array([text.truncated for text in encoded], dtype=np.bool_)
        everywhere = np.ones(len(texts), dtype=np.bool_)
        if len(texts) == 1:  # what follows would take a twentieth of the time of a short one
            with self.backend.stream(1):
                return Scores(self._pass(encoded), truncated, tokens, everywhere)
        logits = np.zeros((len(texts), 2))
        passes = deque(self._divide(tokens))
        streams = self.backend.streams if len(passes) >= _WORTH_STREAMS * self.backend.streams else 1

        def compute() -> None:
            with self.backend.stream(streams):
                while (rows := _next(passes)) is not None:
                    logits[rows] = self._pass([encoded[row] for row in rows])

        if streams == 1:
            compute()
        else:
            _at_once(compute, streams, passes)
        return Scores(logits, truncated, tokens, everywhere)

    def _divide(self, tokens: "NDArray[np.int64]") -> "list[NDArray[np.int64]]":
        """Divide texts of so many tokens into passes, the longest first."""
        import numpy as np

        order = np.argsort(-tokens, kind="stable")
        passes = []
        start = 0
        while start < len(order):
            fitting = max(1, self.max_tokens // self._padded(int(tokens[order[start]])))
            passes.append(order[start : start + fitting])
            start += fitting
        return passes

    def _padded(self, tokens: int) -> int:
        return padded_length(tokens, self.encoder.max_length)

    def _pass(self, texts: list[EncodedText]) -> "NDArray[np.float64]":
        """Return the logits of texts; where memory does not suffice, those of one half after those of the other."""
        import numpy as np

        longest = max(text.length for text in texts)
        padded = longest if len(texts) == 1 else self._padded(longest)  # alone, a text would only be slower
        if len(texts) == 1 or len(texts) * padded <= self.max_tokens:  # less by now than when texts were divided?
            inputs = self.encoder.stack(texts, pad_to=padded)
            try:
                return _finite(self.backend.logits(inputs), len(texts))
            except ModelError:
                raise
            except Exception as error:
                if not self.backend.made_room(error):
                    raise ModelError("the model cannot be computed", found=describe_fault(error)) from error
                if len(texts) == 1:
                    raise
            self.max_tokens = min(self.max_tokens, len(texts) * padded // 2)  # what was too much will be so again
        middle = len(texts) // 2
        return np.concatenate([self._pass(texts[:middle]), self._pass(texts[middle:])])


def is_want_of_memory(error: Exception) -> bool:
    """Tell whether whatever computes failed for want of memory; the kinds of its errors do not say so."""
    return isinstance(error, MemoryError) or any(said in str(error) for said in _WANT_OF_MEMORY)


def _finite(logits: "NDArray[np.float64]", texts: int) -> "NDArray[np.float64]":
    import numpy as np

    if logits.shape != (texts, 2):
        raise ModelError("the model gives other than two numbers for a text", found=f"an array of shape {logits.shape}")
    if not np.isfinite(logits).all():
        raise ModelError(
            "the model gives a text no probability",
            found="a logit that is infinite or not a number",
            expected="weights of a training that did not diverge",
        )
    return logits


def _next(passes: "deque[NDArray[np.int64]]") -> "NDArray[np.int64] | None":
    """Take the next pass; None if another thread has taken the last one."""
    try:
        return passes.popleft()
    except IndexError:
        return None


def _at_once(compute: Callable[[], None], streams: int, passes: "deque[NDArray[np.int64]]") -> None:
    """Compute in so many threads until no passes are left; after an error, none is begun any more."""
    with ThreadPoolExecutor(streams) as threads:
        try:
            for running in as_completed([threads.submit(compute) for _ in range(streams)]):
                running.result()
        finally:
            passes.clear()

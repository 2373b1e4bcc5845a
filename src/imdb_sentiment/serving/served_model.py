"""The model behind an app: its queue, its one thread, and whether it can be asked."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, Literal, TypeVar

from imdb_sentiment.classifier import SentimentClassifier
from imdb_sentiment.data.labels import Texts
from imdb_sentiment.errors import ConfigError, ModelError
from imdb_sentiment.inference.inputs import Combination, check_items
from imdb_sentiment.results.inference import Explanation, Prediction
from imdb_sentiment.runtime.messages import quote
from imdb_sentiment.serving.batching import BatchQueue
from imdb_sentiment.serving.metrics import Metrics
from imdb_sentiment.serving.schemas import ModelInfo

__all__ = ["MAX_EXPLANATIONS", "ServedModel"]

MAX_EXPLANATIONS = 8
"""Explanations that may wait; each takes about as long as a hundred predictions."""

T = TypeVar("T")


class ServedModel:
    """A model that is asked by many requests at once and computes in one thread, so that the event loop stays free.

    Predictions and explanations take turns: an explanation waits for at most one batch, and the other way round.

    Args:
        max_batch_wait_ms: Longest time in milliseconds that a text waits for others while nothing is computed.
        max_queue: Maximum number of texts that wait.

    Attributes:
        draining: Whether the server is about to stop; it answers what comes on open connections.
        cannot_explain: Why explanations are not offered; None if they are.

    Raises:
        ConfigError: A number is out of range.
    """

    def __init__(self, *, max_batch_wait_ms: float, max_queue: int) -> None:
        if not 0 <= max_batch_wait_ms <= 1000:
            raise ConfigError(f"max_batch_wait_ms={quote(max_batch_wait_ms)}", expected="0 to 1000 milliseconds")
        if not isinstance(max_queue, int) or max_queue < 1:
            raise ConfigError(f"max_queue={quote(max_queue)} leaves no room for a text", expected="1 or more")
        self.metrics = Metrics()
        self.max_queue = max_queue
        self.draining = False
        self.cannot_explain: str | None = None
        self._classifier: SentimentClassifier | None = None
        self._info: ModelInfo | None = None
        self._queue: BatchQueue[tuple[Any, Combination], Prediction] = BatchQueue(
            self._predict_batch, max_wait=max_batch_wait_ms / 1000, max_items=max_queue
        )
        self.metrics.watch_queue(lambda: self._queue.waiting)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scoring")
        self._turn, self._explaining = asyncio.Lock(), asyncio.Lock()
        self._explanations = 0
        self._under_way = 0

    def open(self, classifier: SentimentClassifier, name: str) -> None:
        """Answer requests with a model from now on."""
        self.cannot_explain = _why_not_explained(classifier)
        self._info = ModelInfo(
            name=name,
            labels=classifier.labels,
            text_columns=classifier.metadata.text_columns,
            threshold=classifier.threshold,
            precision=classifier.precision,
            cascade=classifier.metadata.cascade is not None,
            ensemble=classifier.metadata.ensemble is not None,
            explains=self.cannot_explain is None,
        )
        self._classifier = classifier

    @property
    def info(self) -> ModelInfo | None:
        """What is served; None while it is loaded."""
        return self._info

    @property
    def status(self) -> Literal["loading", "ready", "draining"]:
        """Whether it can be asked."""
        if self.draining:
            return "draining"
        return "ready" if self._classifier else "loading"

    @property
    def busy(self) -> bool:
        """Whether an accepted request was not answered yet."""
        return self._under_way > 0

    async def predict(
        self,
        items: list[Any],
        *,
        abstain_below: float = 0.0,
        abstain: str | None = None,
        combination: Combination = "encoder",
    ) -> list[Prediction]:
        """Return a prediction for each text, together with what other requests ask.

        Raises:
            DataError: A text cannot be classified.
            ConfigError: A cascade or an ensemble is asked for, and the model has none; or a promise cannot be made.
            ModelError: The model fails.
            asyncio.QueueFull: Too many texts wait already.
        """
        texts = self._checked(items)
        if combination != "encoder" and getattr(self._opened.metadata, combination) is None:
            expected = f"{combination}=false, or no such field"
            article = "an" if combination == "ensemble" else "a"
            raise ConfigError(f"the model was trained without {article} {combination}", expected=expected)
        with self._counted():
            limits = (abstain_below, abstain, combination)
            if abstain is None:
                below = self._abstains_below(*limits)
            else:  # the first time it imports scipy and takes longer than a batch
                below = await asyncio.to_thread(self._abstains_below, *limits)
            predictions = await self._queue.submit([(text, combination) for text in texts])
        # the rule of Prediction.abstained: texts scored together may have different limits
        return [replace(one, abstained=one.score < below[one.label]) for one in predictions]

    def _abstains_below(self, probability: float, promise: str | None, combination: Combination) -> dict[str, float]:
        """Return for each label the probability below which it is abstained."""
        try:
            below = self._opened._opened.abstains_below(probability, promise, combination)
        except ModelError as error:  # of a model without held-out rows, which answers all other requests
            raise ConfigError(error.summary, found=error.found, expected="no abstain, or abstain_below") from None
        return dict(zip(self._opened.labels, below, strict=True))

    async def explain(self, items: list[Any]) -> Explanation:
        """Explain the prediction for one text.

        Raises:
            DataError: The text cannot be classified.
            asyncio.QueueFull: Too many explanations wait already.
        """
        (text,) = self._checked(items)
        if self._explanations == MAX_EXPLANATIONS:
            raise asyncio.QueueFull
        self._explanations += 1
        try:
            with self._counted():
                async with self._explaining:  # so that only one at a time stands before the next batch
                    return await self._compute(lambda: self._opened.explain(text))
        finally:
            self._explanations -= 1

    @property
    def _opened(self) -> SentimentClassifier:
        assert self._classifier is not None, "asked before the model was loaded"  # noqa: S101 - app.py sees to it
        return self._classifier

    def _checked(self, items: list[Any]) -> Texts:
        return check_items(items, self._opened.metadata.text_columns)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def _compute(self, function: Callable[[], T]) -> T:
        async with self._turn:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    async def _predict_batch(self, items: list[tuple[Any, Combination]]) -> list[Prediction]:
        def predict() -> list[Prediction]:
            started = time.perf_counter()
            answers: dict[int, Prediction] = {}
            for combination in dict.fromkeys(item[1] for item in items):
                rows = [row for row, item in enumerate(items) if item[1] == combination]
                texts: Any = [items[row][0] for row in rows]
                both: dict[str, Any] = {} if combination == "encoder" else {combination: True}
                answers |= zip(rows, self._opened.predict(texts, **both), strict=True)
            predictions = [answers[row] for row in range(len(items))]
            self.metrics.count_batch(predictions, time.perf_counter() - started)
            return predictions

        return await self._compute(predict)


def _why_not_explained(classifier: SentimentClassifier) -> str | None:
    if classifier.is_exported:
        return "explanations need the weights, which an exported model does not have"
    if find_spec("captum") is None:
        return "explanations need the extra 'explain' on the server"
    return None

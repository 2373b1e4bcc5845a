"""What Prometheus reads of a server."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imdb_sentiment.results.inference import Prediction

__all__ = ["Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Metrics of one app, in a registry of their own: several apps in one process do not mix.

    No metric has a text in it.
    """

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "imdb_sentiment_requests", "Answered requests.", ["path", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "imdb_sentiment_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.batch_texts = Histogram(
            "imdb_sentiment_batch_texts",
            "Texts that were scored together.",
            buckets=_TEXTS,
            registry=self.registry,
        )
        self.batch_seconds = Histogram(
            "imdb_sentiment_batch_seconds", "Time to score a batch.", buckets=_SECONDS, registry=self.registry
        )
        self.waiting_texts = Gauge(
            "imdb_sentiment_waiting_texts", "Texts that wait to be scored.", registry=self.registry
        )
        self.predictions = Counter(
            "imdb_sentiment_predictions",
            "Predicted texts, by label and by what answered them.",
            ["label", "answered_by"],
            registry=self.registry,
        )

    def watch_queue(self, waiting: Callable[[], int]) -> None:
        """Read the length of the queue whenever the metrics are read."""
        self.waiting_texts.set_function(waiting)

    def count_batch(self, predictions: "list[Prediction]", seconds: float) -> None:
        """Count a batch that was scored."""
        self.batch_texts.observe(len(predictions))
        self.batch_seconds.observe(seconds)
        for prediction in predictions:
            self.predictions.labels(prediction.label, prediction.answered_by).inc()

    def count_request(self, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self.requests.labels(path, str(status)).inc()
        self.request_seconds.labels(path).observe(seconds)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)

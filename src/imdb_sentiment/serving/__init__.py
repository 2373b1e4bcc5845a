"""An HTTP server of one model: predictions, explanations, metrics, and a page to try it."""

from imdb_sentiment.serving.app import create_app

__all__ = ["create_app"]

"""The two configurations: where the data come from, and how the model learns from them."""

from imdb_sentiment.config.data import DataConfig, source_of
from imdb_sentiment.config.fine_tune import NOT_OF_THE_RUN, FineTuneConfig, Metric, Preset, SettledConfig
from imdb_sentiment.config.frozen import given_config

__all__ = [
    "NOT_OF_THE_RUN",
    "DataConfig",
    "FineTuneConfig",
    "Metric",
    "Preset",
    "SettledConfig",
    "given_config",
    "source_of",
]

"""Configuration of data and fine-tuning."""

from imdb_sentiment.config.base import given_config
from imdb_sentiment.config.data import DataConfig, source_of
from imdb_sentiment.config.fine_tune import NON_TRAINING_FIELDS, FineTuneConfig, Metric, Preset, SettledConfig

__all__ = [
    "NON_TRAINING_FIELDS",
    "DataConfig",
    "FineTuneConfig",
    "Metric",
    "Preset",
    "SettledConfig",
    "given_config",
    "source_of",
]

"""Values that a shell completes. Where there are none, the shell completes file names."""

from collections.abc import Callable, Iterable
from typing import get_args

__all__ = ["assignments", "data_assignments", "encoders", "metrics", "one_of", "presets", "settings_to_vary"]

_BUNDLED = "minilm"


def one_of(*values: str) -> Callable[[str], list[str]]:
    """Return a completion of fixed values."""
    return lambda incomplete: _beginning_with(incomplete, values)


def presets(incomplete: str) -> list[str]:
    """Complete the names of presets."""
    from imdb_sentiment.config.fine_tune import Preset

    return _beginning_with(incomplete, get_args(Preset))


def metrics(incomplete: str) -> list[str]:
    """Complete the metrics that the best trial of a search may be chosen by."""
    from imdb_sentiment.config.fine_tune import Metric

    return _beginning_with(incomplete, [name for name in get_args(Metric) if name != "auto"])


def settings_to_vary(incomplete: str) -> list[str]:
    """Complete the fields of `FineTuneConfig` that a search may vary, as `FIELD=`."""
    from imdb_sentiment.config import NON_TRAINING_FIELDS, FineTuneConfig

    return _fields(incomplete, [name for name in FineTuneConfig.model_fields if name not in NON_TRAINING_FIELDS])


def encoders(incomplete: str) -> list[str]:
    """Complete the one encoder that has a name of its own; others are folders, or on the hub."""
    return _beginning_with(incomplete, [_BUNDLED]) if incomplete else []


def data_assignments(incomplete: str) -> list[str]:
    """Complete the fields of `DataConfig`, as `KEY=`."""
    from imdb_sentiment.config import DataConfig

    return _fields(incomplete, DataConfig.model_fields)


def assignments(incomplete: str) -> list[str]:
    """Complete the fields of both configurations, as `KEY=`."""
    from imdb_sentiment.config import DataConfig, FineTuneConfig

    return _fields(incomplete, [*DataConfig.model_fields, *FineTuneConfig.model_fields])


def _fields(incomplete: str, names: Iterable[str]) -> list[str]:
    return _beginning_with(incomplete, [f"{name}=" for name in names])


def _beginning_with(incomplete: str, values: Iterable[str]) -> list[str]:
    return [value for value in values if value.startswith(incomplete)]

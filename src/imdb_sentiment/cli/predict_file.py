"""The rows of one file or of many, classified for `imdb-sentiment predict --input`."""

import sys
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from imdb_sentiment.cli.console import warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.results.inference import FileReport

__all__ = ["Spread", "score_files"]


class Spread(NamedTuple):
    """The options that divide the work between processes."""

    engine: str | None
    workers: int | None
    shard: str | None


def score_files(
    opened: "Callable[[], SentimentClassifier]", source: Path, target: Path, spread: Spread, **options: Any
) -> "FileReport":
    """Classify the rows of a file, or of many files with an engine.

    Args:
        opened: Returns the model.
        source: A file; with an engine a folder or a pattern.
        target: The file to write; with an engine a folder.
        spread: How the work is divided.
        **options: As for `SentimentClassifier.predict_file`.

    Raises:
        ConfigError: Options do not go together.
    """
    from imdb_sentiment.data.formats.opening import refuse_endless

    _check_spread(spread)
    if spread.engine:
        return _score(partial(opened().predict_files, source, target, workers=spread.workers, **options))
    shard = _read_shard(spread.shard)
    refuse_endless(source, options["encoding"])
    return _score(partial(opened().predict_file, source, target, shard=shard, **options))


def _score(score: "Callable[[], FileReport]") -> "FileReport":
    """Score files, and report that an interrupted run can be resumed."""
    try:
        with redirect_stdout(sys.stderr):  # Ray reports lost workers on standard output
            return score()
    except KeyboardInterrupt:
        warn("finished work is kept; the same command resumes")
        raise


def _check_spread(spread: Spread) -> None:
    from imdb_sentiment.errors import ConfigError

    engine, workers, shard = spread
    if engine not in (None, "ray"):
        raise ConfigError(f"unknown engine {engine}", expected="ray")
    if workers is not None and engine is None:
        raise ConfigError("--workers requires an engine", expected="--engine ray as well")
    if shard and engine:
        raise ConfigError("--shard and --engine exclude each other", expected="one of them")


def _read_shard(shard: str | None) -> tuple[int, int]:
    from imdb_sentiment.errors import ConfigError

    if shard is None:
        return 1, 1
    number, _, shards = shard.partition("/")
    if not (number.isdecimal() and shards.isdecimal()):
        raise ConfigError(f"invalid shard {shard}", expected="I/N, such as 2/5: the second of five")
    return int(number), int(shards)

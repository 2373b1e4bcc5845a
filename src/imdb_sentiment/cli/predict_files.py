"""The part of `imdb-sentiment predict` that scores the rows of files."""

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imdb_sentiment.cli.console import print_json, say, warn

if TYPE_CHECKING:
    from imdb_sentiment.classifier import SentimentClassifier

__all__ = [
    "Engine",
    "Input",
    "Output",
    "Overwrite",
    "Prefix",
    "Shard",
    "Workers",
    "predict_files",
]


def _option(*names: str, text: str, metavar: str | None = None, show_default: bool = True) -> Any:
    return typer.Option(*names, help=text, metavar=metavar, show_default=show_default, rich_help_panel="Rows of files")


Input = Annotated[
    Path | None,
    _option(
        "--input",
        text="Classify the rows of a file: CSV, TSV, JSONL or Parquet; with --engine, of many files.",
        metavar="FILE",
    ),
]
Output = Annotated[
    Path | None,
    _option("--output", text="Output file, with label, score and reason; with --engine, a folder.", metavar="FILE"),
]
Engine = Annotated[str | None, _option(text="Score many files in parallel: ray.", metavar="NAME", show_default=False)]
Workers = Annotated[
    int | None,
    _option(
        text="Number of workers with --engine. [default: number of GPUs or processors]",
        metavar="N",
        show_default=False,
    ),
]
Prefix = Annotated[str, _option(text="Prefix of label, score and reason, if FILE has such columns.", metavar="TEXT")]
Shard = Annotated[str | None, _option(text="Score the I-th of N shards of FILE, for job arrays.", metavar="I/N")]
Overwrite = Annotated[bool, _option("--overwrite", text="Replace an existing output.")]


def predict_files(
    opened: "Callable[[], SentimentClassifier]",
    source: Path,
    target: Path,
    *,
    engine: str | None,
    workers: int | None,
    shard: str | None,
    abstain: str | None,
    json: bool,
    **options: Any,
) -> None:
    """Classify the rows of a file, or with an engine of a folder or pattern, and print the report.

    Args:
        opened: Opens the model; called after the options are checked.
        source: The input.
        target: The output.
        engine: `ray`, or None for a single file.
        workers: Number of workers of the engine.
        shard: `I/N`.
        abstain: A promise on the labels.
        json: Print the report as JSON.
        **options: Further arguments of `SentimentClassifier.predict_file`.

    Raises:
        ConfigError: Options do not go together.
    """
    from imdb_sentiment.data.formats.opening import refuse_endless

    _check_engine(engine, workers, shard)
    if not engine:
        options["shard"] = _read_shard(shard)
        refuse_endless(source, options["encoding"])
    classifier = opened()
    try:
        with redirect_stdout(sys.stderr):  # Ray reports lost workers on standard output
            if engine:
                report = classifier.predict_files(source, target, workers=workers, abstain=abstain, **options)
            else:
                report = classifier.predict_file(source, target, abstain=abstain, **options)
    except KeyboardInterrupt:
        warn("finished work is kept; the same command resumes")
        raise
    promise = classifier.abstention(abstain) if abstain else None
    if json:
        made = {"abstention": promise.to_dict()} if promise else {}
        print_json({"file": report.to_dict(), "output": str(target), **made})
        return
    say(f"{report}\nThe {'files are in' if engine else 'file is'} {target}.")
    if promise:
        warn(str(promise))


def _check_engine(engine: str | None, workers: int | None, shard: str | None) -> None:
    from imdb_sentiment.errors import ConfigError

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

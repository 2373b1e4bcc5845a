"""`imdb-sentiment predict`: texts from arguments or standard input, or the rows of files."""

import sys
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from imdb_sentiment.cli.completion import one_of
from imdb_sentiment.cli.console import print_json, reports_errors, say, show, warn
from imdb_sentiment.cli.jsonl_stream import classify_lines, read_lines
from imdb_sentiment.cli.options import Cascade, Json, ModelFolder, NoHeader, SpreadsheetSafe
from imdb_sentiment.results.tables import one_line
from imdb_sentiment.runtime.messages import visible_cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.results.inference import Explanation, FileReport, Prediction

__all__ = ["predict"]

_WIDTH = 80
FILES = "Rows of files"


@reports_errors
def predict(
    model: ModelFolder,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            help="Texts to classify; by default read from standard input, one per line. For a model of two text "
            "columns each holds both parts, separated by a tab.",
            metavar="TEXT",
        ),
    ] = None,
    *,
    abstain_below: Annotated[
        float, typer.Option(help="Mark labels of lower probability with a question mark.", metavar="P")
    ] = 0.0,
    abstain: Annotated[
        str | None,
        typer.Option(
            help="A promise on the other labels instead, such as 'error<=0.02' or 'precision>=0.95'.", metavar="GOAL"
        ),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the contribution of each word.")] = False,
    cascade: Cascade = False,
    precision: Annotated[
        str,
        typer.Option(
            help="fp32, bf16, or auto, the faster of the two.",
            metavar="NAME",
            autocompletion=one_of("auto", "fp32", "bf16"),
        ),
    ] = "auto",
    source: Annotated[
        Path | None,
        typer.Option(
            "--input",
            help="Classify the rows of a file: CSV, TSV, JSONL or Parquet; with --engine, of many files.",
            metavar="FILE",
            rich_help_panel=FILES,
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="Output file, with label, score and reason; with --engine, a folder.",
            metavar="FILE",
            rich_help_panel=FILES,
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="Score many files in parallel: ray.", metavar="NAME", show_default=False, rich_help_panel=FILES
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Number of workers with --engine. [default: number of GPUs or processors]",
            metavar="N",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    text_column: Annotated[
        str | None,
        typer.Option(
            help="Text column of FILE, or two separated by a comma. [default: as in training]",
            metavar="NAME",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    prefix: Annotated[
        str,
        typer.Option(
            help="Prefix of label, score and reason, if FILE has such columns.", metavar="TEXT", rich_help_panel=FILES
        ),
    ] = "",
    shard: Annotated[
        str | None,
        typer.Option(help="Score the I-th of N shards of FILE, for job arrays.", metavar="I/N", rich_help_panel=FILES),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            help="Encoding of FILE. [default: UTF-8]", metavar="NAME", show_default=False, rich_help_panel=FILES
        ),
    ] = None,
    no_header: NoHeader = False,
    spreadsheet_safe: SpreadsheetSafe = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing output.", rich_help_panel=FILES)
    ] = False,
    json_lines: Annotated[
        bool,
        typer.Option("--json-lines", help="Read JSON objects, one per line; append label, score and reason to each."),
    ] = False,
    json: Json = False,
) -> None:
    """Classify texts, or the rows of a file."""
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.errors import ConfigError

    opened = partial(SentimentClassifier.from_pretrained, model, precision=cast("Any", precision))
    columns = text_column.split(",") if text_column else None
    if source or target:
        if not (source and target) or texts or explain or abstain_below or abstain:
            raise ConfigError(
                "--input and --output must be used together, without texts, --explain, --abstain and --abstain-below"
            )
        report = _score_files(
            opened,
            source,
            target,
            engine=engine,
            workers=workers,
            shard=shard,
            text_columns=columns,
            prefix=prefix,
            encoding=encoding,
            header=not no_header,
            spreadsheet_safe=spreadsheet_safe,
            cascade=cascade,
            overwrite=overwrite,
        )
        if json:
            print_json({"file": report.to_dict(), "output": str(target)})
        else:
            say(f"{report}\nThe {'files are in' if engine else 'file is'} {target}.")
        return
    if cascade and explain:
        raise ConfigError("--explain cannot be combined with --cascade", hint="--explain without --cascade")
    if engine or workers:
        raise ConfigError("--engine and --workers are for files", expected="--input and --output as well")
    if not json_lines:
        abstentions = {"abstain_below": abstain_below, "abstain": abstain}
        _classify_texts(opened, texts, abstentions, explain=explain, cascade=cascade, json=json)
        return
    if texts or explain or abstain_below or abstain or json:
        raise ConfigError(
            "--json-lines reads standard input, and excludes texts, --json, --explain, --abstain and --abstain-below"
        )
    classify_lines(opened, tuple(columns) if columns else None, prefix, cascade=cascade)


def _score_files(
    opened: "Callable[[], SentimentClassifier]",
    source: Path,
    target: Path,
    *,
    engine: str | None,
    workers: int | None,
    shard: str | None,
    **options: Any,
) -> "FileReport":
    """Classify the rows of a file, or with an engine of a folder or pattern; options are those of `predict_file`."""
    from imdb_sentiment.data.formats.opening import refuse_endless
    from imdb_sentiment.errors import ConfigError

    if engine not in (None, "ray"):
        raise ConfigError(f"unknown engine {engine}", expected="ray")
    if workers is not None and engine is None:
        raise ConfigError("--workers requires an engine", expected="--engine ray as well")
    if shard and engine:
        raise ConfigError("--shard and --engine exclude each other", expected="one of them")
    if not engine:
        options["shard"] = _read_shard(shard)
        refuse_endless(source, options["encoding"])
    classifier = opened()
    try:
        with redirect_stdout(sys.stderr):  # Ray reports lost workers on standard output
            if engine:
                return classifier.predict_files(source, target, workers=workers, **options)
            return classifier.predict_file(source, target, **options)
    except KeyboardInterrupt:
        warn("finished work is kept; the same command resumes")
        raise


def _read_shard(shard: str | None) -> tuple[int, int]:
    from imdb_sentiment.errors import ConfigError

    if shard is None:
        return 1, 1
    number, _, shards = shard.partition("/")
    if not (number.isdecimal() and shards.isdecimal()):
        raise ConfigError(f"invalid shard {shard}", expected="I/N, such as 2/5: the second of five")
    return int(number), int(shards)


def _classify_texts(
    opened: "Callable[[], SentimentClassifier]",
    texts: list[str] | None,
    abstentions: dict[str, Any],
    *,
    explain: bool,
    cascade: bool,
    json: bool,
) -> None:
    """Classify texts that are arguments or lines of standard input, and print the predictions."""
    from imdb_sentiment.errors import DataError

    if not texts and sys.stdin.isatty():
        warn("Reading texts, one per line; press Ctrl-D to end.")
    given = texts or read_lines()
    if not given:
        raise DataError("there is no text to classify", expected="texts as arguments, or lines on standard input")
    classifier = opened()
    columns = classifier.metadata.text_columns
    items = _split_pairs(given, columns) if len(columns) == 2 else given
    predictions = classifier.predict(items, cascade=cascade, **abstentions)
    promise = classifier.abstention(abstentions["abstain"]) if abstentions["abstain"] else None
    explanations = [classifier.explain(item) for item in items] if explain else []
    if json:
        content: dict[str, object] = {"predictions": [prediction.to_dict() for prediction in predictions]}
        if explain:
            content["explanations"] = [explanation.to_dict() for explanation in explanations]
        if promise:
            content["abstention"] = promise.to_dict()
        print_json(content)
        return
    _show_predictions(given, predictions, explanations, names=classifier.labels)
    if promise:
        warn(str(promise))
    if cascade:
        by_words = sum(prediction.answered_by == "words" for prediction in predictions)
        warn(f"answered by the TF-IDF model: {by_words:,} of {len(predictions):,}")


def _show_predictions(
    texts: list[str], predictions: "list[Prediction]", explanations: "list[Explanation]", *, names: tuple[str, str]
) -> None:
    """Print a line for each text, followed by its explanation if there is one."""
    labels = [visible_cell(f"{'? ' if one.abstained else ''}{one.label}") for one in predictions]
    width = max(map(len, (*map(visible_cell, names), *labels)))
    for index, (text, prediction) in enumerate(zip(texts, predictions, strict=True)):
        truncated = "  [truncated]" if prediction.truncated else ""
        say(f"{labels[index]:<{width}}  {prediction.score:.3f}  {one_line(text, _WIDTH)}{truncated}")
        if explanations:
            show(explanations[index])


def _split_pairs(texts: list[str], columns: tuple[str, ...]) -> list[tuple[str, str]]:
    from imdb_sentiment.errors import DataError, list_rows

    wrong = [number for number, text in enumerate(texts, start=1) if text.count("\t") != 1]
    if wrong:
        raise DataError(
            "each text must be two parts separated by a tab, since the model was trained on two columns",
            found=f"no tab, or more than one, in {list_rows(wrong)}",
            expected="<TAB>".join(columns),
            rows=wrong,
        )
    return [(first, second) for first, _, second in (text.partition("\t") for text in texts)]

"""`imdb-sentiment predict`: classify texts given as arguments, on standard input, or in a file."""

import sys
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say, show, warn
from imdb_sentiment.cli.jsonl_stream import classify_lines, read_lines
from imdb_sentiment.cli.options import Json, NoHeader, SpreadsheetSafe
from imdb_sentiment.runtime.messages import visible_cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from imdb_sentiment.results.inference import Explanation, FileReport, Prediction

__all__ = ["predict"]


@reports_errors
def predict(
    model: Annotated[str, typer.Argument(help="Folder of a saved model.", metavar="MODEL")],
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            help="Texts to classify; read from standard input, one a line, if none is given. For a model of two text "
            "columns each holds both parts, with a tab between them.",
            metavar="TEXT",
        ),
    ] = None,
    *,
    abstain_below: Annotated[
        float, typer.Option(help="Put a question mark before labels that are less probable.", metavar="P")
    ] = 0.0,
    explain: Annotated[bool, typer.Option("--explain", help="Show which words spoke for the label.")] = False,
    cascade: Annotated[
        bool, typer.Option("--cascade", help="Let a quick model answer what it is sure of; see train --cascade.")
    ] = False,
    precision: Annotated[
        str, typer.Option(help="Numbers to compute with: fp32, bf16, or auto, the faster of the two.", metavar="NAME")
    ] = "auto",
    source: Annotated[
        Path | None,
        typer.Option(
            "--input",
            help="Classify the rows of a file: CSV, TSV, JSONL or Parquet; with --engine, of many.",
            metavar="FILE",
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--output", help="Write them there, with label, score and reason; with --engine, a folder.", metavar="FILE"
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(help="Score many files with several processes: ray.", metavar="NAME", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="How many, with --engine. [default: as many as there are GPUs or processors]",
            metavar="N",
            show_default=False,
        ),
    ] = None,
    text_column: Annotated[
        str | None,
        typer.Option(
            help="Column of FILE that holds the text, or two with a comma between them. [default: as learnt]",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    prefix: Annotated[
        str, typer.Option(help="Put before label, score and reason, if FILE has such columns.", metavar="TEXT")
    ] = "",
    shard: Annotated[
        str | None, typer.Option(help="Do the I-th of N shares of FILE, for an array of jobs.", metavar="I/N")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of FILE. [default: UTF-8]", metavar="NAME", show_default=False)
    ] = None,
    no_header: NoHeader = False,
    spreadsheet_safe: SpreadsheetSafe = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output if it is there.")] = False,
    json_lines: Annotated[
        bool,
        typer.Option("--json-lines", help="Read objects, one a line, and write each with label, score and reason."),
    ] = False,
    json: Json = False,
) -> None:
    """Classify texts, or the rows of a file."""
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.data.formats.opening import refuse_endless
    from imdb_sentiment.errors import ConfigError, DataError

    numbers: Any = precision  # checked where the model is opened
    if source or target:
        if not (source and target) or texts or explain or abstain_below:
            raise ConfigError("--input and --output go together, and with neither texts, --explain nor --abstain-below")
        _check_engine(engine, workers, shard)
        if not engine:
            refuse_endless(source, encoding)
        classifier = SentimentClassifier.from_pretrained(model, precision=numbers)
        score = (
            partial(classifier.predict_files, source, target, workers=workers)
            if engine
            else partial(classifier.predict_file, source, target, shard=_read_shard(shard))
        )
        report = _score_files(
            partial(
                score,
                text_columns=text_column.split(",") if text_column else None,
                prefix=prefix,
                encoding=encoding,
                header=not no_header,
                spreadsheet_safe=spreadsheet_safe,
                cascade=cascade,
                overwrite=overwrite,
            )
        )
        if json:
            print_json({"file": report.to_dict(), "output": str(target)})
        else:
            say(f"{report}\nThe {'files are in' if engine else 'file is'} {target}.")
        return
    if cascade and explain:
        raise ConfigError("--explain tells what the encoder read, and with --cascade it may have read nothing")
    if engine or workers:
        raise ConfigError("--engine and --workers are for files", expected="--input and --output beside them")
    opened = partial(SentimentClassifier.from_pretrained, model, precision=numbers)
    if json_lines:
        if texts or explain or abstain_below or json:
            raise ConfigError("--json-lines reads standard input, with neither --json, --explain nor --abstain-below")
        columns = tuple(text_column.split(",")) if text_column else None
        classify_lines(opened, columns, prefix, cascade=cascade)
        return
    given = texts or _read_lines()
    if not given:
        raise DataError("there is no text to classify", expected="texts as arguments, or lines on standard input")
    classifier = opened()
    columns = classifier.metadata.text_columns
    items = _split_pairs(given, columns) if len(columns) == 2 else given
    predictions = classifier.predict(items, abstain_below=abstain_below, cascade=cascade)
    explanations = [classifier.explain(item) for item in items] if explain else []
    if json:
        told: dict[str, object] = {"predictions": [prediction.to_dict() for prediction in predictions]}
        print_json(told | ({"explanations": [part.to_dict() for part in explanations]} if explain else {}))
        return
    _show_predictions(given, predictions, explanations, names=classifier.labels)
    if cascade:
        by_words = sum(prediction.answered_by == "words" for prediction in predictions)
        warn(f"answered by the quick model: {by_words:,} of {len(predictions):,}")


def _score_files(score: "Callable[[], FileReport]") -> "FileReport":
    """Score a file or many, and tell what an interrupt leaves."""
    try:
        with redirect_stdout(sys.stderr):  # where Ray tells that it lost a worker
            return score()
    except KeyboardInterrupt:
        warn("what is done is kept: the same command goes on with it")
        raise


def _show_predictions(
    texts: list[str], predictions: "list[Prediction]", explanations: "list[Explanation]", *, names: tuple[str, str]
) -> None:
    """Print a line for each text, with the words that spoke for its label below if they were asked for."""
    labels = [visible_cell(f"{'? ' if one.abstained else ''}{one.label}") for one in predictions]
    width = max(map(len, (*map(visible_cell, names), *labels)))
    for place, (text, prediction) in enumerate(zip(texts, predictions, strict=True)):
        cut = "  [cut: longer than the model reads]" if prediction.truncated else ""
        say(f"{labels[place]:<{width}}  {prediction.score:.3f}  {_shorten(text)}{cut}")
        if explanations:
            show(explanations[place])


def _check_engine(engine: str | None, workers: int | None, shard: str | None) -> None:
    from imdb_sentiment.errors import ConfigError

    if engine not in (None, "ray"):
        raise ConfigError(f"--engine {engine} is not known", expected="ray")
    if workers is not None and engine is None:
        raise ConfigError("--workers is for many files at once", expected="--engine ray beside it")
    if shard and engine:
        raise ConfigError("--shard is for one file, and --engine divides many files itself", expected="one of them")


def _read_shard(shard: str | None) -> tuple[int, int]:
    from imdb_sentiment.errors import ConfigError

    if shard is None:
        return 1, 1
    number, _, shards = shard.partition("/")
    if not (number.isdecimal() and shards.isdecimal()):
        raise ConfigError(f"--shard {shard} is none", expected="I/N, such as 2/5: the second of five")
    return int(number), int(shards)


def _read_lines() -> list[str]:
    if sys.stdin.isatty():
        warn("Reading texts, one a line; Ctrl-D ends.")
    return read_lines()


def _split_pairs(texts: list[str], columns: tuple[str, ...]) -> list[tuple[str, str]]:
    from imdb_sentiment.errors import DataError, list_rows

    wrong = [number for number, text in enumerate(texts, start=1) if text.count("\t") != 1]
    if wrong:
        raise DataError(
            "each text must be two parts with a tab between them, since the model learnt from two columns",
            found=f"no tab, or more than one, in {list_rows(wrong)}",
            expected="<TAB>".join(columns),
            rows=wrong,
        )
    return [(first, second) for first, _, second in (text.partition("\t") for text in texts)]


def _shorten(text: str, width: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 3] + "..."

"""`imdb-sentiment predict`: texts from arguments or standard input, or the rows of files."""

from functools import partial
from typing import Annotated, Any, cast

import typer

from imdb_sentiment.cli.completion import one_of
from imdb_sentiment.cli.console import reports_errors
from imdb_sentiment.cli.jsonl_stream import classify_lines
from imdb_sentiment.cli.options import (
    Cascade,
    Encoding,
    Ensemble,
    Json,
    ModelFolder,
    NoHeader,
    SpreadsheetSafe,
    TextColumns,
)
from imdb_sentiment.cli.predict_files import (
    Engine,
    Input,
    Output,
    Overwrite,
    Prefix,
    Shard,
    Workers,
    predict_files,
)
from imdb_sentiment.cli.predict_texts import predict_texts

__all__ = ["predict"]


@reports_errors
def predict(
    model: ModelFolder,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            help="Texts to classify; by default read from standard input, one per line. For a model with two text "
            "columns, both texts separated by a tab.",
            metavar="TEXT",
        ),
    ] = None,
    *,
    abstain_below: Annotated[
        float,
        typer.Option(
            help="Mark labels with a probability below P with a question mark; in files, omit them.", metavar="P"
        ),
    ] = 0.0,
    abstain: Annotated[
        str | None,
        typer.Option(
            help="Abstain to keep a promise about the other labels: 'error<=0.02', 'precision>=0.95'.", metavar="GOAL"
        ),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the contribution of each word.")] = False,
    cascade: Cascade = False,
    ensemble: Ensemble = False,
    precision: Annotated[
        str,
        typer.Option(
            help="fp32, bf16, or auto, the faster of the two.",
            metavar="NAME",
            autocompletion=one_of("auto", "fp32", "bf16"),
        ),
    ] = "auto",
    source: Input = None,
    target: Output = None,
    engine: Engine = None,
    workers: Workers = None,
    text_column: TextColumns = None,
    prefix: Prefix = "",
    shard: Shard = None,
    encoding: Encoding = None,
    no_header: NoHeader = False,
    spreadsheet_safe: SpreadsheetSafe = False,
    overwrite: Overwrite = False,
    json_lines: Annotated[
        bool,
        typer.Option("--json-lines", help="Read JSON objects, one per line; append label, score and reason to each."),
    ] = False,
    json: Json = False,
) -> None:
    """Classify texts, or the rows of a file."""
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.errors import ConfigError
    from imdb_sentiment.persistence.opened_model import LoadArguments, open_model

    number_format = cast("Any", precision)
    opened = partial(SentimentClassifier.from_pretrained, model, precision=number_format)
    columns = text_column.split(",") if text_column else None
    limits: dict[str, Any] = {
        "abstain_below": abstain_below,
        "abstain": abstain,
        "cascade": cascade,
        "ensemble": ensemble,
    }
    if source or target:
        if not (source and target) or texts or explain or json_lines:
            raise ConfigError("--input and --output must be used together, without texts, --explain and --json-lines")
        predict_files(
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
            overwrite=overwrite,
            json=json,
            **limits,
        )
        return
    if engine or workers:
        raise ConfigError("--engine and --workers are for files", expected="--input and --output as well")
    if not json_lines:
        predict_texts(opened, texts, explain=explain, json=json, **limits)
        return
    if texts or explain or json:
        raise ConfigError("--json-lines reads standard input, and excludes texts, --json and --explain")
    arguments = LoadArguments(model, None, None, number_format, "auto")
    classify_lines(partial(open_model, arguments), columns, prefix, **limits)

"""`imdb-sentiment check-behaviour`: what a saved model does with changed texts."""

from typing import TYPE_CHECKING, Annotated

import typer

from imdb_sentiment.cli.completion import one_of
from imdb_sentiment.cli.console import print_json, reports_errors, say
from imdb_sentiment.cli.options import DataSettings, Json, ModelFolder, read_data_settings, with_column_options

if TYPE_CHECKING:
    from imdb_sentiment.classifier import SentimentClassifier

__all__ = ["check_behaviour"]

_OTHER = "other"


@reports_errors
@with_column_options
def check_behaviour(
    model: ModelFolder,
    *,
    data: Annotated[
        str | None,
        typer.Option(
            help="Labelled rows whose texts are changed: file, folder or hub data set. [default: included opinions]",
            metavar="SOURCE",
        ),
    ] = None,
    language: Annotated[
        str,
        typer.Option(
            help="Language of the texts: en, pt, or other, for which no sentences are added.",
            metavar="NAME",
            autocompletion=one_of("en", "pt", _OTHER),
        ),
    ] = "en",
    settings: DataSettings = None,
    columns: dict[str, object],
    json: Json = False,
) -> None:
    """Change texts in ways that should not change their label, and count how often the prediction changes.

    A sentiment model is also tested on simple praise, blame and their negations.
    """
    from imdb_sentiment.behaviour.check import check_behaviour as check

    classifier, texts = _open(model, data, settings, columns)
    report = check(classifier, texts, language=None if language == _OTHER else language)
    if json:
        print_json(report.to_dict())
    else:
        say(str(report))


def _open(
    model: str, data: str | None, settings: list[str] | None, columns: dict[str, object]
) -> "tuple[SentimentClassifier, list[str] | None]":
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.cli.evaluate import open_model_and_rows
    from imdb_sentiment.errors import ConfigError

    data_config = read_data_settings(settings, {"source": data, **columns})
    if data is None:
        if settings or any(value is not None for value in columns.values()):
            raise ConfigError("settings of the data are given without the data", expected="--data SOURCE as well")
        return SentimentClassifier.from_pretrained(model), None
    opened = open_model_and_rows(model, data_config)
    texts = opened.rows.test.texts
    return opened.classifier, [text for text in texts if isinstance(text, str)]

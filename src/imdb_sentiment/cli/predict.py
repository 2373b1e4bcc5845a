"""`imdb-sentiment predict`: classify texts given as arguments or on standard input."""

import sys
from typing import Annotated

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say, show
from imdb_sentiment.cli.settings import Json

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
    json: Json = False,
) -> None:
    """Classify texts."""
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.errors import DataError

    classifier = SentimentClassifier.from_pretrained(model)
    given = texts or _read_lines()
    if not given:
        raise DataError("there is no text to classify", expected="texts as arguments, or lines on standard input")
    columns = classifier.metadata.text_columns
    items = _split_pairs(given, columns) if len(columns) == 2 else given
    predictions = classifier.predict(items, abstain_below=abstain_below)
    explanations = [classifier.explain(item) for item in items] if explain else []
    if json:
        told: dict[str, object] = {"predictions": [prediction.to_dict() for prediction in predictions]}
        print_json(told | ({"explanations": [part.to_dict() for part in explanations]} if explain else {}))
        return
    labels = [f"{'? ' if prediction.abstained else ''}{prediction.label}" for prediction in predictions]
    width = max(map(len, (*classifier.labels, *labels)))
    for place, (text, prediction) in enumerate(zip(given, predictions, strict=True)):
        cut = "  [cut: longer than the model reads]" if prediction.truncated else ""
        say(f"{labels[place]:<{width}}  {prediction.score:.3f}  {_shorten(text)}{cut}")
        if explain:
            show(explanations[place])


def _read_lines() -> list[str]:
    from imdb_sentiment.errors import DataError

    if sys.stdin.isatty():
        print("Reading texts, one a line; Ctrl-D ends.", file=sys.stderr)
    lines = []
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            lines.append(line.decode("utf-8").rstrip("\r\n"))
        except UnicodeDecodeError as error:
            found = f"byte 0x{line[error.start]:02x} on line {number:,}"
            raise DataError("standard input is not UTF-8", found=found, rows=[number]) from None
    return lines


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

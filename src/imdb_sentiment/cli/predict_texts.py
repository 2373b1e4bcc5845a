"""The part of `imdb-sentiment predict` that classifies texts: arguments, or lines of standard input."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from imdb_sentiment.cli.console import print_json, say, show, warn
from imdb_sentiment.cli.jsonl_stream import read_lines
from imdb_sentiment.results.tables import one_line
from imdb_sentiment.runtime.messages import visible_cell

if TYPE_CHECKING:
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.results.inference import Explanation, Prediction

__all__ = ["predict_texts"]

_WIDTH = 80


def predict_texts(
    opened: "Callable[[], SentimentClassifier]",
    texts: list[str] | None,
    *,
    abstain_below: float,
    abstain: str | None,
    explain: bool,
    cascade: bool,
    ensemble: bool,
    json: bool,
) -> None:
    """Classify texts that are arguments or lines of standard input, and print the predictions.

    Args:
        opened: Opens the model; called once there are texts.
        texts: The arguments; None to read standard input.
        abstain_below: As for `SentimentClassifier.predict`.
        abstain: The same.
        explain: Print the contribution of each word as well.
        cascade: As for `SentimentClassifier.predict`.
        ensemble: The same.
        json: Print one JSON object.

    Raises:
        ConfigError: `explain` is asked for with a cascade or an ensemble.
        DataError: There is no text, or one cannot be classified.
    """
    from imdb_sentiment.errors import ConfigError, DataError

    if explain and (cascade or ensemble):
        both = "--cascade" if cascade else "--ensemble"
        raise ConfigError(f"--explain cannot be combined with {both}", hint=f"--explain without {both}")

    if not texts and sys.stdin.isatty():
        warn("Reading texts, one per line; press Ctrl-D to end.")
    given = texts or read_lines()
    if not given:
        raise DataError("there is no text to classify", expected="texts as arguments, or lines on standard input")
    classifier = opened()
    columns = classifier.metadata.text_columns
    items = _split_pairs(given, columns) if len(columns) == 2 else given
    predictions = classifier.predict(
        items, abstain_below=abstain_below, abstain=abstain, cascade=cascade, ensemble=ensemble
    )
    promise = classifier.abstention(abstain) if abstain else None
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

"""`imdb-sentiment export`: convert a saved model to ONNX."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say, say_note, warn
from imdb_sentiment.cli.evaluate import label_names, open_model_and_rows
from imdb_sentiment.cli.options import (
    DATA,
    OUTPUT,
    DataSettings,
    Json,
    ModelSource,
    read_data_settings,
    with_column_options,
)

__all__ = ["export"]


@reports_errors
@with_column_options
def export(
    model: ModelSource,
    *,
    output: Annotated[Path, typer.Option(help="Folder for the exported model.", metavar="DIR", rich_help_panel=OUTPUT)],
    quantize: Annotated[
        Literal["int8"] | None, typer.Option(help="Quantize the weights to int8.", metavar="FORM")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Labelled rows to compare both models on, as for evaluate. [default: included reviews]",
            metavar="SOURCE",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model in DIR.", rich_help_panel=OUTPUT)
    ] = False,
    settings: DataSettings = None,
    columns: dict[str, object],
    json: Json = False,
) -> None:
    """Export a saved model to ONNX, which runs without PyTorch, and compare both models."""
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.runtime.files import check_output

    check_output(output, overwrite=overwrite)  # before any work
    texts = labels = None
    notes: tuple[str, ...] = ()
    read_as: Mapping[str, str] = {}
    if data is None:
        classifier = SentimentClassifier.from_pretrained(model)
    else:
        data_config = read_data_settings(settings, {"source": data, **columns})
        classifier, _, rows = open_model_and_rows(model, data_config)
        texts, labels = rows.test.texts, label_names(rows.test.labels, classifier)
        notes, read_as = rows.notes, rows.read_as
    report = classifier.export(output, quantize=quantize, texts=texts, labels=labels, overwrite=overwrite)
    if warning := report.flipped_warning(read_as):
        notes = (*notes, warning)
        warn(f"warning: {warning}")
    if json:
        print_json({"export": report.to_dict(), "notes": list(notes), "model": str(output)})
        return
    say(str(report))
    for note in notes:
        say_note(note)
    say(f"\nExported to {output}. Next:\n  imdb-sentiment predict {shlex.quote(str(output))} 'Your text.'")

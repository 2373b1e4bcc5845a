"""`imdb-sentiment compare`: two saved models on the same labelled rows."""

from collections.abc import Sequence
from itertools import compress
from typing import Annotated, Any

import typer

from imdb_sentiment.cli.console import print_json, reports_errors, say, say_note, warn
from imdb_sentiment.cli.evaluate import Opened, measure, open_model_and_rows
from imdb_sentiment.cli.options import DataSettings, Json, LabelledSource, read_data_settings, with_column_options

__all__ = ["compare"]


@reports_errors
@with_column_options
def compare(
    first: Annotated[str, typer.Argument(help="Folder of a saved model.", metavar="A")],
    second: Annotated[str, typer.Argument(help="Folder of another saved model.", metavar="B")],
    *,
    data: LabelledSource,
    settings: DataSettings = None,
    columns: dict[str, object],
    json: Json = False,
) -> None:
    """Compare two saved models on the same labelled rows, with intervals of the differences.

    Rows that either model was trained on, or its best epoch chosen on, are left out.
    """
    from imdb_sentiment.evaluation.comparison import compare as compare_reports

    data_config = read_data_settings(settings, {"source": data, **columns})
    models = [open_model_and_rows(model, data_config) for model in (first, second)]
    _check_comparable(models)
    kept, remarks = _unseen_by_all(models, (first, second))
    reports = [measure(_only(kept, opened)) for opened in models]
    comparison = compare_reports(*reports)
    warnings = list(dict.fromkeys(warning for report in reports for warning in report.warnings()))
    for warning in warnings:
        warn(f"warning: {warning}")
    notes = [*models[0].rows.notes, *remarks]
    if json:
        both = {name: report.to_dict() for name, report in zip(("first", "second"), reports, strict=True)}
        print_json({"comparison": comparison.to_dict(), **both, "notes": notes, "warnings": warnings})
        return
    say(f"first:  {first}\nsecond: {second}\n\n{comparison}")
    for note in notes:
        say_note(note)


def _check_comparable(models: Sequence[Opened]) -> None:
    from imdb_sentiment.errors import ConfigError
    from imdb_sentiment.runtime.messages import list_values

    labels = [opened.classifier.labels for opened in models]
    if labels[0] != labels[1]:
        raise ConfigError(
            "the two models have different labels",
            found="; ".join(map(list_values, labels)),
            expected="the same two labels, the negative one first",
        )
    columns = [opened.config.columns_of_text for opened in models]
    if columns[0] != columns[1]:
        raise ConfigError(
            "the two models read different text columns",
            found="; ".join(map(list_values, columns)),
            expected="models trained on the same columns",
        )


def _unseen_by_all(models: Sequence[Opened], names: Sequence[str]) -> tuple[list[bool], list[str]]:
    """Mark the rows that no model was trained on, all if there are none; and tell which were left out."""
    from imdb_sentiment.errors import ModelError, count_rows

    texts = models[0].rows.test.texts
    seen, notes = [False] * len(texts), []
    for (classifier, *_), name in zip(models, names, strict=True):
        try:
            by_split = [classifier.seen_in_training(texts, split=split) for split in ("train", "validation")]
        except ModelError:
            notes.append(f"which rows {name} was trained on is not recorded; its metrics may be too good")
            continue
        seen = [any(marks) for marks in zip(seen, *by_split, strict=True)]
    if all(seen):  # the reports warn of it
        return [True] * len(texts), notes
    if left_out := sum(seen):
        notes.append(f"{count_rows(left_out)} left out, as a model was trained or its best epoch chosen on them")
    return [not mark for mark in seen], notes


def _only(kept: Sequence[bool], opened: Opened) -> Opened:
    rows = opened.rows
    texts: Any = list(compress(rows.test.texts, kept))
    labels = list(compress(rows.test.labels, kept))
    slices = {name: list(compress(values, kept)) for name, values in rows.slices.items()}
    return opened._replace(rows=rows._replace(test=type(rows.test)(texts, labels), slices=slices))

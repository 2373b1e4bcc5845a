"""`imdb-sentiment report`: an HTML report of a saved model on labelled rows."""

from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imdb_sentiment.cli.console import command_line, reports_errors, say, say_note
from imdb_sentiment.cli.evaluate import label_names, measure, open_model_and_rows
from imdb_sentiment.cli.options import (
    OUTPUT,
    DataSettings,
    Ensemble,
    LabelledSource,
    ModelSource,
    read_data_settings,
    with_column_options,
)

if TYPE_CHECKING:
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.config import DataConfig
    from imdb_sentiment.data.labels import Labelled
    from imdb_sentiment.results.label_issues import LabelIssues

__all__ = ["report"]

_FOLDS = 5


@reports_errors
@with_column_options
def report(
    model: ModelSource,
    *,
    data: LabelledSource,
    output: Annotated[Path, typer.Option(help="The page to write.", metavar="FILE", rich_help_panel=OUTPUT)] = Path(
        "report.html"
    ),
    explain: Annotated[int, typer.Option(help="Explain the N most confident errors.", metavar="N")] = 0,
    ensemble: Ensemble = False,
    no_label_issues: Annotated[
        bool, typer.Option("--no-label-issues", help="Do not look for labels that are probably wrong.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing page.", rich_help_panel=OUTPUT)
    ] = False,
    settings: DataSettings = None,
    columns: dict[str, object],
) -> None:
    """Write an HTML report on a saved model: verdict, metrics and baselines, curves, errors."""
    from imdb_sentiment.results.report_page import write_page
    from imdb_sentiment.runtime.files import check_new_file

    check_new_file(output, overwrite=overwrite)
    data_config = read_data_settings(settings, {"source": data, **columns})
    opened = open_model_and_rows(model, data_config, others=True)
    classifier, data_config, rows = opened
    train, validation = _training_rows(classifier, rows.others or rows.test)
    full = measure(
        opened, train=train, validation=validation, explained_errors=explain, behaviour=True, ensemble=ensemble
    )
    page = full.unseen or full
    issues, reason = (None, None) if no_label_issues else _label_issues(classifier, data_config)
    title = f"{Path(model).name} on {Path(data).name}"
    write_page(full, output, title=title, label_issues=issues, command=command_line(), overwrite=overwrite)
    say(str(page))
    for note in [*rows.notes, *filter(None, [page.flipped_warning()])]:
        say_note(note)
    if caveat := page.baselines_caveat():
        say_note(caveat)
    if full.behaviour:
        for check in full.behaviour.weaknesses()[:1]:
            say_note(check.says(full.labels))
    if full.unseen:
        say_note(f"without {full.seen_rows:,} rows used to train the model or to choose its best epoch")
    if reason:
        say_note(f"label issues were not looked for: {reason}")
    say(f"\nThe page is {output}.")


def _training_rows(classifier: "SentimentClassifier", rows: "Labelled") -> list[tuple[list[Any], list[str]] | None]:
    """Return the available training and validation rows of the model.

    Baselines are fitted on the former; their thresholds are chosen on the latter if those are complete.
    """
    from imdb_sentiment.errors import ModelError

    found: list[tuple[list[Any], list[str]] | None] = []
    for split in ("train", "validation"):
        try:
            seen = classifier.seen_in_training(rows.texts, split=split)
        except ModelError:  # the model has no training fingerprints
            return [None, None]
        texts = [*compress(rows.texts, seen)]
        labels = label_names(compress(rows.labels, seen), classifier)
        total = sum(classifier.metadata.splits["rows"][split].values())
        enough = len(set(labels)) == 2 and (split == "train" or len(labels) >= total)
        found.append((texts, labels) if enough else None)
    return found


def _label_issues(
    classifier: "SentimentClassifier", config: "DataConfig"
) -> "tuple[LabelIssues, None] | tuple[None, str]":
    """Return the label issues of the data, or the reason why they were not looked for."""
    from imdb_sentiment.data.folds import load_folds
    from imdb_sentiment.data.labels import LabelNames
    from imdb_sentiment.errors import DataError, MissingExtraError
    from imdb_sentiment.label_issues import label_issues_among

    try:
        folds = load_folds(config, _FOLDS, known=LabelNames(*classifier.labels))
    except (DataError, MissingExtraError) as error:  # the report itself needs neither training rows nor the extra
        return None, error.summary
    return label_issues_among(folds, config), None

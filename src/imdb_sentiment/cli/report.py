"""`imdb-sentiment report`: everything that can be said of a saved model on labelled rows, as one page."""

from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imdb_sentiment.cli.console import reports_errors, say
from imdb_sentiment.cli.measuring import measure, names_of, open_both
from imdb_sentiment.cli.options import (
    DataSettings,
    LabelColumn,
    NegativeLabel,
    NoHeader,
    PositiveLabel,
    TextColumn,
    read_data_settings,
)

if TYPE_CHECKING:
    from imdb_sentiment.classifier import SentimentClassifier
    from imdb_sentiment.config import DataConfig
    from imdb_sentiment.data.labels import Labelled
    from imdb_sentiment.results.label_issues import LabelIssues

__all__ = ["report"]

_FOLDS = 5


@reports_errors
def report(
    model: Annotated[str, typer.Argument(help="Folder of a saved model, or a hub repository.", metavar="MODEL")],
    *,
    data: Annotated[
        str, typer.Option(help="File, folder or hub data set; its test split if it has one.", metavar="SOURCE")
    ],
    output: Annotated[Path, typer.Option(help="The page to write.", metavar="FILE")] = Path("report.html"),
    explain: Annotated[
        int, typer.Option(help="Show which words led to so many of the surest mistakes.", metavar="N")
    ] = 0,
    no_suspects: Annotated[
        bool, typer.Option("--no-label-issues", help="Do not look for labels of the data that are probably wrong.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the page if it is there.")] = False,
    settings: DataSettings = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    no_header: NoHeader = False,
    positive_label: PositiveLabel = None,
    negative_label: NegativeLabel = None,
) -> None:
    """Write a page on a saved model: verdict, figures beside simpler models, curves, mistakes."""
    from imdb_sentiment.runtime.files import check_new_file

    check_new_file(output, overwrite=overwrite)
    data_config = read_data_settings(
        settings,
        source=data,
        text_column=text_column,
        label_column=label_column,
        header=False if no_header else None,
        positive_label=positive_label,
        negative_label=negative_label,
    )
    opened = open_both(model, data_config, others=True)
    classifier, data_config, rows = opened
    train, validation = _rows_of_training(classifier, rows.others or rows.test)
    told = measure(opened, train=train, validation=validation, explained_errors=explain)
    page = told.unseen or told
    suspected, none = (None, None) if no_suspects else _suspected(classifier, data_config)
    title = f"{Path(model).name} on {Path(data).name}"
    told.save_html(output, title=title, label_issues=suspected, overwrite=overwrite)
    say(str(page))
    for note in [*rows.notes, *filter(None, [page.flipped_warning()])]:
        say(f"note: {note}")
    if caveat := page.baselines_caveat():
        say(f"note: {caveat}")
    if told.unseen:
        say(f"note: without {told.seen_rows:,} rows that the model was trained or its best epoch chosen on")
    if none:
        say(f"note: suspected labels were not looked for: {none}")
    say(f"\nThe page is {output}.")


def _rows_of_training(classifier: "SentimentClassifier", rows: "Labelled") -> list[tuple[list[Any], list[str]] | None]:
    """Return the rows that the model was trained on, and those its threshold was chosen on, as far as they are there.

    Baselines are fitted on the former, and their thresholds chosen on the latter, if these are all of them.
    """
    from imdb_sentiment.errors import ModelError

    found: list[tuple[list[Any], list[str]] | None] = []
    for split in ("train", "validation"):
        try:
            saw = classifier.seen_in_training(rows.texts, split=split)
        except ModelError:  # the model folder does not say
            return [None, None]
        texts = [*compress(rows.texts, saw)]
        labels = names_of(compress(rows.labels, saw), classifier)
        every = sum(classifier.metadata.splits["rows"][split].values())
        enough = len(set(labels)) == 2 and (split == "train" or len(labels) >= every)
        found.append((texts, labels) if enough else None)
    return found


def _suspected(
    classifier: "SentimentClassifier", config: "DataConfig"
) -> "tuple[LabelIssues, None] | tuple[None, str]":
    """Return rows of the data whose label is probably wrong; or why none were looked for."""
    from imdb_sentiment.data.folds import load_folds
    from imdb_sentiment.data.labels import LabelNames
    from imdb_sentiment.errors import DataError, MissingExtraError
    from imdb_sentiment.label_issues import label_issues_among

    try:
        divided = load_folds(config, _FOLDS, known=LabelNames(*classifier.labels))
    except (DataError, MissingExtraError) as error:  # the report itself needs neither training rows nor the extra
        return None, error.summary
    return label_issues_among(divided, config), None

"""Rows whose label is probably wrong, by models that were not trained on them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imdb_sentiment.config import DataConfig, FineTuneConfig, given_config, source_of
from imdb_sentiment.cross_validation import FoldTrainings, check_one_process
from imdb_sentiment.data.folds import Folds, load_folds
from imdb_sentiment.data.labels import Labelled
from imdb_sentiment.evaluation.confident_learning import average_of, label_issues_of
from imdb_sentiment.finetuner import SentimentFineTuner
from imdb_sentiment.models.tokenization import labelled_texts, texts_of
from imdb_sentiment.results.label_issues import LabelIssues
from imdb_sentiment.training.recipe import CONTRASTIVE, PROBE, few_rows_below

if TYPE_CHECKING:
    from imdb_sentiment.data.data_like import DataLike, DataSplits
    from imdb_sentiment.results.evaluation import EvaluationReport

__all__ = ["find_label_issues", "label_issues_among"]


def find_label_issues(
    data: "DataLike | None" = None,
    data_config: DataConfig | None = None,
    config: FineTuneConfig | None = None,
    *,
    folds: int = 5,
) -> LabelIssues:
    """Find labels that are probably wrong, with models that were not trained on these rows.

    The rows are divided into folds as in `cross_validate`, and each fold is scored by a model trained on the others. A
    test split of the source is not used. Nothing is changed; read the texts to decide whether a label is wrong.

    Args:
        data: A `DataConfig`; a path or hub data set; or anything that `SentimentFineTuner.fit` takes, read as
            `data_config` says. By default `data_config.source`.
        data_config: Names the columns and labels of `data`.
        config: Also train an encoder for each fold, as `SentimentFineTuner` would, and average its log odds with those
            of TF-IDF. By default only TF-IDF with logistic regression, which takes seconds. The method `probe` reads
            each row once. With this method, with fewer than 500 rows, or if `DataConfig.validation` is `cross`, one run
            holds the rows out in turn; otherwise there is one run for each fold.
        folds: Number of folds, at least 2.

    Returns:
        The suspected rows, the most likely first. If the models are not better than the more frequent label, or
        contradict more than a fifth of the rows, beyond chance, no rows are returned, and `undecided` gives the reason.

    Raises:
        DataError: The data cannot be used as they are, or there are too few rows for this many folds.
        ConfigError: `folds` is below 2, `data` and `data_config` are both a `DataConfig`, or a launcher started several
            processes.
        ModelError: The encoder cannot be used.
        HubUnavailableError: Something is on the hub, and the hub did not answer.

    Source: Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels (2021).

    Example:
        ```python
        issues = find_label_issues("reviews.csv")
        issues.to_frame().to_csv("label-issues.csv", index=False)
        ```
    """
    check_one_process("find_label_issues")
    config = None if config is None else given_config(config, FineTuneConfig)
    rows, data_config = source_of(data, data_config)
    return label_issues_among(load_folds(data_config, folds, rows), data_config, config)


def label_issues_among(divided: Folds, data_config: DataConfig, config: FineTuneConfig | None = None) -> LabelIssues:
    """Look for labels that are probably wrong in rows that are divided already; see `find_label_issues`.

    Args:
        divided: The rows, and the fold of each.
        data_config: How they were read.
        config: As for `find_label_issues`.
    """
    rows = divided.rows
    if config is not None and _holds_out_in_turn(len(rows), data_config, config):
        tuner = SentimentFineTuner(data_config, config)
        tuner.fit(divided.cross_validated())
        found = tuner.label_issues()
        numbered = (replace(issue, row=int(rows.positions[issue.row - 1]) + 1) for issue in found.issues)
        return replace(found, issues=tuple(numbered), notes=divided.notes)
    folds = int(divided.fold_of.max()) + 1
    positive = _in_order(divided, [_held_out_by_tfidf(splits) for splits in divided.splits(data_config)])
    model = "TF-IDF with logistic regression"
    if config is not None:
        with TemporaryDirectory() as folder:
            trainings = FoldTrainings(divided, data_config, config, Path(folder))
            scores = [kept["positive"] for kept in trainings.run(_keep_positive)]
        positive = average_of(_in_order(divided, scores), positive, rows.labels)
        model = f"{config.model_name} with TF-IDF"
    return label_issues_of(
        positive,
        rows.labels,
        model=f"{model}, {folds} folds",
        names=divided.names,
        numbers=rows.positions + 1,
        texts_at=lambda listed: rows.raw.texts_at(rows.positions[listed]),
        notes=divided.notes,
    )


def _holds_out_in_turn(rows: int, data_config: DataConfig, config: FineTuneConfig) -> bool:
    """Return whether one run scores each row by a model of the other folds, as it compares methods by such scores."""
    return data_config.validation == "cross" or config.method in (PROBE, CONTRASTIVE) or rows < few_rows_below(config)


def _in_order(divided: Folds, of_folds: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Return the scores of each fold in the order of the rows, shape (n,)."""
    positive = np.zeros(len(divided.rows))
    for fold, scores in enumerate(of_folds):
        positive[divided.fold_of == fold] = scores
    return positive


def _keep_positive(fold: int, result: object, report: "EvaluationReport") -> dict[str, Any]:
    return {"positive": report.require_rows().positive.tolist()}


def _held_out_by_tfidf(splits: "DataSplits") -> NDArray[np.float64]:
    from imdb_sentiment.evaluation.baseline import score_with_tfidf

    parts = [labelled_texts(part) for part in (splits.train, splits.validation)]
    texts: Any = [text for part in parts for text in part.texts]
    train = Labelled(texts, [label for part in parts for label in part.labels])
    return score_with_tfidf(train, texts_of(splits.test))

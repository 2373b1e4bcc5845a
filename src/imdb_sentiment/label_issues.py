"""Rows whose label is probably wrong, by models that were not trained on them."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imdb_sentiment.config import DataConfig, FineTuneConfig, given_config, source_of
from imdb_sentiment.cross_validation import FoldTrainings, check_one_process
from imdb_sentiment.data.folds import Folds, load_folds
from imdb_sentiment.data.labels import Labelled
from imdb_sentiment.models.tokenization import labelled_texts, texts_of
from imdb_sentiment.results.label_issues import LabelIssue, LabelIssues

if TYPE_CHECKING:
    from imdb_sentiment.data.data_like import DataLike, DataSplits
    from imdb_sentiment.results.evaluation import EvaluationReport

__all__ = ["find_label_issues", "label_issues_among", "rank_label_issues"]


def rank_label_issues(positive: ArrayLike, labels: ArrayLike) -> NDArray[np.int64]:
    """Return the positions of rows whose label is probably wrong, the most suspicious first.

    A row is suspected if the model, which did not learn from it, prefers the other label and is at least as sure of it
    as it is on average of the rows that have that label. That average takes into account that a model may be less sure
    of one label than of the other. Rows are put in order by how much more probable the other label is.

    Args:
        positive: Probability of the positive label by a model that did not learn from the row, shape (n,).
        labels: 0 or 1, shape (n,), both present.

    Source: Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels (2021).
    """
    scores, given = np.asarray(positive, dtype=np.float64), np.asarray(labels)
    of_given = np.where(given == 1, scores, 1 - scores)
    of_other = 1 - of_given
    usual = np.array([of_given[given == label].mean() for label in (0, 1)])
    suspected = np.flatnonzero((of_other > of_given) & (of_other >= usual[1 - given]))
    ranked: NDArray[np.int64] = suspected[np.argsort(-of_other[suspected], kind="stable")]
    return ranked


def find_label_issues(
    data: "DataLike | None" = None,
    data_config: DataConfig | None = None,
    config: FineTuneConfig | None = None,
    *,
    folds: int = 5,
) -> LabelIssues:
    """Find labels that are probably wrong, by models that were not trained on these rows.

    The rows are divided into folds as `cross_validate` divides them, and each fold is scored by a model of the others.
    A test split of the source is not used. Nothing is changed: read the text to decide whether a label is wrong.

    Args:
        data: A `DataConfig`; a path or hub data set; or anything that `SentimentFineTuner.fit` takes, read by
            `data_config`. By default what `data_config.source` names.
        data_config: Names the columns and labels of `data`.
        config: Fine-tune an encoder for each fold. By default TF-IDF with logistic regression, which takes
            seconds.
        folds: Number of folds, at least 2.

    Returns:
        The suspected rows, the most suspicious first.

    Raises:
        DataError: The data cannot be used as they are, or are too few for so many folds.
        ConfigError: `folds` is below 2, `data` and `data_config` both are a `DataConfig`, or a launcher started several
            processes.
        ModelError: The encoder cannot be used.
        HubUnavailableError: Something is on the hub, and the hub did not answer.

    Source: Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels (2021).
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
    rows, names = divided.rows, divided.names
    scores: Sequence[ArrayLike]
    if config is None:
        scores = [_held_out_by_tfidf(splits) for splits in divided.splits(data_config)]
    else:
        with TemporaryDirectory() as folder:
            trainings = FoldTrainings(divided, data_config, config, Path(folder))
            scores = [kept["positive"] for kept in trainings.run(_keep_positive)]
    positive = np.zeros(len(rows))
    for fold, of_fold in enumerate(scores):
        positive[divided.fold_of == fold] = of_fold
    ranked = rank_label_issues(positive, rows.labels)
    return LabelIssues(
        rows=len(rows),
        model=f"{config.model_name if config else 'TF-IDF with logistic regression'}, {len(scores)} folds",
        issues=tuple(
            LabelIssue(
                row=int(rows.positions[i]) + 1,
                label=names[rows.labels[i]],
                suggested=names[1 - rows.labels[i]],
                probability=float(positive[i] if rows.labels[i] == 0 else 1 - positive[i]),
                text="\n".join(text),
            )
            for i, text in zip(ranked, rows.raw.texts_at(rows.positions[ranked]), strict=True)
        ),
        notes=divided.notes,
    )


def _keep_positive(fold: int, result: object, report: "EvaluationReport") -> dict[str, Any]:
    return {"positive": report.require_rows().positive.tolist()}


def _held_out_by_tfidf(splits: "DataSplits") -> NDArray[np.float64]:
    from imdb_sentiment.evaluation.baseline import score_with_tfidf

    parts = [labelled_texts(part) for part in (splits.train, splits.validation)]
    texts: Any = [text for part in parts for text in part.texts]
    train = Labelled(texts, [label for part in parts for label in part.labels])
    return score_with_tfidf(train, texts_of(splits.test))

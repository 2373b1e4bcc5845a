"""Has the input of a model changed since it was trained?"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.classifier import SentimentClassifier
from imdb_sentiment.data.labels import match_labels
from imdb_sentiment.data.word_sets import WordSets, beginning_words, sample_rows
from imdb_sentiment.errors import ConfigError, DataError, count_rows
from imdb_sentiment.evaluation.accuracy_estimate import estimated_accuracy, held_out_accuracy
from imdb_sentiment.evaluation.changed_words import changed_words, names_of
from imdb_sentiment.evaluation.held_out import HeldOutRows
from imdb_sentiment.evaluation.two_sample import classifier_test
from imdb_sentiment.inference.file_sample import RowSample, sample_file
from imdb_sentiment.inference.inputs import TextsLike
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.drift import AccuracyEstimate, DriftReport, ProbabilityShift, WordShift
from imdb_sentiment.runtime.files import as_path
from imdb_sentiment.runtime.messages import quote

if TYPE_CHECKING:
    from imdb_sentiment.persistence.opened_model import OpenedModel

__all__ = ["check_drift"]

MOST_ROWS = 1000
"""The standard error of a ROC-AUC near 0.5 is then 0.01; more rows would find changes too small to matter."""

FEWEST_ROWS = 50
"""The standard error of a ROC-AUC near 0.5 is 0.04 with so few, and only a large change can be told from chance."""


def check_drift(
    classifier: SentimentClassifier,
    data: TextsLike | str | PathLike[str],
    labels: Iterable[object] | None = None,
    *,
    text_columns: Sequence[str] | None = None,
    label_column: str | None = None,
    encoding: str | None = None,
    header: bool = True,
    seed: int = 0,
) -> DriftReport:
    """Check whether new texts differ from those that a model was trained on, and estimate its accuracy on them.

    Two tests compare the texts. A classifier tries to distinguish the new texts from a sample of the training texts by
    their words; its success is tested by permutations. The predicted probabilities are compared with those of the rows
    that were held out in training, by a Kolmogorov-Smirnov test. Without labels, the accuracy is estimated as the mean
    probability of the predicted label; labels, if there are any, serve only to measure it.

    Both tests assume that rows are drawn independently; several texts by one author or from one day are more alike.

    Source: Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests (ICLR 2017); Rabanser, Günnemann and Lipton,
    Failing Loudly: An Empirical Study of Methods for Detecting Dataset Shift (NeurIPS 2019).

    Example:
        ```python
        report = check_drift(classifier, "last-month.csv")
        print(report)
        ```

    Args:
        classifier: A model that this library saved.
        data: The new texts, as `SentimentClassifier.predict` takes them; or the path of a CSV, TSV, JSONL or Parquet
            file, read as by `predict_file`. At most 1,000 rows are drawn from them.
        labels: True labels of texts that are not in a file, one each; a row without one is None.
        text_columns: Text column of the file, or the two of a pair; by default those that the model was trained on.
        label_column: Column of the file with labels, if it has one. A row may lack one.
        encoding: Encoding of the file; by default UTF-8 or as its byte order mark says.
        header: Whether a CSV or TSV file has a header. Without one, columns are named by position, from 1.
        seed: Seed of the random rows and of the permutations.

    Raises:
        ConfigError: An option does not suit the data.
        DataError: There are fewer than 50 texts, a text or label cannot be used, or the file is missing, damaged or
            lacks a column.
        ModelError: The folder of the model has no words of training texts or no held-out rows, as with a third-party
            model or an earlier version.
    """
    if not isinstance(classifier, SentimentClassifier):
        raise ConfigError("check_drift takes a classifier", found=quote(classifier), hint="tuner.classifier")
    model = classifier._opened
    training, held_out = model.training_words(), model.held_out()
    if isinstance(data, str | PathLike):
        if labels is not None:
            raise ConfigError("labels are given beside a file", expected="label_column, its column of labels")
        sample = sample_file(
            as_path(data, "data"),
            model.text_columns(text_columns),
            label_column,
            most=MOST_ROWS,
            seed=seed,
            encoding=encoding,
            header=header,
        )
    else:
        if text_columns is not None or label_column is not None or encoding is not None or not header:
            raise ConfigError("text_columns, label_column, encoding and header are for files", found="texts in memory")
        sample = _drawn(model, data, labels, seed)
    if len(sample.texts) < FEWEST_ROWS:
        raise DataError(
            "there are too few new texts to tell a change from chance",
            found=f"{count_rows(len(sample.texts))} that can be classified",
            expected=f"{FEWEST_ROWS} or more",
        )
    return _compared(model, sample, training, held_out, seed)


def _drawn(model: "OpenedModel", data: Any, labels: Iterable[object] | None, seed: int) -> RowSample:
    texts: Any = model.check_texts(data)
    given = None if labels is None else list(labels)
    if given is not None and len(given) != len(texts):
        raise DataError("the labels do not fit", found=f"{len(texts):,} texts, {len(given):,} labels")
    drawn = sample_rows(len(texts), seed=seed, most=MOST_ROWS)
    return RowSample([texts[i] for i in drawn], given and [given[i] for i in drawn], len(texts), {})


def _compared(
    model: "OpenedModel", sample: RowSample, training: WordSets, held_out: HeldOutRows, seed: int
) -> DriftReport:
    from scipy.stats import ks_2samp

    labels = _known_labels(model, sample.labels)  # a mistake in them is reported before anything is computed
    new = WordSets.of(sample.texts)
    both = training.joined(new)
    is_new = np.arange(len(both.lengths)) >= len(training.lengths)
    test = classifier_test(both.matrix(), is_new, seed=seed)
    changed = changed_words(training, new, _names(model, sample))
    with model.computing_as("fp32"):  # as the held-out rows were scored
        positive = model.scorer.score(sample.texts).probabilities[:, 1].astype(np.float64)
    same = ks_2samp(held_out.positive, positive)
    in_turn = bool(model.artifact.metadata.splits.get("folds"))
    threshold, seen = model.threshold, model.artifact.seen
    return DriftReport(
        labels=model.labels,
        rows=len(sample.texts),
        rows_given=sample.rows_given,
        left_out=dict(sample.left_out),
        seen_rows=sum(seen.known(sample.texts, "train")) if seen else None,
        words=WordShift(
            training_texts=len(training.lengths),
            roc_auc=test.roc_auc,
            p_value=test.p_value,
            more_frequent=changed.more_frequent,
            less_frequent=changed.less_frequent,
            unnamed=changed.unnamed,
        ),
        probabilities=ProbabilityShift(
            held_out_rows=len(held_out.labels),
            statistic=float(same.statistic),
            p_value=None if in_turn else float(same.pvalue),
            held_out_positive=float((held_out.positive > threshold).mean()),
            new_positive=float((positive > threshold).mean()),
        ),
        accuracy=_accuracy(positive, held_out, labels, threshold),
        notes=sample.notes,
    )


def _known_labels(model: "OpenedModel", given: Sequence[object] | None) -> dict[int, int]:
    """Return the label, 0 or 1, of each row that has one, by its position among the texts."""
    there = [i for i, label in enumerate(given or ()) if label is not None and str(label).strip()]
    if not given or not there:
        return {}
    labels, _ = match_labels([given[i] for i in there], model.artifact.metadata.labels, rows=len(there))
    return dict(zip(there, labels, strict=True))


def _accuracy(
    positive: NDArray[np.float64], held_out: HeldOutRows, labels: dict[int, int], threshold: float
) -> AccuracyEstimate:
    from scipy.stats import binomtest

    estimate, before = (
        estimated_accuracy(positive, threshold=threshold),
        held_out_accuracy(held_out, threshold=threshold),
    )
    if not labels:
        return AccuracyEstimate(estimate=estimate, held_out=before)
    right = sum(bool(positive[i] > threshold) == bool(label) for i, label in labels.items())
    low, high = binomtest(right, len(labels)).proportion_ci(method="exact")
    return AccuracyEstimate(
        estimate=estimate,
        held_out=before,
        labelled_rows=len(labels),
        measured=right / len(labels),
        interval=Interval(float(low), float(high)),
    )


def _names(model: "OpenedModel", sample: RowSample) -> dict[int, str]:
    """Return names of hashed words: the words of the new texts, and those that the tokenizer has whole."""
    counts = Counter(chain.from_iterable(map(beginning_words, sample.texts)))
    vocabulary = model.artifact.encoder.tokenizer.backend_tokenizer.get_vocab()
    # a piece that continues a word begins with ##, and one that begins a word with another mark in other tokenizers
    whole = (piece.lstrip("Ġ▁").lower() for piece in sorted(vocabulary, key=vocabulary.__getitem__))
    return names_of([*(word for word, _ in counts.most_common()), *filter(re.compile(r"\w\w+").fullmatch, whole)])

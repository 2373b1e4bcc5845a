"""A saved model measured on labelled texts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imdb_sentiment.data.labels import Texts
from imdb_sentiment.data.slices import checked_slices
from imdb_sentiment.errors import DataError
from imdb_sentiment.evaluation.report import full_report
from imdb_sentiment.inference.measured_rows import measured_rows, slices_of
from imdb_sentiment.persistence.opened_model import OpenedModel
from imdb_sentiment.runtime.messages import list_values

if TYPE_CHECKING:
    from imdb_sentiment.results.evaluation import EvaluationReport

__all__ = ["measure_model"]


def measure_model(
    model: OpenedModel,
    texts: Texts,
    labels: Iterable[Any],
    *,
    slices: Mapping[str, Sequence[str]],
    train: object,
    validation: object,
    cascade: bool,
) -> "tuple[EvaluationReport, str | None]":
    """Measure a model; see `SentimentClassifier.evaluate`.

    Returns:
        The report, and the precision that the scores were computed in.
    """
    given = checked_slices(slices)
    true, read_as = model.match_labels(labels, len(texts))
    with model.computing_as("fp32"):  # or a report would differ with the machine, and from the model's card
        scores, precision = model.scorer_for(cascade).score(texts), model.numeric_precision
    metadata, seen = model.artifact.metadata, model.artifact.seen
    measured = measured_rows(scores, texts, true, metadata.calibration)
    groups = slices_of(scores, measured) | given
    if wrong := [name for name, column in groups.items() if len(column) != len(true)]:
        raise DataError(f"the slices {list_values(wrong)} do not fit", expected=f"{len(true):,} values each")
    report = full_report(
        measured,
        names=model.labels,
        seen=seen.known(texts) if seen else None,
        groups=groups,
        train=None if train is None else model.check_both_labels("train", train),
        validation=None if validation is None else model.check_both_labels("validation", validation),
    )
    return report.with_labels_read_as(read_as), precision

"""A fitted model measured on the test split, or on its training rows, held out in turn."""

from dataclasses import replace
from typing import TYPE_CHECKING

from imdb_sentiment.behaviour.for_report import behaviour_for_report
from imdb_sentiment.data.fingerprints import TrainingFingerprints
from imdb_sentiment.data.slices import slices_of_split
from imdb_sentiment.errors import DataError
from imdb_sentiment.evaluation.abstention import usual_promises
from imdb_sentiment.evaluation.report import full_report, metrics_of, with_provenance
from imdb_sentiment.inference.measured_rows import measured_rows, slices_of
from imdb_sentiment.inference.torch_backend import score_texts
from imdb_sentiment.models.tokenization import labelled_texts
from imdb_sentiment.results.background import ModelProvenance
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.results.metrics import CustomMetrics
from imdb_sentiment.training.run import Fitted

if TYPE_CHECKING:
    from imdb_sentiment.data.data_like import DataSplits

__all__ = ["measure_fitted"]


def measure_fitted(
    fitted: Fitted,
    splits: "DataSplits",
    names: tuple[str, str],
    metrics: CustomMetrics,
    background: ModelProvenance,
    *,
    full: bool,
) -> EvaluationReport:
    """Measure a fitted model; see `SentimentFineTuner.evaluate`.

    Args:
        fitted: The model.
        splits: The rows that it was fitted to, and the test rows.
        names: Names of the labels.
        metrics: The user's metrics.
        background: Where the model comes from.
        full: Whether to add intervals, baselines, slices and the check of behaviour.

    Raises:
        DataError: There is no test split, and no row was held out in turn.
    """
    in_turn = fitted.held_out if not len(splits.test) else None
    if not len(splits.test) and in_turn is None:
        hint = "tuner.classifier.evaluate(texts, labels) on rows that were kept elsewhere"
        raise DataError("there is no test split to evaluate on", found="test_fraction=0", hint=hint)
    rows = splits.train if in_turn else splits.test
    texts, labels = labelled_texts(rows)
    # in fp32, or a saved model would come to others
    scores = in_turn or score_texts(fitted.model, fitted.encoder, texts)
    measured = measured_rows(scores, texts, labels, fitted.result.calibration, metrics)
    # none, unless test_overlap is "keep"
    known = [False] * len(rows) if in_turn else TrainingFingerprints.of(splits.train, splits.validation).known(texts)
    if full:
        report = full_report(
            measured,
            names=names,
            seen=known,
            groups=slices_of(scores, measured) | slices_of_split(rows),
            train=None if in_turn else labelled_texts(splits.train),
            validation=labelled_texts(splits.validation) if len(splits.validation) else None,
            held_out=fitted.baselines,
        )
    else:
        report = replace(metrics_of(measured, names=names), seen_rows=sum(known))
    threshold = fitted.result.calibration.threshold
    if full:
        behaviour = behaviour_for_report(
            texts,
            lambda changed: score_texts(fitted.model, fitted.encoder, list(changed)).probabilities[:, 1],
            labels=names,
            threshold=threshold,
        )
        report = replace(report, behaviour=behaviour)
    report = replace(report, cross_validated=in_turn is not None)
    promises = usual_promises(fitted.held_out_rows, threshold=threshold)
    return with_provenance(report, background._replace(promises=promises), numeric_precision="fp32")

"""A saved model measured on labelled texts."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from imdb_sentiment.behaviour.for_report import behaviour_for_report
from imdb_sentiment.data.labels import Labelled, Texts, match_labels
from imdb_sentiment.data.slices import checked_slices
from imdb_sentiment.errors import DataError
from imdb_sentiment.evaluation.abstention import usual_promises
from imdb_sentiment.evaluation.report import full_report, with_provenance
from imdb_sentiment.inference.inputs import Combination
from imdb_sentiment.inference.measured_rows import measured_rows, slices_of
from imdb_sentiment.persistence.opened_model import OpenedModel
from imdb_sentiment.results.behaviour import BehaviourReport
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.results.metrics import CustomMetrics
from imdb_sentiment.runtime.messages import cut, list_values, quote

__all__ = ["measure_model"]


def measure_model(
    model: OpenedModel,
    texts: Texts,
    labels: Iterable[Any],
    *,
    slices: Mapping[str, Sequence[str]],
    metrics: object,
    train: object,
    validation: object,
    explained_errors: int,
    behaviour: bool,
    combination: Combination,
) -> EvaluationReport:
    """Measure a model and warn its user; see `SentimentClassifier.evaluate`."""
    given, custom = checked_slices(slices), CustomMetrics.of(metrics)
    metadata, seen = model.artifact.metadata, model.artifact.seen
    true, read_as = match_labels(labels, metadata.labels, rows=len(texts))
    alone = None
    with model.computing_as("fp32"):  # or a report would differ with the machine, and from the model's card
        if combination == "ensemble":
            scores, of_encoder = model.ensemble_scorer().score_both(texts)
            alone = measured_rows(of_encoder, texts, true, metadata.calibration, custom)
        else:
            scores = model.scorer_for(combination).score(texts)
        precision = model.numeric_precision
        checked = _check_behaviour(model, texts, combination) if behaviour else None
    measured = measured_rows(scores, texts, true, model.calibration_for(combination), custom)
    groups = slices_of(scores, measured) | given
    if wrong := [name for name, column in groups.items() if len(column) != len(true)]:
        raise DataError(f"the slices {list_values(wrong)} do not fit", expected=f"{len(true):,} values each")
    report = full_report(
        measured,
        names=model.labels,
        seen=seen.known(texts) if seen else None,
        groups=groups,
        train=None if train is None else _both_labels("train", train, model),
        validation=None if validation is None else _both_labels("validation", validation, model),
        encoder_alone=alone,
    ).with_labels_read_as(read_as)
    report = replace(report, behaviour=checked)
    errors = (report.unseen or report).confident_errors(count=explained_errors)
    explanations = {error.row: model.explain(texts[error.row - 1]) for error in errors}
    for warning in filter(None, (report.flipped_warning(), report.seen_warning())):
        warnings.warn(warning, stacklevel=3)  # at the call of `evaluate`
    provenance = metadata.background()._replace(explanations=explanations)
    if (held_out := model.artifact.held_out) and combination == "encoder":
        provenance = provenance._replace(promises=usual_promises(held_out, threshold=model.threshold))
    return with_provenance(report, provenance, numeric_precision=precision)


def _check_behaviour(model: OpenedModel, texts: Texts, combination: Combination) -> BehaviourReport:
    scorer = model.scorer_for(combination)
    return behaviour_for_report(
        texts,
        lambda changed: scorer.score(list(changed)).probabilities[:, 1],
        labels=model.labels,
        threshold=model.calibration_for(combination).threshold,
    )


def _both_labels(name: str, given: object, model: OpenedModel) -> Labelled:
    """Return the texts and labels of the argument `name`; DataError if they are not both, or of one label."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise DataError(f"{name} must be texts and labels", found=quote(given), hint=f"{name}=(texts, labels)")
    texts = model.check_texts(given[0])
    labels, _ = match_labels(given[1], model.artifact.metadata.labels, rows=len(texts))
    if len(set(labels)) == 1:
        found, expected = f"only {cut(model.labels[labels[0]])}", f"both {' and '.join(map(cut, model.labels))}"
        raise DataError(f"{name} has one label only", found=found, expected=expected)
    return Labelled(texts, labels)

"""Full evaluation reports with intervals, baselines, slices and curves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.labels import Labelled
from imdb_sentiment.evaluation.baseline import MAJORITY, HeldOutBaselines, baseline_probabilities
from imdb_sentiment.evaluation.bootstrap import SEED, intervals_of, resampled_metrics
from imdb_sentiment.evaluation.calibration import reliability
from imdb_sentiment.evaluation.comparison import compare_resampled
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.evaluation.slices import measure_slices
from imdb_sentiment.evaluation.thresholds import Goal, choose_threshold
from imdb_sentiment.reporting.curves import Coverage, Curves, Histogram, Ranking, Thresholds
from imdb_sentiment.results.background import ModelProvenance
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.evaluation import BaselineReport, EvaluationReport
from imdb_sentiment.results.measured import MeasuredRows
from imdb_sentiment.results.metrics import Counts, metrics_of_counts
from imdb_sentiment.runtime.process_wide import WARNINGS_LOCK

__all__ = ["full_report", "metrics_of", "with_provenance"]

_THRESHOLDS = 201
_BINS = 20


def full_report(
    measured: MeasuredRows,
    *,
    names: tuple[str, str],
    seen: Sequence[bool] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    train: Labelled | None = None,
    validation: Labelled | None = None,
    held_out: HeldOutBaselines | None = None,
    encoder_alone: MeasuredRows | None = None,
) -> EvaluationReport:
    """Evaluate rows; if the model was trained on some of them, evaluate the others separately too.

    Args:
        measured: Rows with their texts.
        names: Names of the two labels.
        seen: Whether each of the n texts was used in training; None if unknown.
        groups: For each grouping, such as `length`, each row's value.
        train: The model's training rows, to fit baselines on; None if not available.
        validation: The rows on which the model's threshold was chosen for a goal; the baselines' thresholds are chosen
            on them too. Without them the baselines stay at 0.5, and their labels are not compared with the model's.
        held_out: Used instead of `validation` if rows were held out in folds. Without `train`, these are the measured
            rows.
        encoder_alone: The same rows by the encoder alone, if they are measured of an ensemble.
    """
    others = _baselines(measured, train, validation, held_out, names=names)
    groups = groups or {}
    train_rows = len(train.texts) if train else None
    report = _report(measured, others, train_rows=train_rows, names=names, groups=groups, encoder_alone=encoder_alone)
    if seen is None:
        return report
    unseen = None
    new = ~np.asarray(seen, dtype=bool)
    if new.any() and not new.all():
        unseen = _report(
            measured.where(new.tolist()),
            {name: rows.where(new.tolist()) for name, rows in others.items()},
            train_rows=train_rows,
            names=names,
            groups={name: [*compress(column, new)] for name, column in groups.items()},
            encoder_alone=encoder_alone.where(new.tolist()) if encoder_alone else None,
        )
    return replace(report, seen_rows=int((~new).sum()), unseen=unseen)


def metrics_of(measured: MeasuredRows, *, names: tuple[str, str]) -> EvaluationReport:
    """Compute metrics and curves without intervals, which take most of the time."""
    both = np.stack([1 - measured.positive, measured.positive], axis=1)
    report = measure(both, measured.labels, names=names, threshold=measured.threshold, metrics=measured.metrics)
    return replace(
        report,
        goal=measured.goal,
        goal_reached=measured.goal_reached,
        measured=measured,
        curves=_curves_of(measured),
    )


def with_provenance(
    report: EvaluationReport, background: ModelProvenance, *, numeric_precision: str | None
) -> EvaluationReport:
    """Add the model's provenance to a report and to that of its unseen rows.

    Args:
        report: The report.
        background: The model's provenance.
        numeric_precision: Precision that it computed in.
    """
    fields: dict[str, Any] = {
        "background": background,
        "numeric_precision": numeric_precision,
        "kept_epoch": background.kept_epoch,
        "kept_because": background.kept_because,
    }
    return replace(report, **fields, unseen=replace(report.unseen, **fields) if report.unseen else None)


def _baselines(
    measured: MeasuredRows,
    train: Labelled | None,
    validation: Labelled | None,
    held_out: HeldOutBaselines | None,
    *,
    names: tuple[str, str],
) -> dict[str, MeasuredRows]:
    """Return each baseline's predictions, with a threshold chosen like the model's."""
    count, goal = len(measured.texts), measured.goal
    if train is None:
        scores = held_out.positive if held_out else {}
    else:
        validation = validation if goal and not held_out else None
        both = baseline_probabilities(train, [*measured.texts, *(validation.texts if validation else ())])
        scores = {name: positive[:count] for name, positive in both.items()}
        if validation:
            held_out = HeldOutBaselines({n: positive[count:] for n, positive in both.items()}, validation.labels)
    baselines = {}
    for name, positive in scores.items():
        rows = measured._replace(positive=positive)
        if goal and held_out:
            threshold, reached = choose_threshold(Goal.of(goal), held_out.positive[name], held_out.labels)
            rows = rows._replace(threshold=threshold, goal_reached=reached)
        elif goal:
            rows = rows._replace(threshold=0.5, goal=None, goal_reached=True)
        if name == MAJORITY and (positive[0] > rows.threshold) != (positive[0] > 0.5):
            name = f"always {names[int(positive[0] > rows.threshold)]}"  # a goal may favour the rarer label
        baselines[name] = rows
    return baselines


def _report(
    measured: MeasuredRows,
    others: Mapping[str, MeasuredRows],
    *,
    train_rows: int | None,
    names: tuple[str, str],
    groups: Mapping[str, Sequence[str]],
    encoder_alone: MeasuredRows | None,
) -> EvaluationReport:
    """Compute a full report; `others` has each baseline's predictions."""
    report = metrics_of(measured, names=names)
    resampled = resampled_metrics(measured, seed=SEED)

    def beside(name: str, rows: MeasuredRows, train_rows: int | None) -> BaselineReport:
        other = metrics_of(rows, names=names)
        comparison = compare_resampled(other, report, resampled_metrics(rows, seed=SEED), resampled)
        return BaselineReport(name=name, report=other, comparison=comparison, train_rows=train_rows)

    return replace(
        report,
        intervals=_around(report, intervals_of(measured, resampled)),
        baselines=tuple(beside(name, rows, train_rows) for name, rows in others.items()),
        encoder_alone=beside("the encoder alone", encoder_alone, None) if encoder_alone else None,
        slices=measure_slices(groups, measured),
    )


def _around(report: EvaluationReport, ends: Mapping[str, Interval]) -> dict[str, Interval]:
    intervals = {}
    for name, (low, high) in ends.items():
        value = report.value_of(name)
        if low < high and value is not None:  # or the rows do not determine the uncertainty
            intervals[name] = Interval(min(low, value), max(high, value))
    return intervals


@WARNINGS_LOCK
def _curves_of(measured: MeasuredRows) -> Curves:
    """Compute all curves."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    ranking = None
    if 0 < measured.labels.sum() < len(measured.labels):
        false, true, _ = roc_curve(measured.labels, measured.positive)
        precision, recall, _ = precision_recall_curve(measured.labels, measured.positive, drop_intermediate=True)
        ranking = Ranking(false, true, recall, precision)
    return Curves(
        reliability(measured.positive, measured.labels),
        _histogram(measured),
        ranking,
        _threshold_curve(measured),
        _coverage_curve(measured),
    )


def _histogram(measured: MeasuredRows) -> Histogram:
    edges = np.linspace(0, 1, _BINS + 1)
    negative, positive = (np.histogram(measured.positive[measured.labels == label], edges)[0] for label in (0, 1))
    return Histogram(edges, negative, positive)


def _threshold_curve(measured: MeasuredRows) -> Thresholds:
    """Return precision, recall and F1 at thresholds from 0 to 1."""
    cuts = np.linspace(0, 1, _THRESHOLDS)

    def above(label: int) -> NDArray[np.float64]:
        ordered = np.sort(measured.positive[measured.labels == label])
        return len(ordered) - np.searchsorted(ordered, cuts, side="right").astype(np.float64)

    fp, tp = above(0), above(1)
    positives = measured.labels.sum()
    metrics = metrics_of_counts(Counts(len(measured.labels) - positives - fp, fp, positives - tp, tp))
    precision = np.where(fp + tp > 0, metrics["precision"], np.nan)
    return Thresholds(cuts, precision, metrics["recall"], metrics["f1"])


def _coverage_curve(measured: MeasuredRows) -> Coverage:
    """Return accuracy by coverage, with one point per distinct confidence.

    Source: El-Yaniv and Wiener, On the Foundations of Noise-free Selective Classification (2010).
    """
    order = np.argsort(-measured.confidence, kind="stable")
    confidence, correct = measured.confidence[order], measured.correct[order]
    last = np.flatnonzero(np.diff(confidence, append=-1.0))  # rows with equal confidence stay together
    kept = last + 1
    return Coverage(confidence[last], kept / len(confidence), np.cumsum(correct)[last] / kept)

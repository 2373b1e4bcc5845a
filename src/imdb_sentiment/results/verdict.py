"""The conclusions of an evaluation report in sentences."""

from typing import Any

from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.comparison import Ranking
from imdb_sentiment.results.slices import slice_sentences
from imdb_sentiment.runtime.messages import quote

__all__ = ["baseline_verdict", "baselines_caveat", "one_label_warning", "verdict_of"]

_MIN_MISSED = 3
"""Rows of the other label; a good model may miss one or two."""


def verdict_of(report: Any) -> list[str]:
    """Return the conclusions of an `EvaluationReport`, the most important first; see its method `verdict`."""
    shown = report.unseen or report
    intervals = shown.intervals or {}
    correct = sum(shown.confusion_matrix[i][i] for i in (0, 1))
    accuracy = f"{correct:,} of {shown.rows:,} rows are predicted correctly, {correct / shown.rows:.1%}"
    if interval := intervals.get("accuracy"):
        accuracy += f" (95 % interval {interval.low:.1%} to {interval.high:.1%})"
    without_it = ", each by a model that was trained without it" if shown.cross_validated else ""
    sentences = [f"{accuracy}{without_it}."]
    if report.unseen:
        sentences.append(
            f"{report.seen_rows:,} more rows are left out: the model was trained or its best epoch chosen on them."
        )
    sentences += [f"Careful: {warning}." for warning in shown.warnings()]
    if shown.background:
        sentences += [f"When it was trained: {warning}." for warning in shown.background.warnings]
    gain = f"The ensemble: {shown.encoder_alone.verdict_by_log_loss}" if shown.encoder_alone else None
    more = [gain, *(baseline.verdict for baseline in shown.baselines), shown.baselines_caveat()]
    sentences += [f"{sentence[0].upper()}{sentence[1:]}." for sentence in filter(None, more)]
    if interval := intervals.get("expected_calibration_error"):
        off = f"{shown.expected_calibration_error:.1%} on average ({interval.low:.1%} to {interval.high:.1%})"
        calibrated = "Its probabilities are calibrated, as far as these rows can tell."
        sentences.append(f"Its probabilities are off by {off}." if interval.low else calibrated)
    return sentences + slice_sentences(shown.slices, shown.accuracy)


def one_label_warning(report: Any) -> str | None:
    """Warn if an `EvaluationReport` has all rows predicted as one label although both occur."""
    (tn, fp), (fn, tp) = report.confusion_matrix
    if min(tn + fp, fn + tp) < _MIN_MISSED or min(tn + fn, fp + tp) > 0:
        return None
    label = report.labels[tn + fn == 0]
    return (
        f"the model predicts {quote(label)} for all {count_rows(report.rows)}, no better than the share of that "
        "label; train on more rows, of the rarer label above all, or choose a threshold for a goal"
    )


def baselines_caveat(report: Any) -> str | None:
    """Return a caveat about the comparison of an `EvaluationReport` with its baselines, if any."""
    if report.background is None:
        return None
    if not report.baselines:
        return "not compared with simpler models, as the rows that the model was trained on were not available"
    fitted, trained = report.baselines[0].train_rows, report.background.train_rows
    if fitted is None or trained is None or fitted >= trained:
        return None
    return f"the simpler models were fitted on {fitted:,} of the model's {trained:,} training rows, those available"


def baseline_verdict(baseline: Any, ranking: Ranking | None) -> str:
    """Say whether the model beats the baseline of a `BaselineReport`, by accuracy and by a threshold-free metric."""
    comparison, report = baseline.comparison, baseline.report
    beats = comparison.differences["accuracy"].value > 0
    word = ("better" if beats else "WORSE") if comparison.beyond_chance else "NOT better"
    at = "" if report.threshold == 0.5 else f", both at the threshold {report.threshold:g}"
    at = f", both at {report.goal}" if report.goal else at
    unlike: str | None = comparison.unlike(baseline.name, "this model")
    sentence = unlike or f"accuracy {word} than {baseline.name}: {comparison.evidence()}{at}"
    if ranking:
        word = ("NOT better", "better", "WORSE")[ranking.sign] + (f" than {baseline.name}" if unlike else "")
        sentence += f"; {ranking.metric} {word}: {ranking.evidence}"
    return sentence

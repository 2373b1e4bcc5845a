"""The conclusions of an evaluation report in sentences."""

from typing import Any, NamedTuple

from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.comparison import Ranking
from imdb_sentiment.results.slices import slice_sentences
from imdb_sentiment.runtime.messages import quote

__all__ = [
    "Conclusion",
    "baseline_verdict",
    "baselines_caveat",
    "conclusions_of",
    "one_label_warning",
    "verdict_of",
]

_MIN_MISSED = 3
"""Rows of the other label; a good model may miss one or two."""


class Conclusion(NamedTuple):
    """One sentence of a verdict."""

    sentence: str
    is_bad: bool = False
    """Whether it is a reason not to use the model, or not to believe the metrics."""


def verdict_of(report: Any) -> list[Conclusion]:
    """Return all conclusions of an `EvaluationReport`, the most important first."""
    shown = report.unseen or report
    slices = slice_sentences(shown.slices, shown.accuracy)
    return [*conclusions_of(report), *(Conclusion(sentence) for sentence in slices)]


def conclusions_of(report: Any) -> list[Conclusion]:
    """Return the conclusions on all rows of an `EvaluationReport`, which quote no value of a column, the bad first."""
    shown = report.unseen or report
    intervals = shown.intervals or {}
    conclusions = [Conclusion(_accuracy(shown))]
    if report.unseen:
        left_out = (
            f"{report.seen_rows:,} more rows are left out: the model was trained or its best epoch chosen on them."
        )
        conclusions.append(Conclusion(left_out))
    conclusions += [Conclusion(f"Careful: {warning}.", is_bad=True) for warning in shown.warnings()]
    if shown.background:
        conclusions += [Conclusion(f"When it was trained: {warning}.") for warning in shown.background.warnings]
    if shown.encoder_alone:
        conclusions.append(Conclusion(f"The ensemble: {shown.encoder_alone.verdict_by_log_loss}."))
    for baseline in shown.baselines:
        conclusions.append(Conclusion(_sentence(baseline.verdict), is_bad=not baseline.is_beaten))
    if caveat := shown.baselines_caveat():
        conclusions.append(Conclusion(_sentence(caveat)))
    if interval := intervals.get("expected_calibration_error"):
        off = f"{shown.expected_calibration_error:.1%} on average ({interval.low:.1%} to {interval.high:.1%})"
        calibrated = "Its probabilities are calibrated, as far as these rows can tell."
        conclusions.append(Conclusion(f"Its probabilities are off by {off}." if interval.low else calibrated))
    if report.behaviour and (weak := report.behaviour.weaknesses()):
        conclusions.append(Conclusion(f"Behaviour: {weak[0].says(shown.labels)}."))
    return sorted(conclusions, key=lambda conclusion: not conclusion.is_bad)


def _accuracy(report: Any) -> str:
    correct = sum(report.confusion_matrix[i][i] for i in (0, 1))
    sentence = f"{correct:,} of {report.rows:,} rows are predicted correctly, {correct / report.rows:.1%}"
    if interval := (report.intervals or {}).get("accuracy"):
        sentence += f" (95 % interval {interval.low:.1%} to {interval.high:.1%})"
    return f"{sentence}{', each by a model that was trained without it' if report.cross_validated else ''}."


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


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

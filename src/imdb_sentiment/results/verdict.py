"""The conclusions of an evaluation report in sentences."""

from typing import Any

from imdb_sentiment.results.slices import slice_sentences

__all__ = ["verdict_of"]


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
    more = [*(baseline.verdict for baseline in shown.baselines), *filter(None, [shown.baselines_caveat()])]
    sentences += [f"{sentence[0].upper()}{sentence[1:]}." for sentence in more]
    if interval := intervals.get("expected_calibration_error"):
        off = f"{shown.expected_calibration_error:.1%} on average ({interval.low:.1%} to {interval.high:.1%})"
        calibrated = "Its probabilities are calibrated, as far as these rows can tell."
        sentences.append(f"Its probabilities are off by {off}." if interval.low else calibrated)
    return sentences + slice_sentences(shown.slices, shown.accuracy)

"""What a report comes to, in a few sentences that a reader meets first."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imdb_sentiment.results import EvaluationReport

__all__ = ["baselines_caveat", "verdict_of"]


def verdict_of(report: "EvaluationReport") -> list[str]:
    """Return the sentences, the most important first; of the unseen rows alone where there are others too."""
    whole, report = report, report.unseen or report
    said = [_accuracy(report)]
    if whole.unseen:
        said.append(
            f"{whole.seen_rows:,} more rows are left out: the model was trained or its best epoch chosen on them."
        )
    said += [f"Careful: {warning}." for warning in report.warnings()]
    if report.background:
        said += [f"When it was trained: {warning}." for warning in report.background.warnings]
    said += [f"{baseline.verdict[0].upper()}{baseline.verdict[1:]}." for baseline in report.baselines]
    if caveat := baselines_caveat(report):
        said.append(f"{caveat[0].upper()}{caveat[1:]}.")
    said += _calibration(report)
    for part in report.slices:
        if part.beyond_chance and part.accuracy < report.accuracy and part.grouping != "confidence":
            said.append(
                f"Less accurate where {part.grouping} is {part.name}: {part.accuracy:.1%} of {part.rows:,} rows, "
                "beyond chance."
            )
    return said


def baselines_caveat(report: "EvaluationReport") -> str | None:
    """Say what to keep in mind of the comparison with simpler models, or that there is none."""
    if report.background is None:
        return None
    if not report.baselines:
        return "not compared with simpler models, as the rows that the model was trained on were not at hand"
    fitted, trained = report.baselines[0].train_rows, report.background.train_rows
    if fitted is None or trained is None or fitted >= trained:
        return None
    return f"the simpler models were fitted on {fitted:,} of the model's {trained:,} training rows, those at hand"


def _accuracy(report: "EvaluationReport") -> str:
    right = sum(report.confusion_matrix[i][i] for i in (0, 1))
    sentence = f"{right:,} of {report.rows:,} rows are predicted right, {report.accuracy:.1%}"
    if interval := (report.intervals or {}).get("accuracy"):
        sentence += f" (95 % interval {interval.low:.1%} to {interval.high:.1%})"
    return f"{sentence}, each by a model that was trained without it." if report.cross_validated else f"{sentence}."


def _calibration(report: "EvaluationReport") -> list[str]:
    interval = (report.intervals or {}).get("expected_calibration_error")
    if interval is None:
        return []
    if interval.low == 0:
        return ["Its probabilities mean what they say, as far as these rows can tell."]
    error = report.expected_calibration_error
    return [f"Its probabilities are off by {error:.1%} on average ({interval.low:.1%} to {interval.high:.1%})."]

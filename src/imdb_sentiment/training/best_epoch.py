"""Selection of the best epoch."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["CALIBRATED_LOG_LOSS", "STANDARD_ERROR", "BestEpochMetric", "choose_metric"]

CALIBRATED_LOG_LOSS = "calibrated_log_loss"
"""Log loss after temperature scaling, as it is applied to the kept epoch. Uncalibrated log loss prefers early epochs,
since models become overconfident as they train."""

STANDARD_ERROR = "standard_error"
"""Standard error of the requested metric."""


class BestEpochMetric(NamedTuple):
    """Metric that selects the best evaluation: log loss, or log loss among near ties of another metric."""

    name: str
    """A field of `EvaluationReport`, or `CALIBRATED_LOG_LOSS`."""

    @property
    def greater_is_better(self) -> bool:
        """Return whether a higher value is better."""
        return self.name != CALIBRATED_LOG_LOSS

    @property
    def reason(self) -> str:
        """Return why the best epoch was kept."""
        if self.name == CALIBRATED_LOG_LOSS:
            return "lowest calibrated log loss on validation"
        return f"lowest calibrated log loss within one standard error of the highest {self.name}"

    def since_best(self, log: Iterable[Mapping[str, Any]]) -> int:
        """Count the evaluations in a Trainer's log after the best one.

        The best evaluation is the first with the lowest log loss. With another metric, only evaluations within one
        standard error of its highest value are candidates. Selection is sequential, since only the best weights are
        kept: a candidate replaces the best evaluation if its log loss is lower, or if the best one is no longer a
        candidate.
        """
        evaluations = [entry for entry in log if f"eval_{CALIBRATED_LOG_LOSS}" in entry]
        return len(evaluations) - 1 - self._best_of(evaluations) if evaluations else 0

    def _best_of(self, evaluations: Sequence[Mapping[str, Any]]) -> int:
        losses = [entry[f"eval_{CALIBRATED_LOG_LOSS}"] for entry in evaluations]
        if self.name == CALIBRATED_LOG_LOSS:
            return losses.index(min(losses))
        values = [entry[f"eval_{self.name}"] for entry in evaluations]
        best = highest = 0
        for index, value in enumerate(values):
            highest = max(highest, index, key=values.__getitem__)
            floor = values[highest] - evaluations[highest][f"eval_{STANDARD_ERROR}"]
            if value >= floor and (losses[index] < losses[best] or values[best] < floor):
                best = index
        return best


def choose_metric(name: str) -> BestEpochMetric:
    """Return the metric for a value of `FineTuneConfig.metric_for_best_model`."""
    return BestEpochMetric(CALIBRATED_LOG_LOSS if name in ("auto", "log_loss") else name)

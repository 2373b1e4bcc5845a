"""Which evaluation of a run is the best one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["CALIBRATED_LOG_LOSS", "STANDARD_ERROR", "BestEpochMetric", "choose_metric"]

CALIBRATED_LOG_LOSS = "calibrated_log_loss"
"""Log loss of an evaluation once a temperature is fitted to it, as it will be to the kept epoch. Uncalibrated, log loss
prefers early epochs, since models become too sure of themselves as they train."""

STANDARD_ERROR = "standard_error"
"""Standard error of the metric that was asked for."""


class BestEpochMetric(NamedTuple):
    """What decides which evaluation is best: log loss, alone or among those that another metric cannot tell apart."""

    name: str
    """Of a field of `EvaluationReport`, or `CALIBRATED_LOG_LOSS`."""

    @property
    def greater_is_better(self) -> bool:
        """Whether a higher value is better."""
        return self.name != CALIBRATED_LOG_LOSS

    @property
    def reason(self) -> str:
        """Why an epoch that is the best was kept."""
        if self.name == CALIBRATED_LOG_LOSS:
            return "lowest calibrated log loss on validation"
        return f"lowest calibrated log loss within one standard error of the highest {self.name}"

    def since_best(self, log: Iterable[Mapping[str, Any]]) -> int:
        """Count the evaluations in a Trainer's log after the best one.

        The best one has the lowest log loss, and is the first of equals. Where another metric was asked for, only those
        count of which it is at most one standard error below the highest. They are compared as they come, since the
        weights of the best one alone are kept: a new one that counts takes the place of the best one if its log loss is
        lower, or if the best one counts no more, as the new one is so much higher.
        """
        evaluations = [entry for entry in log if f"eval_{CALIBRATED_LOG_LOSS}" in entry]
        return len(evaluations) - 1 - self._best_of(evaluations) if evaluations else 0

    def _best_of(self, evaluations: Sequence[Mapping[str, Any]]) -> int:
        losses = [entry[f"eval_{CALIBRATED_LOG_LOSS}"] for entry in evaluations]
        if self.name == CALIBRATED_LOG_LOSS:
            return losses.index(min(losses))
        values = [entry[f"eval_{self.name}"] for entry in evaluations]
        best = highest = 0
        for place, value in enumerate(values):
            highest = max(highest, place, key=values.__getitem__)
            floor = values[highest] - evaluations[highest][f"eval_{STANDARD_ERROR}"]
            if value >= floor and (losses[place] < losses[best] or values[best] < floor):
                best = place
        return best


def choose_metric(asked: str) -> BestEpochMetric:
    """Return what decides for a value of `FineTuneConfig.metric_for_best_model`."""
    return BestEpochMetric(CALIBRATED_LOG_LOSS if asked in ("auto", "log_loss") else asked)

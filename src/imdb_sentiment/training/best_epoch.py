"""Which evaluation of a run is the best one."""

from collections.abc import Iterable, Mapping
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
            return "lowest log loss on validation"
        return f"highest {self.name} on validation, with the lowest log loss within its standard error"

    def since_best(self, log: Iterable[Mapping[str, Any]]) -> int:
        """Count the evaluations in a Trainer's log after the best one.

        An evaluation takes the place of the best one so far if its log loss is lower and, where another metric was
        asked for, that is at most one standard error worse; or if that metric is more than one standard error better.
        """
        evaluations = [entry for entry in log if f"eval_{CALIBRATED_LOG_LOSS}" in entry]
        best = 0
        for place in range(1, len(evaluations)):
            if self._is_better(evaluations[place], evaluations[best]):
                best = place
        return max(len(evaluations) - 1 - best, 0)

    def _is_better(self, new: Mapping[str, Any], best: Mapping[str, Any]) -> bool:
        lower_loss = new[f"eval_{CALIBRATED_LOG_LOSS}"] < best[f"eval_{CALIBRATED_LOG_LOSS}"]
        if self.name == CALIBRATED_LOG_LOSS:
            return bool(lower_loss)
        gain = new[f"eval_{self.name}"] - best[f"eval_{self.name}"]
        error = new[f"eval_{STANDARD_ERROR}"]
        return bool(gain > error or (lower_loss and gain >= -error))


def choose_metric(asked: str) -> BestEpochMetric:
    """Return what decides for a value of `FineTuneConfig.metric_for_best_model`."""
    return BestEpochMetric(CALIBRATED_LOG_LOSS if asked in ("auto", "log_loss") else asked)

"""Which validation metric decides which epoch is best."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

__all__ = ["BALANCED_FROM", "BestEpochMetric", "choose_metric"]

BALANCED_FROM = 0.4
"""Share of the training rows from which the rarer label is not called rare."""


class BestEpochMetric(NamedTuple):
    """A validation metric, by its name in `EvaluationReport`."""

    name: str

    greater_is_better: bool

    reason: str
    """Why an epoch that is the best by it was kept."""

    def since_best(self, log: Iterable[Mapping[str, Any]]) -> int:
        """Count the evaluations in a Trainer's log after the best one.

        Of equals, which are frequent where rows are few, that with the lowest log loss is best, and then the first.
        """
        sign = 1 if self.greater_is_better else -1
        key = f"eval_{self.name}"
        values = [(sign * entry[key], -entry["eval_log_loss"]) for entry in log if key in entry]
        return len(values) - 1 - values.index(max(values)) if values else 0


def choose_metric(asked: str, train_rows: Mapping[str, int]) -> BestEpochMetric:
    """Return the metric that was asked for, or for `auto` the one that suits the training rows.

    Args:
        asked: `FineTuneConfig.metric_for_best_model`.
        train_rows: Number of training rows of each label.
    """
    rarer = min(train_rows, key=lambda label: train_rows[label])
    share = train_rows[rarer] / sum(train_rows.values())
    name, why = asked, ""
    if asked == "auto" and share >= BALANCED_FROM:
        name = "f1"
    elif asked == "auto":
        name, why = "matthews_correlation", f", as {rarer} makes up {100 * share:.2g} % of the training rows"
    greater_is_better = name != "log_loss"
    return BestEpochMetric(
        name, greater_is_better, f"{'highest' if greater_is_better else 'lowest'} {name} on validation{why}"
    )

"""Results of a search for settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from imdb_sentiment.config import FineTuneConfig
from imdb_sentiment.errors import count_rows
from imdb_sentiment.reporting.fragment import Fragment
from imdb_sentiment.reporting.tables import Table
from imdb_sentiment.results.base import Record, restore
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.results.metrics import label_of
from imdb_sentiment.results.tables import wrap
from imdb_sentiment.runtime.messages import quote, visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SearchReport", "TrialResult"]

_SHOWN = 10
_STATES = ("finished", "pruned", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult(Record):
    """One trial of a search."""

    number: int
    """Number of the trial, from 1."""

    state: Literal["finished", "pruned", "failed"]
    """`pruned` if it was stopped after an evaluation at which most other trials were better."""

    settings: Mapping[str, Any]
    """Values of the fields that the search varies."""

    value: float | None = None
    """The metric on the held-out rows; for a pruned trial, at its last evaluation; None if it failed."""

    accuracy: float | None = None
    """Accuracy on the held-out rows; None unless it finished."""

    log_loss: float | None = None
    """Mean log loss on the held-out rows, in nats; None unless it finished."""

    seconds: float | None = None
    """Wall-clock seconds of training; None unless it finished."""

    reason: str | None = None
    """Why it failed."""

    def __str__(self) -> str:
        settings = ", ".join(f"{name} {_short(value)}" for name, value in self.settings.items())
        value = "-" if self.value is None else f"{self.value:.4f}"
        how = {"finished": "", "pruned": " pruned", "failed": " failed"}[self.state]
        line = f"{self.number:>5}  {value:>8}{how}  {settings}"
        if self.reason:
            line += f": {self.reason.splitlines()[0]}"
        return visible("\n".join(wrap(line, rest=" " * 17)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchReport(Record):
    """The trials of a search, the best of them, and its expected performance."""

    metric: str
    """Metric by which trials were compared on the held-out rows; for a user's own metric, higher is better."""

    trials: tuple[TrialResult, ...]
    """The trials, in order."""

    best: int
    """Number of the best trial."""

    best_config: FineTuneConfig
    """The configuration of the best trial."""

    held_out: int
    """Number of rows that each trial was measured on."""

    cross_validated: bool
    """Whether these are the training rows, each held out once, instead of a validation split."""

    best_value: float
    """The metric of the best trial on the held-out rows. It is too good, because the trial was chosen by it."""

    corrected_value: float | None
    """The metric to expect on new rows, without the gain from choosing; see `search`. None with too few rows."""

    corrected_interval: Interval | None
    """95 % interval of `corrected_value`."""

    test: EvaluationReport | None
    """The best model on the test split, by which nothing was chosen; None if there is no test split."""

    model: str
    """Folder of the best model."""

    notes: tuple[str, ...] = ()
    """Remarks on the search."""

    @property
    def optimism(self) -> float | None:
        """How much better `best_value` is than `corrected_value`; positive if it is too good, whatever the metric."""
        if self.corrected_value is None:
            return None
        difference = self.best_value - self.corrected_value
        return -difference if self.metric == "log_loss" else difference

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas frame with one row per trial, in their order.

        Its columns are `number` and `state`, the fields that were varied, and `value`, `accuracy`, `log_loss`,
        `seconds` and `reason`.
        """
        import pandas as pd

        rows = []
        for trial in self.trials:
            plain = trial.to_dict()
            settings = plain.pop("settings")
            rows.append({"number": plain.pop("number"), "state": plain.pop("state"), **settings, **plain})
        return pd.DataFrame(rows)

    def _fragment(self) -> Fragment:
        label = label_of(self.metric, "")
        varied = [*self.trials[0].settings]
        table = [["trial", label, "state", *varied]]
        for trial in self._by_value():
            value = "-" if trial.value is None else f"{trial.value:.4f}"
            table.append([f"{trial.number}", value, trial.state, *(_short(trial.settings[name]) for name in varied)])
        folded = [self.test._fragment()._replace(name="Test split, read once")] if self.test else []
        return Fragment(
            "Search",
            [*self._verdict(label), *self.notes],
            tables=[Table("Trials, the best first", table)],
            folded=folded,
        )

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "SearchReport":
        """Create a report from the result of `to_dict`."""
        report: SearchReport = restore(cls, {**plain, "best_config": FineTuneConfig(**plain["best_config"])})
        return report

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types."""
        plain = Record.to_dict(self)
        test = self.test.to_dict() if self.test else None
        return plain | {
            "best_config": self.best_config.model_dump(mode="json"),
            "optimism": self.optimism,
            "test": test,
        }

    def __str__(self) -> str:
        label = label_of(self.metric, "")
        count = {state: sum(trial.state == state for trial in self.trials) for state in _STATES}
        counts = ", ".join(f"{number} {state}" for state, number in count.items() if number)
        lines = [f"trial  {label}", *(str(trial) for trial in self._by_value()[:_SHOWN])]
        if more := len(self.trials) - _SHOWN:
            lines += [f"  and {more} more; see to_frame()"] if more > 0 else []
        lines += wrap(f"{len(self.trials)} trials: {counts}")
        lines += ["", *(line for sentence in self._verdict(label) for line in wrap(sentence))]
        if self.test:
            lines += ["", "Test split, read once:", str(self.test)]
        else:
            lines += wrap("no test split was set aside: the corrected value is what is known of new rows")
        return visible("\n".join([*lines, *(line for note in self.notes for line in wrap(f"note: {note}"))]))

    def _by_value(self) -> list[TrialResult]:
        """Return the trials, the best first and the failed last."""
        sign = 1 if self.metric == "log_loss" else -1
        return sorted(self.trials, key=lambda trial: (_STATES.index(trial.state), sign * (trial.value or 0.0)))

    def _verdict(self, label: str) -> list[str]:
        rows = f"{count_rows(self.held_out)} held out" + (" in turn" if self.cross_validated else "")
        settings = next(trial.settings for trial in self.trials if trial.number == self.best)
        sentences = [
            f"best: trial {self.best}, {', '.join(f'{k} {_short(v)}' for k, v in settings.items())}",
            f"{label} on {rows}: {self.best_value:.4f}",
        ]
        if self.corrected_value is None or self.corrected_interval is None or self.optimism is None:
            return [*sentences, "too few rows to estimate the selection bias"]
        low, high = self.corrected_interval
        bias = f"selection bias about {self.optimism:.4f}" if self.optimism > 0 else "no selection bias found"
        corrected = f"corrected for choosing the best: {self.corrected_value:.4f} ({low:.4f} to {high:.4f}); {bias}"
        return [*sentences, corrected]


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return value if isinstance(value, str) and value.isprintable() and len(value) <= 40 else quote(value)

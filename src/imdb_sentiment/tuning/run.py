"""A search under way: its folder, its study, its trials one by one, and the best model at the end."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imdb_sentiment.config import NON_TRAINING_FIELDS, DataConfig, FineTuneConfig
from imdb_sentiment.config.yaml_file import save_config
from imdb_sentiment.errors import ImdbSentimentError, InputError, TrainingInterruptedError
from imdb_sentiment.evaluation.selection import correct_for_choice, value_of
from imdb_sentiment.finetuner import SentimentFineTuner
from imdb_sentiment.results.metrics import CustomMetrics
from imdb_sentiment.results.search import SearchReport, TrialResult
from imdb_sentiment.runtime.files import make_folder, write_json
from imdb_sentiment.runtime.messages import Advice, Either
from imdb_sentiment.tuning.process import error_of, run_in_process, terminated_as_interrupted
from imdb_sentiment.tuning.rows import held_out_labels, save_rows
from imdb_sentiment.tuning.space import combinations, require_optuna
from imdb_sentiment.tuning.study import next_trial, number_ended, open_study, try_first
from imdb_sentiment.tuning.trial import CHECKPOINTS, JOB, held_out_after, trial_scores

if TYPE_CHECKING:
    import numpy as np
    import optuna
    from numpy.typing import NDArray

    from imdb_sentiment.data.data_like import DataSplits

__all__ = ["SearchRun"]

_STUDY, _REPORT, _MODEL, _BEST = "study.db", "report.json", "model", "best.yaml"
_REASON = "reason"


class SearchRun:
    """A search under way.

    Args:
        rows: Rows in memory; None for the source of `data_config`.
        data_config: The data, with a fixed way to hold rows out.
        config: The fields that do not vary.
        splits: The rows.
        space: The distributions of the fields that vary.
        metric: What the best trial is chosen by.
        metrics: The user's metrics; the processes of trials never call them.
        folder: Folder of the search.
    """

    def __init__(
        self,
        rows: Any,
        data_config: DataConfig,
        config: FineTuneConfig,
        splits: "DataSplits",
        space: Mapping[str, Any],
        metric: str,
        metrics: CustomMetrics,
        folder: Path,
    ) -> None:
        self._rows, self._data_config, self._config, self._splits = rows, data_config, config, splits
        self._space, self._metric, self._metrics, self._folder = space, metric, metrics, folder
        self._labels = held_out_labels(splits)

    def description(self) -> dict[str, Any]:
        """Return what a search that is resumed has in common with this one, as JSON values."""
        optuna = require_optuna()
        as_json = optuna.distributions.distribution_to_json
        return {
            "metric": self._metric,
            "space": {name: json.loads(as_json(kind)) for name, kind in self._space.items()},
            "data_fingerprint": self._splits.summary.fingerprint,
            "fine_tune_config": self._config.model_dump(mode="json", exclude=NON_TRAINING_FIELDS),
        }

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Put the rows where trials read them, and open the study."""
        place = self._folder / "rows"
        save_rows(place, self._splits)
        try:
            with open_study(self._folder / _STUDY, metric=self._metric) as self._study:
                yield
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def run(
        self, trials: int, on_trial: Callable[[TrialResult], None] | None, given: Mapping[str, Any]
    ) -> SearchReport:
        """Run the trials that are missing, and return the report."""
        possible = combinations(self._space)
        wanted = trials if possible is None else min(trials, possible)
        notes = [f"the space has {possible} configurations, and each was tried once"] if possible == wanted else []
        try_first(self._study, {name: given[name] for name in self._space}, self._space)
        before = self._earlier_report()
        if before and len(before.trials) >= wanted:
            return before
        if before and before.test:
            notes.append(
                f"the test split was measured after {len(before.trials)} trials already; a search that goes on because "
                "of what it showed is measured too well"
            )
        while number_ended(self._study) < wanted:
            trial = next_trial(self._study, self._space, seed=self._config.seed)
            with terminated_as_interrupted():
                self._run(trial, wanted)
            if on_trial:
                on_trial(self._result(self._frozen(trial.number)))
        return self._finish(notes)

    def _run(self, trial: "optuna.trial.Trial", wanted: int) -> None:
        """Run one trial, and record what became of it."""
        config = self._config.replace(**trial.params)
        folder = self._folder_of(trial.number)
        make_folder(folder)
        job = {"config": config.model_dump(mode="json"), "rows": str(self._folder / "rows")}
        write_json(folder / JOB, job, overwrite=True)
        reported = set(self._frozen(trial.number).intermediate_values)  # of a trial that was interrupted

        def goes_on(number: int) -> bool:
            if number not in reported:
                trial.report(self._value(held_out_after(folder, number)), number)
            return not trial.should_prune()

        try:
            ended = run_in_process(folder, goes_on)
        except KeyboardInterrupt:
            ended = {"state": "interrupted"}
        if ended["state"] == "interrupted":
            raise self._interrupted(f"in trial {trial.number + 1}", wanted)
        self._record(trial, ended)
        self._discard_losers()

    def _interrupted(self, where: str, wanted: int) -> TrainingInterruptedError:
        return TrainingInterruptedError(
            f"the search was interrupted {where}",
            found=f"{number_ended(self._study)} of {wanted} trials have ended",
            hint=Advice(Either("search(..., resume=True)", "the same command with --resume"), " to resume it"),
        )

    def _record(self, trial: "optuna.trial.Trial", ended: Mapping[str, Any]) -> None:
        states = require_optuna().trial.TrialState
        if ended["state"] == "finished":
            for name in ("accuracy", "log_loss", "seconds"):
                trial.set_user_attr(name, ended[name])
            self._study.tell(trial.number, self._value(held_out_after(self._folder_of(trial.number))))
        elif ended["state"] == "pruned":
            self._study.tell(trial.number, state=states.PRUNED)
        else:
            error = error_of(ended["error"])
            trial.set_user_attr(_REASON, error.summary)
            self._study.tell(trial.number, state=states.FAIL)
            if isinstance(error, InputError) and not self._finished():
                raise error  # as it would be in every other trial

    def _value(self, positive: "NDArray[np.float64]") -> float:
        """Return what trials are compared by, of held-out probabilities of shape (n,)."""
        return value_of(self._metric, positive, self._labels, self._metrics)

    def _finished(self) -> "list[optuna.trial.FrozenTrial]":
        states = require_optuna().trial.TrialState
        return self._study.get_trials(deepcopy=False, states=(states.COMPLETE,))

    def _frozen(self, number: int) -> "optuna.trial.FrozenTrial":
        return self._study.get_trials(deepcopy=False)[number]

    def _folder_of(self, number: int) -> Path:
        return self._folder / "trials" / str(number + 1)

    def _discard_losers(self) -> None:
        """Remove all checkpoints but those of the best trial so far."""
        best = self._study.best_trial.number if self._finished() else None
        for trial in self._study.get_trials(deepcopy=False):
            if trial.state.is_finished() and trial.number != best:
                shutil.rmtree(self._folder_of(trial.number) / CHECKPOINTS, ignore_errors=True)

    def _finish(self, notes: list[str]) -> SearchReport:
        """Build the best model from its checkpoint, measure it, and write the report."""
        ended = [trial for trial in self._study.get_trials(deepcopy=False) if trial.state.is_finished()]
        results = tuple(map(self._result, ended))
        if not self._finished():
            reasons = dict.fromkeys(result.reason for result in results if result.reason)
            raise ImdbSentimentError(
                f"none of the {len(results)} trials finished",
                found="; ".join(reasons),
                hint="another space, such as smaller values of learning_rate and max_length",
            )
        best = self._study.best_trial
        config = self._config.replace(**best.params)
        epochs = [trial_scores(self._folder_of(trial.number), self._config.replace(**trial.params)) for trial in ended]
        corrected = correct_for_choice([*filter(None, epochs)], self._labels, self._metric, self._metrics)
        tuner = SentimentFineTuner(self._data_config, config, output_dir=self._folder_of(best.number) / CHECKPOINTS)
        try:
            tuner.fit(self._rows, resume=True)
        except (TrainingInterruptedError, KeyboardInterrupt):
            raise self._interrupted("while the best model was rebuilt", len(results)) from None
        test = tuner.evaluate(metrics=self._metrics.functions) if len(self._splits.test) else None
        tuner.save(self._folder / _MODEL, overwrite=True)
        save_config(self._folder / _BEST, self._data_config, config)
        report = SearchReport(
            metric=self._metric,
            trials=results,
            best=best.number + 1,
            best_config=config,
            held_out=len(self._labels),
            cross_validated=bool(self._splits.folds),
            best_value=float(best.values[0]),
            corrected_value=corrected.value if corrected else None,
            corrected_interval=corrected.interval if corrected else None,
            test=test,
            model=str(self._folder / _MODEL),
            notes=tuple(notes),
        )
        write_json(self._folder / _REPORT, report.to_dict(), overwrite=True)
        shutil.rmtree(self._folder_of(best.number) / CHECKPOINTS, ignore_errors=True)
        return report

    def _earlier_report(self) -> SearchReport | None:
        path = self._folder / _REPORT
        return SearchReport.from_dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    def _result(self, trial: "optuna.trial.FrozenTrial") -> TrialResult:
        states = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
        reached = trial.intermediate_values
        value = trial.value if trial.state.name == "COMPLETE" else reached[max(reached)] if reached else None
        known = {name: trial.user_attrs.get(name) for name in ("accuracy", "log_loss", "seconds")}
        return TrialResult(
            number=trial.number + 1,
            state=states[trial.state.name],  # type: ignore[arg-type]
            settings=dict(trial.params),
            value=None if trial.state.name == "FAIL" else value,
            reason=trial.user_attrs.get(_REASON),
            **known,
        )

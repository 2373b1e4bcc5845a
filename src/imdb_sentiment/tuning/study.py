"""The study of a search, kept by Optuna in a SQLite file: which trial is next, and what became of each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imdb_sentiment.evaluation.selection import lower_is_better
from imdb_sentiment.tuning.space import combinations, require_optuna

if TYPE_CHECKING:
    import optuna

__all__ = ["next_trial", "number_ended", "open_study", "try_first"]

_NAME = "search"
_TRIALS_BEFORE_PRUNING = 4


@contextmanager
def open_study(file: Path, *, metric: str) -> "Iterator[optuna.Study]":
    """Open the study in a file, or create it; other messages of Optuna than errors are hidden.

    A trial is pruned if, after some evaluation, it is worse than the median of those before it was at the same one, and
    never among the first four.
    """
    optuna = require_optuna()
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.RDBStorage(_address(file))
    try:
        yield optuna.create_study(
            study_name=_NAME,
            storage=storage,
            direction="minimize" if lower_is_better(metric) else "maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_TRIALS_BEFORE_PRUNING),
            load_if_exists=True,
        )
    finally:
        storage.engine.dispose()
        optuna.logging.set_verbosity(before)


def try_first(study: "optuna.Study", values: Mapping[str, Any], space: "Mapping[str, Any]") -> None:
    """Let the first trial be the configuration as it was given, as far as it lies in the space."""
    if not study.get_trials(deepcopy=False):
        inside = {name: value for name, value in values.items() if _contains(space[name], value)}
        if inside:
            study.enqueue_trial(inside)


def number_ended(study: "optuna.Study") -> int:
    """Return how many trials are finished, pruned or failed."""
    return sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))


def next_trial(study: "optuna.Study", space: "Mapping[str, Any]", *, seed: int) -> "optuna.trial.Trial":
    """Return the trial to run: one that was interrupted, or else a new one.

    The seed of the sampler depends on the number of the trial, so that a search which was interrupted proposes what it
    would have proposed. Where a space has an end, each configuration in it is proposed once.
    """
    import optuna

    for running in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        if running.params.keys() == space.keys():
            return optuna.trial.Trial(study, running._trial_id)
        study.tell(running.number, state=optuna.trial.TrialState.FAIL)  # killed while it was proposed
    trials = study.get_trials(deepcopy=False)
    asked = [trial.params for trial in trials if trial.state != optuna.trial.TrialState.WAITING]
    seed += len(asked)
    study.sampler = optuna.samplers.TPESampler(seed=seed)
    if combinations(space) and len(asked) == len(trials):
        untried = [values for values in _all_of(space) if values not in asked]
        study.enqueue_trial(untried[np.random.default_rng(seed).integers(len(untried))])
    return study.ask(dict(space))


def _all_of(space: "Mapping[str, Any]") -> list[dict[str, Any]]:
    """Return each configuration of a space that has an end."""
    choices = (distribution.choices for distribution in space.values())
    return [dict(zip(space, combination, strict=True)) for combination in product(*choices)]


def _contains(distribution: Any, value: object) -> bool:
    choices = getattr(distribution, "choices", None)
    if choices is not None:
        return value in choices
    return isinstance(value, int | float) and distribution.low <= value <= distribution.high


def _address(file: Path) -> str:
    from sqlalchemy import URL

    return URL.create("sqlite", database=str(file.absolute())).render_as_string()

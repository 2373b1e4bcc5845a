"""The study of a search: proposals, what is kept in its file, and what a kill leaves."""

from pathlib import Path
from typing import Any

import optuna
import pytest

from imdb_sentiment import FineTuneConfig
from imdb_sentiment.tuning.space import check_space
from imdb_sentiment.tuning.study import next_trial, number_ended, open_study, try_first

CONFIG = FineTuneConfig()
SPACE = check_space({"learning_rate": (1e-5, 1e-3), "pooling": ["mean", "first"]}, CONFIG)


def ask_and_tell(file: Path, trials: int, values: Any = None) -> list[dict[str, Any]]:
    with open_study(file, metric="log_loss") as study:
        for _ in range(trials):
            trial = next_trial(study, SPACE, seed=42)
            study.tell(trial.number, abs(trial.params["learning_rate"] - 1e-4))
        return [trial.params for trial in study.trials]


@pytest.mark.integration
@pytest.mark.parametrize("name", ["study.db", "with space #1 ?x=y&50%.db"])
def test_an_interrupted_study_proposes_what_it_would_have_proposed(name: str, tmp_path: Path) -> None:
    whole = ask_and_tell(tmp_path / name, 14)
    (tmp_path / "other").mkdir()
    for _ in range(7):
        ask_and_tell(tmp_path / "other" / name, 2)
    assert ask_and_tell(tmp_path / "other" / name, 0) == whole
    assert {path.name for path in (tmp_path / "other").iterdir()} == {name}
    assert len({trial["learning_rate"] for trial in whole}) == 14


def test_a_trial_that_was_running_is_the_next(tmp_path: Path) -> None:
    with open_study(tmp_path / "study.db", metric="log_loss") as study:
        running = next_trial(study, SPACE, seed=1)
        running.report(0.5, 1)
    with open_study(tmp_path / "study.db", metric="log_loss") as study:
        again = next_trial(study, SPACE, seed=1)
        assert (again.number, again.params) == (running.number, running.params)
        assert number_ended(study) == 0


def test_a_trial_that_was_killed_while_it_was_proposed_is_not_run(tmp_path: Path) -> None:
    with open_study(tmp_path / "study.db", metric="log_loss") as study:
        study.ask({"pooling": SPACE["pooling"]})
        trial = next_trial(study, SPACE, seed=1)
        assert trial.number == 1
        assert study.trials[0].state == optuna.trial.TrialState.FAIL


def test_the_first_trial_is_the_given_configuration_as_far_as_it_lies_in_the_space(tmp_path: Path) -> None:
    with open_study(tmp_path / "study.db", metric="log_loss") as study:
        try_first(study, {"learning_rate": 1.0, "pooling": "first"}, SPACE)
        first = next_trial(study, SPACE, seed=1)
        assert first.params["pooling"] == "first"
        assert 1e-5 <= first.params["learning_rate"] <= 1e-3
        try_first(study, {"learning_rate": 2e-5, "pooling": "mean"}, SPACE)  # not again
        study.tell(first.number, 0.5)
        assert len(study.trials) == 1


def test_each_configuration_of_a_small_space_is_tried_once(tmp_path: Path) -> None:
    space = check_space({"max_length": [64, 128, 256], "pooling": ["mean", "first"]}, CONFIG)
    tried = []
    with open_study(tmp_path / "study.db", metric="accuracy") as study:
        try_first(study, {"max_length": 256, "pooling": "mean"}, space)
        for _ in range(6):
            trial = next_trial(study, space, seed=7)
            tried.append((trial.params["max_length"], trial.params["pooling"]))
            study.tell(trial.number, 0.5)
    assert tried[0] == (256, "mean")
    assert len(set(tried)) == 6


def test_a_trial_that_is_worse_than_most_is_given_up(tmp_path: Path) -> None:
    with open_study(tmp_path / "study.db", metric="accuracy") as study:
        for value in (0.8, 0.82, 0.84, 0.86):
            trial = next_trial(study, SPACE, seed=1)
            trial.report(value, 1)
            assert not trial.should_prune()
            study.tell(trial.number, value)
        for value, is_poor in ((0.7, True), (0.9, False)):
            trial = next_trial(study, SPACE, seed=1)
            trial.report(value, 1)
            assert bool(trial.should_prune()) is is_poor
            study.tell(trial.number, value)


def test_messages_of_optuna_are_hidden_and_its_level_restored(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = optuna.logging.get_verbosity()
    ask_and_tell(tmp_path / "study.db", 3)
    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr() == ("", "")

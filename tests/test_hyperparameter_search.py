"""A search as a whole. Covers tuning/run.py, tuning/rows.py, tuning/trial.py, tuning/process.py."""

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from numpy.typing import NDArray

import imdb_sentiment.tuning.run
from conftest import make_reviews
from imdb_sentiment import (
    ConfigError,
    DataConfig,
    DataError,
    FineTuneConfig,
    ImdbSentimentError,
    ModelError,
    OutputExistsError,
    SentimentClassifier,
    TrainingInterruptedError,
    load_config,
    search,
)
from imdb_sentiment.data.splits import load_splits
from imdb_sentiment.results import SearchReport, TrialResult
from imdb_sentiment.training.checkpoints import complete_checkpoints
from imdb_sentiment.tuning import trial as trial_module
from imdb_sentiment.tuning.process import error_of, run_in_process, terminated_as_interrupted
from imdb_sentiment.tuning.rows import load_rows
from imdb_sentiment.tuning.trial import PrunedError, run_trial

pytestmark = pytest.mark.integration  # each test trains several times

DATA = DataConfig(near_duplicates="ignore")  # all of these texts are nearly the same
SPACE = {"learning_rate": (1e-4, 1e-2), "pooling": ["mean", "first"]}


class InThisProcess:
    """Runs trials here, as their processes would; importing everything anew for each takes far longer."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ends: dict[int, BaseException | dict[str, Any]] = {}
        """What becomes of the n-th trial instead."""

    def __call__(self, folder: Path, goes_on: Callable[[int], bool]) -> dict[str, Any]:
        self.started.append(folder.name)
        end = self.ends.pop(len(self.started), None)
        if isinstance(end, BaseException):
            raise end
        if end:
            return end

        class Listening:
            def goes_on_after(self, number: int) -> bool:
                return goes_on(number)

        try:
            listening: Any = Listening()
            return {"state": "finished", **run_trial(folder, listening)}
        except PrunedError:
            return {"state": "pruned"}
        except ImdbSentimentError as error:
            return {"state": "failed", "error": json.loads(json.dumps(trial_module._describe(error)))}


@pytest.fixture
def trials_here(monkeypatch: pytest.MonkeyPatch) -> InThisProcess:
    runner = InThisProcess()
    monkeypatch.setattr(imdb_sentiment.tuning.run, "run_in_process", runner)
    return runner


@pytest.fixture(scope="module")
def quick(one_layer_model: Path, tiny_config: FineTuneConfig) -> FineTuneConfig:
    return tiny_config.replace(model_name=str(one_layer_model), num_train_epochs=2, method="fine_tune")


def run(quick: FineTuneConfig, folder: Path, **changes: Any) -> SearchReport:
    options: dict[str, Any] = {"space": SPACE, "config": quick, "trials": 3, "output_dir": folder}
    return search(make_reviews(120), DATA, **options | changes)


def test_the_best_trial_is_kept_and_measured_once_on_the_test_rows(
    quick: FineTuneConfig, tmp_path: Path, trials_here: InThisProcess
) -> None:
    told: list[TrialResult] = []
    report = run(quick, tmp_path / "search", on_trial=told.append)
    assert tuple(told) == report.trials
    assert [trial.number for trial in report.trials] == [1, 2, 3]
    best = min(report.trials, key=lambda trial: trial.value or 0)
    assert (report.best, report.best_value, report.held_out) == (best.number, best.value, 10)
    assert report.best_config == quick.replace(**best.settings)
    assert report.test
    assert report.test.rows == 24
    assert not report.test.cross_validated
    # the model is the one of that trial, not another one of the same settings
    model = SentimentClassifier.from_pretrained(report.model)
    assert model.metadata.metrics["test"]["log_loss"] == report.test.log_loss
    data, config = load_config(tmp_path / "search" / "best.yaml")
    assert (data.validation, config) == ("split", report.best_config)
    assert SearchReport.from_dict(json.loads((tmp_path / "search" / "report.json").read_text())) == report
    # neither rows nor checkpoints are left
    left = {path.name for path in (tmp_path / "search").rglob("*") if "model" not in path.parts}
    assert not {"rows", "run"} & left
    assert not [name for name in left if name.startswith("checkpoint")]
    with sqlite3.connect(tmp_path / "search" / "study.db") as study:
        assert study.execute("select count(*) from trials").fetchone() == (3,)
    study.close()


def test_trials_never_get_the_test_rows(
    quick: FineTuneConfig, tmp_path: Path, trials_here: InThisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []
    load = load_rows

    def loading(folder: Path) -> Any:
        splits = load(folder)
        texts.extend([*splits.train["text"], *splits.validation["text"]])
        assert len(splits.test) == 0
        return splits

    monkeypatch.setattr(trial_module, "load_rows", loading)
    report = run(quick, tmp_path / "search", trials=1)
    assert report.test
    assert report.test.seen_rows == 0
    assert len(set(texts)) == 96


def test_few_rows_are_held_out_in_turn(quick: FineTuneConfig, tmp_path: Path, trials_here: InThisProcess) -> None:
    config = quick.replace(method="auto", num_train_epochs="auto", learning_rate="auto")
    space = {"method": ["probe", "contrastive"], "pooling": ["first"]}
    report = run(config, tmp_path / "search", space=space, trials=5)
    assert len(report.trials) == 2
    assert report.notes == ("the space has 2 configurations, and each was tried once",)
    assert report.cross_validated
    assert report.held_out == 120
    assert report.test is None
    assert SentimentClassifier.from_pretrained(report.model).metadata.method == report.best_config.method


def test_an_interrupted_search_is_resumed_and_ends_as_it_would_have(
    quick: FineTuneConfig, tmp_path: Path, trials_here: InThisProcess
) -> None:
    whole = run(quick, tmp_path / "whole")
    folder = tmp_path / "search"
    trials_here.started.clear()
    trials_here.ends = {2: KeyboardInterrupt()}
    with pytest.raises(TrainingInterruptedError, match="interrupted in trial 2") as caught:
        run(quick, folder)
    assert caught.value.found == "1 of 3 trials have ended"
    assert "resume=True" in str(caught.value.hint)
    with pytest.raises(OutputExistsError, match="is not empty"):
        run(quick, folder)
    with pytest.raises(ConfigError, match="holds another search"):
        run(quick, folder, space={"pooling": ["mean", "first"]}, resume=True)
    resumed = run(quick, folder, resume=True)
    assert trials_here.started == ["1", "2", "2", "3"]
    assert [(trial.settings, trial.value) for trial in resumed.trials] == [
        (trial.settings, trial.value) for trial in whole.trials
    ]
    assert (resumed.best, resumed.corrected_value) == (whole.best, whole.corrected_value)


def test_a_finished_search_is_read_and_may_be_given_more_trials(
    quick: FineTuneConfig, tmp_path: Path, trials_here: InThisProcess
) -> None:
    report = run(quick, tmp_path / "search", trials=1)
    assert run(quick, tmp_path / "search", trials=1, resume=True) == report
    assert trials_here.started == ["1"]
    more = run(quick, tmp_path / "search", trials=2, resume=True)
    assert trials_here.started == ["1", "2"]
    assert more.trials[0] == report.trials[0]
    assert any("measured after 1 trials already" in note for note in more.notes)


def test_a_failed_trial_is_counted_and_named(quick: FineTuneConfig, tmp_path: Path, trials_here: InThisProcess) -> None:
    trials_here.ends = {1: {"state": "failed", "error": {"summary": "out of memory: 3 GB"}}}
    report = run(quick, tmp_path / "search", trials=2)
    assert [trial.state for trial in report.trials] == ["failed", "finished"]
    assert report.trials[0].reason == "out of memory: 3 GB"
    assert report.trials[0].value is None
    assert report.best == 2


def test_if_no_trial_finishes_there_is_no_result(
    quick: FineTuneConfig, tmp_path: Path, trials_here: InThisProcess
) -> None:
    trials_here.ends = {n: {"state": "failed", "error": {"summary": f"reason {n % 2}"}} for n in (1, 2, 3)}
    with pytest.raises(ImdbSentimentError, match="none of the 3 trials finished") as caught:
        run(quick, tmp_path / "search")
    assert caught.value.found == "reason 1; reason 0"
    assert not (tmp_path / "search" / "model").exists()


def test_an_error_of_the_first_trial_that_all_would_have_ends_the_search(
    quick: FineTuneConfig, tmp_path: Path, trials_here: InThisProcess
) -> None:
    with pytest.raises(ConfigError, match="max_length"):
        run(quick, tmp_path / "search", space={"max_length": [2048, 4096]})
    assert trials_here.started == ["1"]
    with pytest.raises(ModelError):
        run(quick.replace(model_name=str(tmp_path / "nowhere")), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_poor_trial_is_given_up_after_an_evaluation(
    quick: FineTuneConfig, tmp_path: Path, trials_here: InThisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imdb_sentiment.tuning.study._TRIALS_BEFORE_PRUNING", 1)
    monkeypatch.setattr("optuna.trial.Trial.should_prune", lambda trial: trial.number == 1)
    report = run(quick, tmp_path / "search")
    assert [trial.state for trial in report.trials] == ["finished", "pruned", "finished"]
    assert report.trials[1].value is not None
    assert report.trials[1].seconds is None
    folder = tmp_path / "search" / "trials"
    assert len(np.load(folder / "2" / "epoch-1.npy")) == 10
    assert not (folder / "2" / "epoch-2.npy").exists()
    assert not (folder / "2" / "chosen.npy").exists()


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc"])
def test_the_metric_decides(metric: str, quick: FineTuneConfig, tmp_path: Path, trials_here: InThisProcess) -> None:
    report = run(quick, tmp_path / "search", metric=metric, trials=2)
    assert report.metric == metric
    assert report.best_value == max(trial.value or 0 for trial in report.trials)
    if metric == "accuracy":
        assert [trial.accuracy for trial in report.trials] == [trial.value for trial in report.trials]


def test_a_metric_of_the_user_decides(quick: FineTuneConfig, tmp_path: Path, trials_here: InThisProcess) -> None:
    def cost(labels: NDArray[np.int64], positive: NDArray[np.float64]) -> float:
        return -float(np.abs(labels - positive).mean())

    options: dict[str, Any] = {"metrics": {"kept": cost, "other": lambda *_: 1}, "metric": "kept"}
    report = run(quick, tmp_path / "search", trials=2, **options)
    assert report.best_value == max(trial.value or -9 for trial in report.trials) < 0
    assert report.corrected_value
    assert report.corrected_value < 0
    assert report.test
    assert report.test.custom_metrics.keys() == {"kept", "other"}
    assert SearchReport.from_dict(json.loads((tmp_path / "search" / "report.json").read_text())) == report
    assert str(report).startswith("trial  kept\n")
    more = run(quick, tmp_path / "search", trials=3, resume=True, **options)
    assert more.trials[:2] == report.trials
    with pytest.raises(ConfigError, match="holds another search"):
        run(quick, tmp_path / "search", trials=3, resume=True)


def test_divided_data_stay_divided(quick: FineTuneConfig, tmp_path: Path, trials_here: InThisProcess) -> None:
    splits = load_splits(DATA.replace(validation_fraction=0.3), make_reviews(120)).splits
    report = search(splits, space=SPACE, config=quick, trials=1, output_dir=tmp_path / "search")
    assert (report.held_out, report.cross_validated) == (len(splits.validation), False)
    assert report.test
    assert report.test.rows == len(splits.test)
    assert report.test.seen_rows == 0
    folds = load_splits(DATA.replace(validation="cross"), make_reviews(120), cross_below=500).splits
    config = quick.replace(method="probe", num_train_epochs="auto", learning_rate="auto")
    space = {"pooling": ["first", "mean"]}
    in_turn = search(folds, space=space, config=config, trials=1, output_dir=tmp_path / "in-turn")
    assert (in_turn.held_out, in_turn.cross_validated) == (len(folds.train), True)
    with pytest.raises(DataError, match="the test split lacks a class"):
        search(replace(splits, test=splits.test.select([])), config=quick, output_dir=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_folder_has_one_search(quick: FineTuneConfig, tmp_path: Path) -> None:
    for resume in (False, True):
        with FileLock(tmp_path / ".search.lock"), pytest.raises(OutputExistsError, match="another process is writing"):
            run(quick, tmp_path / "search", resume=resume)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trials": 0}, "trials must be a number"),
        ({"trials": True}, "trials must be a number"),
        ({"metric": "auc"}, "no metric 'auc'"),
        ({"metric": "auto"}, "no metric 'auto'"),
        ({"space": {"lr": [1]}}, "no field 'lr'"),
        ({"config": "minilm"}, "config must be a FineTuneConfig"),
        ({"metric": "cost", "metrics": {"costs": min}}, r"no metric 'cost'(.|\n)*try: +costs"),
        ({"metrics": {"f1": min}}, "a metric cannot be called 'f1'"),
        ({"metrics": {"cost": lambda *_: "low"}, "metric": "cost"}, "the metric 'cost' returns no number"),
        ({"callbacks": []}, "search does not take callbacks"),
        ({"loss": min}, "search does not take loss"),
        ({"model": object()}, "search does not take model"),
        ({"learning_rate": 1}, r"no argument 'learning_rate'(.|\n)*FineTuneConfig"),
        ({"metrc": "f1"}, r"no argument 'metrc'(.|\n)*try: +metric"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    changes: dict[str, Any], said: str, quick: FineTuneConfig, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        run(quick, tmp_path / "search", **changes)
    assert not (tmp_path / "search").exists()


def prepare(folder: Path, quick: FineTuneConfig) -> Path:
    """Write the rows and the job of a trial, and return its folder."""
    from imdb_sentiment.tuning.rows import save_rows

    save_rows(folder / "rows", load_splits(DATA, make_reviews(120)).splits)
    place = folder / "trials" / "1"
    place.mkdir(parents=True)
    job = {"config": quick.model_dump(mode="json"), "rows": str(folder / "rows")}
    (place / "trial.json").write_text(json.dumps(job))
    return place


def test_a_trial_in_a_process_of_its_own_reports_and_obeys(quick: FineTuneConfig, tmp_path: Path) -> None:
    place = prepare(tmp_path, quick)
    told: list[int] = []

    def first_only(number: int) -> bool:
        told.append(number)
        return False

    assert run_in_process(place, first_only) == {"state": "pruned"}
    assert told == [1]
    ended = run_in_process(shutil.copytree(place, tmp_path / "trials" / "2"), lambda *_: True)
    assert ended["state"] == "finished"
    assert 0 < ended["log_loss"] < 1
    assert len(np.load(tmp_path / "trials" / "2" / "chosen.npy")) == 10


def test_a_trial_that_is_killed_goes_on_from_its_checkpoint(quick: FineTuneConfig, tmp_path: Path) -> None:
    place = prepare(tmp_path, quick)

    def killed_at_the_last_evaluation(number: int) -> bool:
        if number == 2:
            for process in Path("/proc").glob("[0-9]*"):
                line = (process / "cmdline").read_bytes().split(b"\0") if (process / "cmdline").exists() else []
                if str(place).encode() in line:
                    os.kill(int(process.name), signal.SIGKILL)
        return True

    ended = run_in_process(place, killed_at_the_last_evaluation)
    assert ended["state"] == "failed"
    assert "ended by SIGKILL" in ended["error"]["summary"]
    assert [path.name for path in (place / "run").glob("checkpoint-*")]
    told: list[int] = []

    def telling(number: int) -> bool:
        told.append(number)
        return True

    again = run_in_process(place, telling)
    assert again["state"] == "finished"
    assert told == [2]


def test_a_trial_that_is_interrupted_while_it_waits_for_an_answer_saves_its_step(
    quick: FineTuneConfig, tmp_path: Path
) -> None:
    place = prepare(tmp_path, quick)

    def interrupted(number: int) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_in_process(place, interrupted)
    assert complete_checkpoints(place / "run")


def test_a_broken_trial_says_why(tmp_path: Path) -> None:
    (tmp_path / "trial").mkdir()
    ended = run_in_process(tmp_path / "trial", lambda *_: True)
    assert ended["state"] == "failed"
    assert "FileNotFoundError" in ended["error"]["summary"]
    assert "Traceback" in (tmp_path / "trial" / "error.txt").read_text()


def test_an_error_comes_back_as_it_was_raised() -> None:
    error = ConfigError("no", found="a", expected="b", hint="c")
    again = error_of(json.loads(json.dumps(trial_module._describe(error))))
    assert type(again) is ConfigError
    assert str(again) == str(error)
    assert error_of({"summary": "ValueError: x"}).summary == "ValueError: x"


def test_termination_is_an_interruption() -> None:
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL

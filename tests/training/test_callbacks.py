"""When a run evaluates, saves and stops, and which checkpoints stay."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trainers import Build, Parts, build_parts
from transformers import TrainerCallback, TrainerControl, TrainerState

from conftest import examples
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.training.batching import EncodedRows, Share, StepBatches
from imdb_sentiment.training.best_epoch import choose_metric
from imdb_sentiment.training.callbacks import Schedule
from imdb_sentiment.training.checkpoints import check_same_run, complete_checkpoints, newest_checkpoint

NO_ARGUMENTS: Any = None
Measured = Callable[..., None]


@pytest.fixture
def build(tiny_model: Path, tmp_path: Path) -> Build:
    return partial(build_parts, tiny_model, tmp_path / "run", 24, per_device_train_batch_size=4)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measured:
    """Have the evaluations of a run come out as a test says, by F1, which no chance is in, and calibrated log loss."""

    def come_out(values: Sequence[float], log_losses: Sequence[float] | None = None) -> None:
        of_f1, of_loss = iter(values), iter(log_losses or values)

        def measure_and_replace(*args: Any, **kwargs: Any) -> Any:
            return replace(measure(*args, **kwargs), f1=next(of_f1))

        place = "imdb_sentiment.training.setup"
        monkeypatch.setattr(f"{place}.measure", measure_and_replace)
        monkeypatch.setattr(f"{place}.calibrated_log_loss", lambda *args: next(of_loss))
        monkeypatch.setattr(f"{place}.resampled_metrics", lambda *args, **kwargs: {"f1": np.zeros(2)})

    return come_out


def schedule_of(
    steps: int, *, evaluations: int = 1, metric: str = "f1", patience: int | None = None, epochs: int = 2
) -> Schedule:
    row = np.arange(steps)
    rows = EncodedRows({"input_ids": np.zeros(steps, dtype=np.int32)}, row + 1, row * 0, row)
    batches = StepBatches((rows,) * epochs, Share(1), group_by_length=False, seed=1)
    chosen = choose_metric(metric)
    return Schedule(batches, evaluations_per_epoch=evaluations, metric=chosen, patience=patience)


def after_step(schedule: Schedule, step: int) -> TrainerControl:
    control = TrainerControl()
    schedule.on_step_end(NO_ARGUMENTS, TrainerState(global_step=step), control)
    return control


@settings(deadline=None, max_examples=examples(60))
@given(steps=st.integers(1, 60), evaluations=st.integers(1, 70))
def test_evaluations_lie_evenly_and_the_last_at_the_end_of_the_epoch(steps: int, evaluations: int) -> None:
    schedule = schedule_of(steps, evaluations=evaluations)
    controls = {step: after_step(schedule, step) for step in range(1, 2 * steps + 1)}
    evaluated = [step for step, control in controls.items() if control.should_evaluate]
    assert evaluated == [step for step, control in controls.items() if control.should_save]
    assert {step for step, control in controls.items() if control.should_log} >= set(evaluated)
    first, second = ([step for step in evaluated if (step > steps) == late] for late in (False, True))
    assert len(first) == min(evaluations, steps)
    assert first[-1] == steps
    assert second == [step + steps for step in first]
    gaps = [after - before for before, after in pairwise([0, *first])]
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(("steps", "logs"), [(1, 1), (20, 20), (21, 11), (100, 20), (399, 20), (400, 20), (401, 20)])
def test_an_epoch_is_logged_about_twenty_times(steps: int, logs: int) -> None:
    schedule = schedule_of(steps)
    assert sum(after_step(schedule, step).should_log for step in range(1, steps + 1)) == logs


@pytest.mark.parametrize(
    ("metric", "values"), [("f1", [0.5, 0.7, 0.6, 0.7, 0.6]), ("calibrated_log_loss", [9, 2, 3, 2, 4])]
)
@pytest.mark.parametrize("patience", [1, 2, 3, 4])
def test_a_run_stops_after_so_many_evaluations_without_a_better_one(
    metric: str, values: list[float], patience: int
) -> None:
    schedule = schedule_of(1, metric=metric, patience=patience)
    log: list[dict[str, float]] = []
    stopped_after = None
    for number, value in enumerate(values, start=1):
        evaluation = {"eval_calibrated_log_loss": 0.5, "eval_standard_error": 0.05, f"eval_{metric}": value}
        log += [{"loss": 0.1, "step": number}, evaluation | {"step": number}]
        control = TrainerControl()
        schedule.on_save(NO_ARGUMENTS, TrainerState(log_history=log), control)
        if control.should_training_stop and not stopped_after:
            stopped_after = number
    assert stopped_after == {1: 3, 2: 4, 3: 5, 4: None}[patience]  # the second was the best, and none was better


def test_a_run_without_patience_never_stops() -> None:
    log: list[dict[str, float]] = [
        {"eval_f1": 1 / number, "eval_calibrated_log_loss": 0.5, "eval_standard_error": 0.0} for number in range(1, 50)
    ]
    control = TrainerControl()
    schedule_of(1).on_save(NO_ARGUMENTS, TrainerState(log_history=log), control)
    schedule_of(1, patience=1).on_save(NO_ARGUMENTS, TrainerState(), control)  # nothing has been evaluated
    assert not control.should_training_stop


def evaluated_steps(parts: Parts) -> list[int]:
    return [int(entry["step"]) for entry in parts.trainer.state.log_history if "eval_accuracy" in entry]


@pytest.mark.parametrize(("evaluations", "steps"), [(1, [6, 12]), (4, [2, 3, 5, 6, 8, 9, 11, 12])])
def test_a_run_evaluates_and_saves_in_the_same_steps(
    build: Build, tmp_path: Path, evaluations: int, steps: list[int]
) -> None:
    parts = build(num_train_epochs=2, evaluations_per_epoch=evaluations, save_total_limit=20)
    parts.trainer.train()
    assert evaluated_steps(parts) == steps
    assert list(complete_checkpoints(tmp_path / "run")) == steps
    assert [record.epoch for record in parts.history] == [pytest.approx(step / 6) for step in steps]
    for checkpoint in complete_checkpoints(tmp_path / "run").values():
        check_same_run(checkpoint, {"is": "this one"})


def test_the_training_loss_is_the_mean_since_the_evaluation_before(build: Build) -> None:
    parts = build(num_train_epochs=1, evaluations_per_epoch=2)
    parts.trainer.train()
    losses = [entry["loss"] for entry in parts.trainer.state.log_history if "loss" in entry]
    assert len(losses) == 6
    expected = [pytest.approx(np.mean(losses[:3])), pytest.approx(np.mean(losses[3:]))]
    assert [record.train_loss for record in parts.history] == expected


@pytest.mark.parametrize(
    ("metric", "values", "kept"),
    [("f1", [0.5, 0.7, 0.6, 0.65], 6), ("log_loss", [0.5, 0.3, 0.4, 0.35], 6), ("f1", [0.5, 0.4, 0.3], 3)],
)
def test_a_run_that_stops_early_has_the_best_weights(
    build: Build, measured: Measured, tmp_path: Path, metric: str, values: list[float], kept: int
) -> None:
    measured(values)
    parts = build(num_train_epochs=9, evaluations_per_epoch=2, early_stopping_patience=2, metric_for_best_model=metric)
    parts.trainer.train()
    assert evaluated_steps(parts) == [3 * number for number in range(1, len(values) + 1)]
    assert parts.trainer.state.best_global_step == kept
    assert list(complete_checkpoints(tmp_path / "run")) == [kept, 3 * len(values)]


def test_of_equal_evaluations_that_with_the_lower_log_loss_has_the_best_weights(
    build: Build, measured: Measured, tmp_path: Path
) -> None:
    measured([0.8, 0.8, 0.8, 0.7], [0.5, 0.3, 0.4, 0.2])
    parts = build(num_train_epochs=4, metric_for_best_model="f1")
    parts.trainer.train()
    assert parts.trainer.state.best_global_step == 12
    assert parts.trainer.state.best_model_checkpoint == str(tmp_path / "run" / "checkpoint-12")
    assert list(complete_checkpoints(tmp_path / "run")) == [12, 24]


@pytest.mark.parametrize(("best_kept", "left"), [(True, [3, 15, 18]), (False, [15, 18])])
def test_the_newest_checkpoints_are_kept_beside_the_best(
    build: Build, measured: Measured, tmp_path: Path, best_kept: bool, left: list[int]
) -> None:
    measured([0.9, 0.5, 0.6, 0.7, 0.8, 0.1])
    parts = build(
        num_train_epochs=3,
        evaluations_per_epoch=2,
        save_total_limit=2,
        load_best_model_at_end=best_kept,
        metric_for_best_model="f1",
    )
    seen: list[list[int]] = []

    class Look(TrainerCallback):
        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            seen.append(list(complete_checkpoints(tmp_path / "run")))

    parts.trainer.add_callback(Look())
    parts.trainer.train()
    assert seen[0] == [3]
    assert seen[2] == ([3, 6, 9] if best_kept else [6, 9])
    assert seen[-1] == left
    assert {path.name for path in (tmp_path / "run").iterdir()} == {f"checkpoint-{step}" for step in left}


def test_a_run_that_stopped_early_ends_at_once_when_it_is_gone_on_with(
    build: Build, measured: Measured, tmp_path: Path
) -> None:
    fields: dict[str, Any] = {"num_train_epochs": 5, "early_stopping_patience": 1, "metric_for_best_model": "log_loss"}
    measured([0.5, 0.6])
    whole = build(**fields)
    whole.trainer.train()
    newest = newest_checkpoint(tmp_path / "run")
    assert newest == tmp_path / "run" / "checkpoint-12"
    resumed = build(**fields)
    resumed.trainer.train(resume_from_checkpoint=str(newest))
    assert resumed.trainer.state.global_step == 12
    assert resumed.history == whole.history
    for name, weight in whole.model.named_parameters():
        np.testing.assert_array_equal(weight.detach(), resumed.model.get_parameter(name).detach())


def test_memory_is_given_back_around_training_and_evaluations_and_now_and_then(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []
    monkeypatch.setattr("imdb_sentiment.training.callbacks.release_freed_memory", lambda: given.append(1))
    monkeypatch.setattr("imdb_sentiment.training.callbacks._STEPS_PER_RELEASE", 5)
    parts = build(num_train_epochs=2)
    parts.trainer.train()
    steps = parts.trainer.state.global_step
    evaluations = len(evaluated_steps(parts))
    assert (steps, evaluations) == (12, 2)
    assert len(given) == 2 + evaluations + steps // 5

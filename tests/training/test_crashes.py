"""A run that is killed at any moment loses nothing that was saved, and goes on to the end it would have had."""

import json
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crash_runs import (
    EVALUATED,
    Outcome,
    Recipe,
    fit_and_count,
    fit_and_die,
    fit_and_run_out,
    fit_and_watch,
    go_on,
    outcome,
)

from conftest import make_reviews
from forked import Child, one_cpu_thread
from imdb_sentiment import OutputExistsError
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.training.checkpoints import complete_checkpoints

PART_OF_THE_WEIGHTS, PART_OF_THE_MOMENTS = 100_000, 300_000
"""Bytes: no other file of a checkpoint is as large."""

LISTED = "*/checkpoint-{}/complete.json.partial"
"""Touched three times: opened, synced and renamed, by which a checkpoint is declared complete."""

BEST, NEWEST = 7, 11


@pytest.fixture(scope="module")
def recipe(tiny_model: Path) -> Recipe:
    return Recipe(tiny_model, make_reviews(46))


def saved_before(touches: list[str], touch: int) -> int | None:
    """Return the step of the newest checkpoint that was declared complete before a touch."""
    put = [name for name in touches[: touch - 1] if name.endswith("complete.json.partial")]
    declared = [name for i, name in enumerate(put) if put[:i].count(name) == 2]  # opened, synced, renamed
    return max((int(Path(name).parent.name.rpartition("-")[2]) for name in declared), default=None)


def check_that_it_goes_on(recipe: Recipe, folder: Path, whole: Outcome, when: str) -> None:
    assert Child(go_on, recipe, folder).result() == whole, when
    names = {".lock", *(f"checkpoint-{step}" for step in whole["checkpoints"])}
    assert {path.name for path in folder.iterdir()} == names, when


@pytest.mark.integration
def test_a_run_killed_again_and_again_goes_on_as_if_nothing_had_been(
    recipe: Recipe, whole: Outcome, tmp_path: Path
) -> None:
    folder = tmp_path / "läufe"  # outside ASCII, torch writes through Python and can be watched
    best, last = whole["checkpoints"]
    assert best in (4, 7)
    kills = [
        ("before the first is declared complete", [LISTED.format(4)] * 3, None, []),
        ("half of the weights are written", ["*/checkpoint-11/config.json"], PART_OF_THE_WEIGHTS, sorted({best, 7})),
        ("half of an older one is removed", [LISTED.format(14)] * 3 + ["[!/]*"] * 4, None, [best, last]),
    ]
    for when, touches, file_size, complete in kills:
        status = Child(fit_and_die, recipe, folder, touches, file_size).end()
        assert status == -(signal.SIGXFSZ if file_size else signal.SIGKILL), when
        assert list(complete_checkpoints(folder)) == complete, when
    assert any((folder / "checkpoint-11").iterdir())
    check_that_it_goes_on(recipe, folder, whole, "killed again and again")


@pytest.mark.integration
@pytest.mark.parametrize("moments", [2, pytest.param(25, marks=pytest.mark.simulation)])
def test_a_run_killed_at_any_of_many_moments_goes_on(
    moments: int, recipe: Recipe, whole: Outcome, tmp_path: Path
) -> None:
    ended, touches = Child(fit_and_watch, recipe, tmp_path / "läufe").result()
    assert ended == whole
    spread = [1 + round(number * (len(touches) - 1) / (moments - 1)) for number in range(moments)]
    kills = [(touch, None) for touch in spread] + [
        (1 + touches.index(str(tmp_path / "läufe" / f"checkpoint-{step}" / "config.json")), file_size)
        for step in EVALUATED[-moments // 5 :]
        for file_size in (PART_OF_THE_WEIGHTS, PART_OF_THE_MOMENTS)
    ]
    for number, (touch, file_size) in enumerate(kills):
        when = f"killed at {touches[touch - 1]}, {touch} of {len(touches)}, or above {file_size} bytes"
        folder = tmp_path / f"läufe{number}"
        status = Child(fit_and_die, recipe, folder, ["*"] * touch, file_size).end()
        assert status == -(signal.SIGXFSZ if file_size else signal.SIGKILL), when
        assert max(complete_checkpoints(folder), default=None) == saved_before(touches, touch), when
        check_that_it_goes_on(recipe, folder, whole, when)


@pytest.mark.integration
@pytest.mark.parametrize("tries", [1, pytest.param(25, marks=pytest.mark.simulation)])
def test_a_run_killed_after_any_time_goes_on(tries: int, recipe: Recipe, whole: Outcome, tmp_path: Path) -> None:
    ended, seconds = Child(fit_and_count, recipe, tmp_path / "whole").result()
    assert ended == whole
    rng = random.Random(7)
    for number in range(tries):
        folder, share = tmp_path / f"run{number}", rng.random()
        while (status := Child(fit_and_run_out, recipe, folder, share * seconds).end()) == 0:  # it took less this time
            shutil.rmtree(folder)
            share /= 2
        assert status == -signal.SIGPROF
        check_that_it_goes_on(recipe, folder, whole, f"killed after {share:.3f} of {seconds:.3f} s")


@pytest.fixture(scope="module")
def finished(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """A run to its end, and its folder, which was moved then."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    with one_cpu_thread():
        ended = recipe.fit(folder)
    return ended, folder.rename(folder.parent / "moved")


@pytest.fixture(scope="module")
def whole(finished: tuple[Outcome, Path]) -> Outcome:
    return finished[0]


@pytest.fixture(scope="module")
def cut_short(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that ended in its last evaluation, and was moved then."""
    folder = tmp_path_factory.mktemp("cut") / "run"
    evaluations = iter(EVALUATED)

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        if next(evaluations) == EVALUATED[-1]:
            raise KeyboardInterrupt
        return measure(*args, **kwargs)

    with one_cpu_thread(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("imdb_sentiment.training.setup.measure", interrupted)
        with pytest.raises(KeyboardInterrupt):
            recipe.fit(folder)
    assert list(complete_checkpoints(folder)) == [BEST, NEWEST]
    return folder.rename(folder.parent / "moved")


@pytest.fixture
def folder(cut_short: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(cut_short, tmp_path / "copy"))


def cut_a_file(checkpoint: Path) -> None:
    with (checkpoint / "optimizer.pt").open("r+b") as file:
        file.truncate((checkpoint / "optimizer.pt").stat().st_size - 1)


def lose_the_list(checkpoint: Path) -> None:
    (checkpoint / "complete.json").unlink()


def leave_others_unfinished(checkpoint: Path) -> None:
    for step in (4, 14):
        other = Path(shutil.copytree(checkpoint, checkpoint.parent / f"checkpoint-{step}"))
        lose_the_list(other)
        (other / "stale").touch()


def lose_all_lists(checkpoint: Path) -> None:
    for path in checkpoint.parent.glob("checkpoint-*"):
        lose_the_list(path)
        (path / "stale").touch()


@pytest.mark.parametrize(
    ("damage", "goes_on_from"),
    [
        (leave_others_unfinished, NEWEST),
        (cut_a_file, BEST),
        (lose_the_list, BEST),
        (lose_all_lists, None),
    ],
)
def test_a_moved_run_goes_on_from_what_is_whole_and_keeps_its_best(
    damage: Callable[[Path], None], goes_on_from: int | None, recipe: Recipe, whole: Outcome, folder: Path
) -> None:
    damage(folder / f"checkpoint-{NEWEST}")
    tuner = recipe.tuner(folder)
    with one_cpu_thread():
        result = tuner.fit(recipe.reviews, resume=True)
    resumed = [note.partition(", ")[0] for note in result.notes if note.startswith("resumed from")]
    assert resumed == ([f"resumed from {folder / f'checkpoint-{goes_on_from}'}"] if goes_on_from else [])
    assert outcome(tuner, result) == whole
    assert whole["kept"][:2] == [1.0, "lowest calibrated log loss on validation"]
    assert {path.name for path in folder.iterdir()} == {".lock", f"checkpoint-{BEST}", "checkpoint-14"}
    assert not list(folder.rglob("stale"))


def test_a_finished_run_that_has_moved_gives_the_same_model_again(
    recipe: Recipe, finished: tuple[Outcome, Path]
) -> None:
    whole, folder = finished
    with one_cpu_thread():
        assert recipe.fit(folder, resume=True) == whole


def test_where_the_best_is_damaged_the_last_is_kept(recipe: Recipe, whole: Outcome, folder: Path) -> None:
    cut_a_file(folder / f"checkpoint-{BEST}")
    with one_cpu_thread():
        ended = recipe.fit(folder, resume=True)
    assert ended["kept"][:2] == [2.0, "the last"]
    assert ended["kept"][2] != whole["kept"][2]
    assert (ended["history"], ended["last"]) == (whole["history"], whole["last"])
    assert ended["checkpoints"] == [14]


def test_the_checkpoints_of_another_program_are_left_alone(recipe: Recipe, tmp_path: Path) -> None:
    """Without a list they do not count, and what does not count is removed."""
    theirs = tmp_path / "run" / "checkpoint-500"
    theirs.mkdir(parents=True)
    (theirs / "trainer_state.json").write_text(json.dumps({"global_step": 500, "stateful_callbacks": {}}))
    with pytest.raises(OutputExistsError, match="checkpoint-500 was not written by this library"):
        recipe.tuner(tmp_path / "run").fit(recipe.reviews, resume=True)
    assert {path.name for path in theirs.iterdir()} == {"trainer_state.json"}

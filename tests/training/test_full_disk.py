"""A disk that is too small is noticed before training; one that fills meanwhile costs nothing that was saved."""

import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from crash_runs import EVALUATED, Outcome, Recipe

from conftest import make_reviews
from forked import Child
from imdb_sentiment import DiskFullError
from imdb_sentiment.evaluation.metrics import measure
from imdb_sentiment.training.checkpoints import complete_checkpoints
from small_disk import leave_room, make_small_disk

DISK = 8_000_000
PAGE = 4096
WRITTEN = [
    "config.json",
    "model.safetensors",
    "training_args.bin",
    "optimizer.pt",
    "scheduler.pt",
    "rng_state.pth",
    "trainer_state.json",
    "complete.json",
]
"""The files of a checkpoint in the order in which they are written."""


class Full(NamedTuple):
    """What was seen of a run whose disk filled."""

    file: str
    """The file of the checkpoint that there was no room for."""

    error: str
    cause: str
    left: list[str]
    """What the folder of the run held afterwards, if it was still there."""

    complete: list[int]


class Seen(NamedTuple):
    """What was seen on a small disk."""

    refused: str
    """The error where the disk was too small from the beginning."""

    after_refusal: list[str]
    whole: Outcome
    first: Full
    """At the first checkpoint of a run."""

    later: list[Full]
    """At the third checkpoint of another run, again and again."""

    ended: Outcome
    """That run, gone on with to the end, with room for two checkpoints beside the one that it has.

    Half of this room was taken by what a killed run would have left.
    """


def pages(size: int) -> int:
    return -(-size // PAGE) * PAGE


def room_up_to(file: str, sizes: dict[str, int]) -> int:
    """Return the room for the files of a checkpoint before one, and for half of that."""
    before = sum(pages(sizes[name]) for name in WRITTEN[: WRITTEN.index(file)])
    return before + sizes[file] // 2 // PAGE * PAGE


def refusal(recipe: Recipe, run: Path) -> DiskFullError:
    """Go on with a run that has too little room, and return the error."""
    try:
        recipe.fit(run, resume=True)
    except DiskFullError as error:
        return error
    raise AssertionError(f"{run} had room enough")


def fill_meanwhile(recipe: Recipe, run: Path, file: str, sizes: dict[str, int], *, evaluation: int) -> Full:
    """Go on with a run, fill the disk in one of its evaluations, see what comes of it, and make room again."""
    ballast, evaluations = run.parent / "ballast", iter(range(1, 9))

    def measure_and_fill(*arguments: Any, **named: Any) -> Any:
        if next(evaluations) == evaluation:
            leave_room(ballast, room_up_to(file, sizes))
        return measure(*arguments, **named)

    with patch("imdb_sentiment.training.setup.measure", measure_and_fill):
        error = refusal(recipe, run)
    left = sorted(path.name for path in run.iterdir()) if run.exists() else []
    ballast.unlink()
    return Full(file, str(error), repr(error.__cause__), left, list(complete_checkpoints(run)))


def run_on_a_small_disk(recipe: Recipe, disk: Path, files: list[str]) -> Seen:
    make_small_disk(disk, DISK)
    leave_room(disk / "ballast", 600_000)
    refused = str(refusal(recipe, disk / "refused"))
    after_refusal = sorted(path.name for path in disk.iterdir())
    (disk / "ballast").unlink()

    whole = recipe._replace(changes={"save_total_limit": 4}).fit(disk / "long")
    sizes = {path.name: path.stat().st_size for path in (disk / "long" / f"checkpoint-{EVALUATED[2]}").iterdir()}
    shutil.rmtree(disk / "long")

    first = fill_meanwhile(recipe, disk / "none", "optimizer.pt", sizes, evaluation=1)
    later = [
        fill_meanwhile(recipe, disk / "runs", file, sizes, evaluation=1 if number else 3)
        for number, file in enumerate(files)
    ]
    checkpoint = sum(pages(size) for size in sizes.values())
    unfinished = disk / "runs" / f"checkpoint-{EVALUATED[2]}"
    unfinished.mkdir()
    (unfinished / "model.safetensors").write_bytes(bytes(checkpoint))
    leave_room(disk / "ballast", round(1.2 * checkpoint))
    return Seen(refused, after_refusal, whole, first, later, recipe.fit(disk / "runs", resume=True))


@pytest.mark.integration
def test_a_full_disk_costs_nothing_that_was_saved(tiny_model: Path, tmp_path: Path) -> None:
    """One test, as all of it happens in one process."""
    causes = {"model.safetensors": "No space left", "optimizer.pt": "RuntimeError", "complete.json": "No space left"}
    seen: Seen = Child(run_on_a_small_disk, Recipe(tiny_model, make_reviews(46)), tmp_path, list(causes)).result()

    assert "not enough disk space" in seen.refused
    assert re.search(r"found: +0\.[56]\d* MB free\n +expected: 1\.\d+ MB, for 3 checkpoints at a time", seen.refused)
    assert seen.after_refusal == ["ballast"]

    assert "checkpoint-4 could not be written" in seen.first.error
    assert seen.first.left == []

    best, last = seen.ended["checkpoints"]
    assert (best in (4, 7), last) == (True, 14)
    kept = sorted({best, 7})
    for full in seen.later:
        assert "checkpoint-11 could not be written" in full.error, full
        assert "resume=True" in full.error
        assert causes[full.file] in full.cause, full
        assert full.left == [".lock", *(f"checkpoint-{step}" for step in kept)], full
        assert full.complete == kept

    assert seen.whole["checkpoints"] == EVALUATED
    assert seen.ended == seen.whole | {"checkpoints": [best, last]}

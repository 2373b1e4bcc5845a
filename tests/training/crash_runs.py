"""Runs that can be compared to the last bit, and what is done to them in forked processes."""

import hashlib
import resource
import signal
import time
from pathlib import Path
from typing import Any, NamedTuple

from imdb_sentiment import DataConfig, FineTuneConfig, FineTuneResult, SentimentFineTuner
from imdb_sentiment.training.checkpoints import complete_checkpoints
from touches import kill_myself, watch

Outcome = dict[str, Any]

EVALUATED = [4, 7, 11, 14]
"""The steps after which a run of `Recipe` is evaluated; it has seven in an epoch, and ends with the last of these."""


class Recipe(NamedTuple):
    """What a run learns, and how: with random states and an order of rows that decide how it ends."""

    model: Path
    reviews: tuple[list[str], list[int]]
    """46 of them make 27 rows to learn from."""

    changes: dict[str, Any] = {}

    def tuner(self, folder: Path) -> SentimentFineTuner:
        fields: dict[str, Any] = {
            "model_name": str(self.model),
            "max_length": 32,
            "first_epoch_max_length": 10,
            "dropout": 0.1,
            "learning_rate": 2e-2,
            "per_device_train_batch_size": 2,
            "gradient_accumulation_steps": 2,
            "group_by_length": True,
            "evaluations_per_epoch": 2,
            "num_train_epochs": 2,
            "metric_for_best_model": "log_loss",
            "precision": "fp32",
            "seed": 4,
        }
        data = DataConfig(near_duplicates="ignore", validation_fraction=0.25)
        return SentimentFineTuner(data, FineTuneConfig(**(fields | self.changes)), output_dir=folder)

    def fit(self, folder: Path, *, resume: bool = False) -> Outcome:
        """Fit to the end, and return all by which runs can be compared."""
        tuner = self.tuner(folder)
        return outcome(tuner, tuner.fit(self.reviews, resume=resume))


def outcome(tuner: SentimentFineTuner, result: FineTuneResult) -> Outcome:
    """Return how a run ended, as plain JSON types: its figures, and digests of the weights it kept and of the last."""
    assert tuner._fitted
    assert tuner.output_dir
    complete = complete_checkpoints(tuner.output_dir)
    kept = hashlib.sha256()
    for name, weight in sorted(tuner._fitted.model.state_dict().items()):
        kept.update(name.encode() + weight.numpy().tobytes())
    return {
        "history": [record | {"seconds": None} for record in result.to_dict()["history"]],
        "kept": [result.kept_epoch, result.kept_because, kept.hexdigest()],
        "checkpoints": list(complete),
        "last": hashlib.sha256((complete[max(complete)] / "model.safetensors").read_bytes()).hexdigest(),
    }


def go_on(recipe: Recipe, folder: Path) -> Outcome:
    """Go on with a run to the end."""
    return recipe.fit(folder, resume=True)


def fit_and_watch(recipe: Recipe, folder: Path) -> tuple[Outcome, list[str]]:
    """Fit to the end, and list what in the folder is opened, made, renamed or removed, each time."""
    touched = watch(folder, [], kill_myself)
    return recipe.fit(folder), touched


def fit_and_count(recipe: Recipe, folder: Path) -> tuple[Outcome, float]:
    """Fit to the end, and count the seconds of the processor that it takes, which other work does not stretch."""
    begun = time.process_time()
    return recipe.fit(folder), time.process_time() - begun


def fit_and_run_out(recipe: Recipe, folder: Path, seconds: float) -> Outcome:
    """Fit, and be killed by SIGPROF after some seconds of the processor."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    return recipe.fit(folder)


def fit_and_die(recipe: Recipe, folder: Path, touches: list[str], file_size: int | None) -> Outcome:
    """Fit, or go on with a run, and be killed by the system.

    Args:
        recipe: What to fit.
        folder: Folder of the run.
        touches: When: just before the last of these patterns is met, one after the other, by what `fit_and_watch`
            lists.
        file_size: Be killed later, while a file is written and has grown to this size, in bytes.
    """
    watch(folder, touches, kill_myself if file_size is None else lambda: _die_writing(file_size))
    return recipe.fit(folder, resume=folder.exists())


def _die_writing(file_size: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, and a write would fail instead
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

"""One trial, in a process of its own: train with some settings, and measure on the held-out rows.

`python -m imdb_sentiment.tuning.trial FOLDER` is started by `tuning/process.py`. It writes messages as JSON lines to
its standard output, and reads a letter for each evaluation from its standard input. Everything else that is printed
goes to standard error. When the search ends, however it does, standard input ends, and so does this process.
"""

import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.config import FineTuneConfig
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.errors import ImdbSentimentError, TrainingInterruptedError
from imdb_sentiment.evaluation.selection import cross_fitted_positive, positive_of, value_of
from imdb_sentiment.inference.scorer import is_out_of_memory
from imdb_sentiment.inference.torch_backend import score_texts
from imdb_sentiment.models.pretrained import load_encoder
from imdb_sentiment.models.tokenization import labelled_texts
from imdb_sentiment.runtime.messages import Advice
from imdb_sentiment.training.checkpoints import locked
from imdb_sentiment.training.plan import Plan
from imdb_sentiment.training.watching import Evaluation
from imdb_sentiment.tuning.rows import held_out_labels, load_rows

if TYPE_CHECKING:
    from imdb_sentiment.data.data_like import DataSplits
    from imdb_sentiment.training.run import Fitted

__all__ = ["CHECKPOINTS", "JOB", "PRUNE", "held_out_after", "main", "run_trial", "trial_scores"]

JOB, CHECKPOINTS = "trial.json", "run"
PRUNE, CONTINUE = b"p", b"c"
_CHOSEN, _EPOCH = "chosen.npy", "epoch-{}.npy"


class PrunedError(Exception):
    """The search has given the trial up."""


class Search:
    """The search, at the other end of two pipes."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # prints of libraries
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while answer := os.read(0, 1):
            self._answers.put(answer)
        os._exit(1)  # the search is gone

    def tell(self, **message: object) -> None:
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()

    def goes_on_after(self, number: int) -> bool:
        """Report an evaluation, and return whether the trial is to go on."""
        self.tell(evaluation=number)
        return self._answers.get() != PRUNE


def main() -> None:
    """Run the trial whose folder is the argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; training has a handler of its own
    folder = Path(sys.argv[1])
    search = Search()
    try:
        search.tell(state="finished", **run_trial(folder, search))
    except PrunedError:
        search.tell(state="pruned")
    except (TrainingInterruptedError, KeyboardInterrupt):
        search.tell(state="interrupted")
    except ImdbSentimentError as error:
        search.tell(state="failed", error=_describe(error))
    except Exception as error:
        (folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        short = f"out of memory: {error}" if is_out_of_memory(error) else f"{type(error).__name__}: {error}"
        search.tell(state="failed", error={"summary": short})


def run_trial(folder: Path, search: Search) -> dict[str, Any]:
    """Train and measure, and keep the held-out probabilities in the folder.

    Args:
        folder: Folder of the trial, with the file `trial.json`.
        search: Notified of each evaluation, once its held-out probabilities are in the folder.

    Returns:
        Metrics and other facts of the finished trial.

    Raises:
        PrunedError: The search has given the trial up.
    """
    from imdb_sentiment.training.run import train

    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    config = FineTuneConfig(**job["config"])
    splits = load_rows(Path(job["rows"]))
    labels = held_out_labels(splits)

    def watch(evaluation: Evaluation) -> None:
        positive = cross_fitted_positive(evaluation.logits, labels)
        _save(folder / _EPOCH.format(evaluation.number), positive)
        goes_on = search.goes_on_after(evaluation.number)
        if not goes_on and not evaluation.is_last:
            raise PrunedError

    encoder = load_encoder(config, pairs="text_pair" in splits.train.column_names)
    names = LabelNames(*splits.train.features["label"].names)
    with locked(folder / CHECKPOINTS):
        plan = Plan.of(config, splits, encoder, names, folder / CHECKPOINTS, resume=True, audit=lambda: None)
        fitted = train(plan, encoder, lambda: splits, watch=watch)
    positive = _held_out(fitted, splits, labels)
    _save(folder / _CHOSEN, positive)
    return {
        "accuracy": value_of("accuracy", positive, labels),
        "log_loss": value_of("log_loss", positive, labels),
        "method": fitted.result.method,
        "kept_epoch": fitted.result.kept_epoch,
        "seconds": fitted.result.seconds,
    }


def held_out_after(folder: Path, evaluation: int | None = None) -> NDArray[np.float64]:
    """Return the held-out probabilities after an evaluation of a trial, or of its finished model, shape (n,)."""
    positive: NDArray[np.float64] = np.load(folder / (_CHOSEN if evaluation is None else _EPOCH.format(evaluation)))
    return positive


def trial_scores(folder: Path, config: FineTuneConfig) -> list[NDArray[np.float64]]:
    """Return the held-out probabilities after each epoch that a trial could have kept; none of a failed trial."""
    chosen = [np.load(path) for path in folder.glob(_CHOSEN)]
    epochs = sorted(folder.glob(_EPOCH.format("*"))) if config.load_best_model_at_end else []
    return [*chosen, *map(np.load, epochs)]


def _held_out(fitted: "Fitted", splits: "DataSplits", labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return calibrated probabilities of the positive label for held-out rows, with nothing fitted to a row itself."""
    if fitted.held_out is not None:
        return positive_of(fitted.held_out.logits)
    scored = score_texts(fitted.model, fitted.encoder, labelled_texts(splits.validation).texts)
    return cross_fitted_positive(scored.logits * fitted.result.calibration.temperature, labels)


def _save(path: Path, values: NDArray[np.float64]) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, values)
    partial.replace(path)


def _describe(error: ImdbSentimentError) -> Mapping[str, object]:
    parts = {"summary": error.summary, "found": error.found, "expected": error.expected, "hint": error.hint}
    shell = error.hint.for_shell(()) if isinstance(error.hint, Advice) else error.hint
    return {"kind": type(error).__name__, **parts, "hint_for_shell": shell}


if __name__ == "__main__":
    main()

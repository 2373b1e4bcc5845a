"""One of many files scored by a worker, which may be lost at any moment."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from imdb_sentiment.disk_space import is_disk_full
from imdb_sentiment.errors import DataError, DiskFullError, ImdbSentimentError
from imdb_sentiment.messages import Advice, Either
from imdb_sentiment.output import make_folder, write_text
from imdb_sentiment.results import FileReport

__all__ = ["HIDDEN", "FileScorer", "FolderJob", "Outcome", "to_report", "try_one"]

HIDDEN = ".imdb_sentiment"
"""The folder in the output folder for what came of each file, and for files that are not whole yet."""

_MOST_TRIES = 5


class FileScorer(Protocol):
    """A model that scores files, as `SentimentClassifier` does."""

    @property
    def predict_file(self) -> Callable[..., FileReport]:
        """Score one file into another."""


class Outcome(NamedTuple):
    """What came of a file, in values that any engine can hand over."""

    name: str
    report: str
    """The report as JSON; empty if the file could not be scored."""

    error: str
    """Why it could not be scored."""

    full_disk: bool


class FolderJob(NamedTuple):
    """What is to be done with which files."""

    root: Path
    """The folder that all of them lie below."""

    names: Sequence[str]
    """Where each lies below `root`; its output has the same place below `folder`."""

    folder: Path
    options: dict[str, Any]
    """Arguments of `SentimentClassifier.predict_file`."""

    model: str
    """Tells one model from another."""

    precision: str | None
    """What the model computes with; files computed otherwise are not put beside these."""

    def state(self, name: str) -> list[int]:
        """Tell one version of an input from another."""
        state = (self.root / name).stat()
        return [state.st_size, state.st_mtime_ns]

    def hidden(self, kind: str, name: str) -> Path:
        """Return where something about a file is kept."""
        return self.folder / HIDDEN / kind / name

    def report(self, name: str) -> FileReport | None:
        """Return what came of a file, as it is now; None if that is not known."""
        path = self.hidden("reports", f"{name}.json")
        if not path.is_file():
            return None
        told = json.loads(path.read_text(encoding="utf-8"))
        return to_report(told["report"]) if told["source"] == self.state(name) else None


def to_report(told: str) -> FileReport:
    """Return a report that was written as JSON."""
    fields = json.loads(told)
    return FileReport(**(fields | {"notes": tuple(fields["notes"])}))


def try_one(job: FolderJob, name: str, classifier: Callable[[], FileScorer]) -> Outcome:
    """Score a file, as a worker does; if an earlier worker was lost while it did, go on from there.

    Args:
        job: What it is part of.
        name: Which file.
        classifier: Gives the model.
    """
    try:
        report = _score_one(job, name, classifier)
    except (ImdbSentimentError, OSError) as error:
        return Outcome(name, "", str(error), isinstance(error, DiskFullError) or is_disk_full(error))
    return Outcome(name, _to_json(report), "", full_disk=False)


def _score_one(job: FolderJob, name: str, classifier: Callable[[], FileScorer]) -> FileReport:
    partial, target = job.hidden("partial", name), job.folder / name
    report = job.report(name)
    if report and not partial.exists() and target.exists():
        return report
    make_folder(target.parent)
    if report is None or not partial.exists():
        with _counted(job.hidden("tries", name)):
            source = job.state(name)
            make_folder(partial.parent)
            report = classifier().predict_file(job.root / name, partial, overwrite=True, **job.options)
            said = job.hidden("reports", f"{name}.json")
            make_folder(said.parent)
            write_text(said, json.dumps({"source": source, "report": _to_json(report)}), overwrite=True)
    partial.replace(target)  # last: an output that is there is whole, and has its report
    return report


@contextmanager
def _counted(tries: Path) -> Iterator[None]:
    """Give up on a file that no worker survives, such as one that takes more memory than there is."""
    make_folder(tries.parent)
    with tries.open("a") as file:
        file.write("x")
    if tries.stat().st_size > _MOST_TRIES:
        hint = Advice("fewer ", Either("workers", "--workers"), ", if they had too little memory; then the same again")
        raise DataError(f"{_MOST_TRIES} workers were lost, one after the other, while they scored it", hint=hint)
    yield
    tries.unlink()


def _to_json(report: FileReport) -> str:
    return json.dumps(report.to_dict())
